"""Groups of people beside identity: households at one place and accounts of companies; each is a graph of its own.

How they are found: `orchestration.identity.groups`.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from orchestration.defs.run import OWNERS, WRITER, settings
from orchestration.warehouse.describe import describe

_SOUND = "every_membership_is_sound"
_PEOPLE = [dg.AssetKey(["conformed", "contacts"]), dg.AssetKey(["identity", "person_records"])]
_HOUSEHOLDS = {
    "households": "People who live together. One row per household.",
    "household_members": "Who is of which household, and why. One row per person whose place or fellows are known.",
}
_ACCOUNTS = {
    "accounts": "Companies that contacts name, write from, or a CRM lists. One row per company.",
    "account_people": "Who is with which company, and why. One row per company and person.",
    "account_keys": "What stands for a company: domains, names, company records. One row per company and key.",
}


def _specs(tables: dict[str, str], deps: list[dg.AssetKey]) -> list[dg.AssetSpec]:
    return [
        dg.AssetSpec(
            dg.AssetKey(["identity", table]),
            deps=deps,
            description=description,
            group_name="identity",
            owners=OWNERS,
            kinds={"python", "duckdb"},
        )
        for table, description in tables.items()
    ]


def _results(tables: dict[str, str], figures: dict[str, Any]) -> Iterator[dg.MaterializeResult]:
    """Row counts and columns of each table, with the figures of the step beside the first."""
    facts = describe(settings(), [("identity", table) for table in tables])
    for place, table in enumerate(tables):
        found = facts["identity", table]
        yield dg.MaterializeResult(
            asset_key=dg.AssetKey(["identity", table]),
            metadata={
                "dagster/row_count": found.count_rows,
                "dagster/column_schema": dg.TableSchema([dg.TableColumn(n, k) for n, k in found.columns]),
                **(figures if place == 0 else {}),
            },
        )


def _membership_spec(table: str, description: str) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(_SOUND, asset=dg.AssetKey(["identity", table]), description=description)


def _membership(table: str) -> dg.AssetCheckResult:
    from orchestration.identity.groups import keeping

    wrong = keeping.count_wrong(settings(), table)
    return dg.AssetCheckResult(
        check_name=_SOUND,
        asset_key=dg.AssetKey(["identity", table]),
        passed=not wrong,
        metadata={"rows_wrong": wrong},
    )


@dg.multi_asset(
    name="find_households",
    specs=_specs(_HOUSEHOLDS, _PEOPLE),
    check_specs=[
        dg.AssetCheckSpec(
            "no_household_is_a_building",
            asset=dg.AssetKey(["identity", "households"]),
            description="No household has more people than live together.",
        ),
        _membership_spec("household_members", "A person is of one household, and both are known."),
    ],
    pool=WRITER,
)
def find_households(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """Find who lives together among the people that are served; ids of households last."""
    from orchestration.identity.groups import households, keeping

    figures = keeping.keep_households(settings())
    context.log.info(f"households: {figures}")
    yield from _results(_HOUSEHOLDS, figures)
    largest = figures["largest_household"]
    yield dg.AssetCheckResult(
        check_name="no_household_is_a_building",
        asset_key=dg.AssetKey(["identity", "households"]),
        passed=largest <= households.MOST_PEOPLE,
        metadata={"largest_household": largest},
    )
    yield _membership("household_members")


@dg.multi_asset(
    name="find_accounts",
    specs=_specs(_ACCOUNTS, [*_PEOPLE, dg.AssetKey(["conformed", "companies"])]),
    check_specs=[_membership_spec("account_people", "A person is with a company once, and both are known.")],
    pool=WRITER,
)
def find_accounts(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """Find the companies of contacts and CRM records; ids of accounts last."""
    from orchestration.identity.groups import keeping

    figures = keeping.keep_accounts(settings())
    context.log.info(f"accounts: {figures}")
    yield from _results(_ACCOUNTS, figures)
    yield _membership("account_people")

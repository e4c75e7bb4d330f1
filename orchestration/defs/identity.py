"""Identity: the op that resolves records into people with ids that last, and jobs about what a person decided.

How it is done: `orchestration.identity`.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from orchestration.defs.run import OWNERS, WRITER, as_of, settings
from orchestration.warehouse.describe import describe

TABLES = {
    "person_records": "Which person each record belongs to. One row per record.",
    "links": "The evidence: pairs of records and what joins them. One row per pair and rule.",
    "people": "People. One row per person id in use.",
    "skipped_identifiers": "Identifiers too common to be evidence. One row per identifier.",
    "ledger": "What happened to ids, when, why and by which evidence. One row per run, event and two people.",
    "aliases": "Ids that another person took over, for ever; chains resolved. One row per former id.",
}
APPLIED = "partition_was_applied"
_PEOPLE = dg.AssetKey(["identity", "people"])


@dg.multi_asset(
    name="resolve_identity",
    specs=[
        dg.AssetSpec(
            dg.AssetKey(["identity", table]),
            deps=[dg.AssetKey(["conformed", "contacts"]), dg.AssetKey(["conformed", "identifiers"])],
            description=description,
            group_name="identity",
            owners=OWNERS,
            kinds={"python", "splink", "duckdb"},
        )
        for table, description in TABLES.items()
    ],
    check_specs=[
        dg.AssetCheckSpec(
            APPLIED, asset=_PEOPLE, description="The run merged and parted no more people than may be without a word."
        )
    ],
    pool=WRITER,
)
def resolve_identity(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """Resolve every record; skipped when neither records, model nor decisions changed.

    A run that would change too many people changes nothing: the check is red, and the last partition stays served.
    """
    from orchestration.identity.resolve import resolve

    metrics = resolve(settings(), as_of=as_of(context), run_id=context.run_id)
    context.log.info(f"identity: {metrics}")
    tables = describe(settings(), [("identity", table) for table in TABLES])
    for table in TABLES:
        facts = tables["identity", table]
        numbers = metrics if table == "people" else {}
        yield dg.MaterializeResult(
            asset_key=dg.AssetKey(["identity", table]),
            metadata={
                "dagster/row_count": facts.count_rows,
                "dagster/column_schema": dg.TableSchema([dg.TableColumn(n, k) for n, k in facts.columns]),
                **{name: value for name, value in numbers.items() if isinstance(value, int | float | str)},
            },
        )
    yield _applied(metrics)


def _applied(metrics: dict[str, Any]) -> dg.AssetCheckResult:
    held = metrics.get("held")
    numbers = {name: float(value) for name, value in (metrics.get("churn") or {}).items()}
    return dg.AssetCheckResult(
        check_name=APPLIED,
        asset_key=_PEOPLE,
        passed=not held,
        metadata=numbers | ({"what": f"nothing was applied, the last people stay served: {held}"} if held else {}),
    )


@dg.op(
    config_schema={
        "decision": dg.Field(str, description="must, cannot or withdraw"),
        "record_id_l": str,
        "record_id_r": str,
        "who": str,
        "why": str,
    },
    pool=WRITER,
)
def decide(context: dg.OpExecutionContext) -> None:
    """Record what a steward decided about two records."""
    from orchestration.identity import decisions
    from orchestration.warehouse import engine

    asked = context.op_config
    pair, reason = (asked["record_id_l"], asked["record_id_r"]), {"who": asked["who"], "why": asked["why"]}
    with engine.writing_state(settings()) as con:
        if asked["decision"] == "withdraw":
            decisions.withdraw(con, *pair, **reason)
        else:
            decisions.record(con, *pair, decision=asked["decision"], **reason)
    context.log.info("decided; the next run applies it")


@dg.job(description="A steward's decision about two records, given as run config: must, cannot or withdraw.")
def identity_decision() -> None:
    decide()


_SENDS = dg.AssetSelection.tag("tessera/sends", "true")
_TO_IDENTITY = dg.AssetSelection.groups("landing", "staging", "conformed", "identity")
_GROUPS = dg.AssetSelection.assets(
    *(
        ["identity", table]
        for table in ("households", "household_members", "accounts", "account_people", "account_keys")
    )
)
after_identity = dg.define_asset_job(
    "after_identity",
    (dg.AssetSelection.all() - _TO_IDENTITY - _SENDS) | _GROUPS,
    description="What hangs on people, after a person corrected them: groups and profiles to marts; sends nothing.",
)

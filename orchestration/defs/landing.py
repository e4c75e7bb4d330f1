"""Landing: one op per source system, with its health, its reconciliation and its batch suite as checks.

A sick source never fails the run: its checks turn red, its last good landing stays, the rest goes on.
"""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg

from data_contracts.contract import Contract, load
from data_contracts.odcs import ContractError
from ingestion.discover import discover
from orchestration.components import document
from orchestration.defs.run import OWNERS, settings
from orchestration.landing.health import remember
from orchestration.landing.intake import Intake, take_in

HEALTHY, RECONCILED, SOUND = "source_answered", "offered_equals_landed_and_quarantined", "batch_is_sound"


def _freshness(contract: Contract) -> dg.FreshnessPolicy:
    """Late by the contract's latency: a warning; by twice that: a failure."""
    latency = timedelta(hours=contract.latency_hours or 24)
    return dg.FreshnessPolicy.time_window(fail_window=2 * latency, warn_window=latency)


def _specs(contract: Contract) -> list[dg.AssetSpec]:
    return [
        dg.AssetSpec(
            dg.AssetKey(["landing", contract.system, table.name]),
            description=table.description,
            group_name="landing",
            owners=OWNERS,
            kinds={"dlt", "parquet", contract.channel},
            metadata={
                "dagster/column_schema": dg.TableSchema(
                    [
                        dg.TableColumn(
                            column.name, column.logical_type, column.description, tags={column.classification: ""}
                        )
                        for column in table.columns
                    ]
                ),
                "contract": f"data_contracts/sources/{contract.system}.odcs.yaml",
            },
            freshness_policy=_freshness(contract),
        )
        for table in contract.tables
    ]


def _bookkeeping(contract: Contract) -> list[dg.AssetSpec]:
    """What landing keeps about itself, beside the tables of the contract."""
    return [
        dg.AssetSpec(
            dg.AssetKey(["landing", contract.system, name]),
            description=description,
            group_name="landing",
            owners=OWNERS,
            kinds={"dlt", "parquet"},
        )
        for name, description in (
            ("batches", "One row per file or set of pages that was offered, and what became of it."),
            ("replays", "One row per quarantined record that landed after its contract was corrected."),
        )
    ]


def _checks(contract: Contract) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(name, asset=dg.AssetKey(["landing", contract.system, table.name]), description=description)
        for table in contract.tables
        for name, description in (
            (HEALTHY, "The source could be read to its end, and no file of it was refused."),
            (RECONCILED, "Every record offered is landed or quarantined, none lost, none twice."),
            (SOUND, "The batch as a whole looks as usual: volume, quarantine share, null shares."),
        )
    ]


def _results(contract: Contract, intake: Intake) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    for table in contract.tables:
        key = dg.AssetKey(["landing", contract.system, table.name])
        facts = intake.tables[table.name]
        yield dg.MaterializeResult(
            asset_key=key,
            metadata={
                "dagster/row_count": facts.rows_landed,
                "offered": facts.offered,
                "landed": facts.landed,
                "quarantined": facts.quarantined,
                "seconds": intake.seconds,
            },
        )
        for name, verdict in ((HEALTHY, facts.healthy), (RECONCILED, facts.reconciled), (SOUND, facts.sound)):
            yield dg.AssetCheckResult(
                check_name=name,
                asset_key=key,
                passed=verdict.passed,
                severity=dg.AssetCheckSeverity.ERROR if verdict.is_error else dg.AssetCheckSeverity.WARN,
                metadata={"what": verdict.message, **verdict.numbers},
            )


def landing_of(contract: Contract) -> dg.AssetsDefinition:
    """The op that lands one source, with an asset per table and its checks."""

    @dg.multi_asset(
        name=f"land_{contract.system}",
        specs=[*_specs(contract), *_bookkeeping(contract)],
        check_specs=_checks(contract),
        pool=f"land_{contract.system}",
    )
    def land(context: dg.AssetExecutionContext):
        intake = take_in(settings(), contract, log=context.log.warning)
        yield from _results(contract, intake)
        for spec in _bookkeeping(contract):
            yield dg.MaterializeResult(asset_key=spec.key)

    return land


def _unusable(system: str, error: ContractError) -> dg.AssetsDefinition:
    """Stands for a source whose contract cannot be read: lands nothing, shows the red check, stops who requires it."""
    key = dg.AssetKey(["landing", system, "contract"])

    @dg.multi_asset(
        name=f"land_{system}",
        specs=[
            dg.AssetSpec(key, group_name="landing", owners=OWNERS, description=f"Not in use: {error}", skippable=True)
        ],
        check_specs=[document.validity_check(key)],
    )
    def unusable(context: dg.AssetExecutionContext):
        remember(settings(), system, [str(error)])
        context.log.error(f"{error}: its last good landing stays in use")
        yield document.invalid(key, message=f"{error}; the last good landing stays in use")

    return unusable


def _source(system: str) -> dg.AssetsDefinition:
    try:
        return landing_of(load(system))
    except ContractError as error:
        return _unusable(system, error)


@dg.definitions
def landing() -> dg.Definitions:
    return dg.Definitions(assets=[_source(system) for system in discover()])

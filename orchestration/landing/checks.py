"""Whether a landing is whole (nothing lost, nothing doubled) and whether its batches look as usual.

Single records are judged in `ingestion.split`, where rows are decided; here only counts and shares.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from data_contracts.contract import Contract, Table, load
from data_contracts.landed import QUARANTINE_SUFFIX
from ingestion import layout
from orchestration.settings import Settings
from orchestration.warehouse import engine

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd

Severity = Literal["error", "warn"]
_SMALLEST_VOLUME, _LARGEST_VOLUME = 0.3, 3.0
_NULL_SHARE_RISE = 0.3
_REPEATED_KEYS = 0.05
# A day's file comes the day after, so a day late is on time.
_GRACE_HOURS = 24


@dataclass(frozen=True)
class Reconciliation:
    """Records of one resource over everything landed. `quarantined` are those that still wait.

    `lost` counts records offered that are nowhere, `doubled` records that are there more than once.
    """

    offered: int
    landed: int
    quarantined: int
    lost: int
    doubled: int

    @property
    def is_equal(self) -> bool:
        return not self.lost and not self.doubled and self.offered == self.landed + self.quarantined


@dataclass(frozen=True)
class Finding:
    """The verdict of one expectation on one resource; `message` says what was expected and what to do."""

    resource: str
    check: str
    passed: bool
    severity: Severity
    message: str
    observed: float | None


def reconcile(settings: Settings, system: str) -> dict[str, Reconciliation]:
    """Count every resource of `system` batch by batch; also one that never landed, with zeros."""
    return reconciled(settings, load(system))


def reconciled(settings: Settings, contract: Contract) -> dict[str, Reconciliation]:
    """`reconcile` by a contract that was read before, so that one broken since then does not hide the counts."""
    layout.write_schemas(settings.root, contract)
    with engine.memory(settings) as con:
        return {table.name: _counted(con, settings, contract.system, table) for table in contract.tables}


def _counted(con: Any, settings: Settings, system: str, table: Table) -> Reconciliation:
    def source(name: str) -> str:
        return layout.complete(settings.root, system, name)

    rows = con.execute(
        f"""
        with offered as (
            select batch_id, sum(offered) as n from {source("batches")} as b
            where resource = $resource and status = 'landed' group by 1
        ),
        replayed as (select distinct batch_id, line from {source("replays")} as r where resource = $resource),
        landed as (
            select _batch_id as batch_id, count(*) as n, count(distinct _line) as d
            from {source(table.name)} as t group by 1
        ),
        waiting as (
            select _batch_id as batch_id, count(*) as n, count(distinct _line) as d
            from {source(table.name + QUARANTINE_SUFFIX)} as q
            where (_batch_id, _line) not in (select (batch_id, line) from replayed) group by 1
        ),
        per_batch as (
            select
                coalesce(o.n, 0) as offered, coalesce(l.n, 0) as landed, coalesce(w.n, 0) as waiting,
                coalesce(l.n - l.d, 0) + coalesce(w.n - w.d, 0) as doubled
            from offered as o
            full join landed as l on l.batch_id = o.batch_id
            full join waiting as w on w.batch_id = coalesce(o.batch_id, l.batch_id)
        )
        select
            coalesce(sum(offered), 0), coalesce(sum(landed), 0), coalesce(sum(waiting), 0),
            coalesce(sum(greatest(offered - landed - waiting, 0)), 0),
            coalesce(sum(greatest(doubled, landed + waiting - offered, 0)), 0)
        from per_batch
        """,
        {"resource": table.name},
    ).fetchall()
    return Reconciliation(*map(int, rows[0]))


def suite(contract: Contract) -> "gx.ExpectationSuite":
    """What the facts of a load must keep: one expectation a rule, its severity on it, its words in `meta`."""
    import great_expectations as gx
    from great_expectations import expectations as gxe

    late = (contract.latency_hours or 24.0) + _GRACE_HOURS
    rules = [
        (
            "quarantine_headroom",
            "error",
            0,
            None,
            "more than maxQuarantineShare allows: look at "
            "`tessera quarantine list`, then correct the source or the contract",
        ),
        (
            "volume_ratio",
            "warn",
            _SMALLEST_VOLUME,
            _LARGEST_VOLUME,
            "rows per batch far from the median of the batches before: ask the source whether the delivery is whole",
        ),
        (
            "null_share_rise",
            "warn",
            None,
            _NULL_SHARE_RISE,
            "a column is empty far more often than before: ask the source whether it still fills it",
        ),
        (
            "repeated_key_share",
            "warn",
            None,
            _REPEATED_KEYS,
            "many keys are in a batch twice: check primaryKey in the contract",
        ),
        (
            "hours_behind",
            "warn",
            None,
            late,
            "the newest record is older than the contract's latency allows: ask the source why nothing newer came",
        ),
    ]
    return gx.ExpectationSuite(
        name=contract.system,
        expectations=[
            gxe.ExpectColumnValuesToBeBetween(
                column=column,
                min_value=low,
                max_value=high,
                severity="critical" if severity == "error" else "warning",
                meta={"message": message, "severity": severity},
            )
            for column, severity, low, high, message in rules
        ],
    )


def validate(facts: "pd.DataFrame", expectations: "gx.ExpectationSuite") -> list[Finding]:
    """One finding per resource and expectation; a fact that is null passes. No record's value is in a result."""
    if facts.empty:
        return []
    frame = facts.assign(quarantine_headroom=facts["allowed_quarantine_share"] - facts["quarantine_share"])
    batch = _definition().get_batch({"dataframe": frame})
    results = batch.validate(
        expectations,
        result_format={
            "result_format": "COMPLETE",
            "unexpected_index_column_names": ["resource"],
            "exclude_unexpected_values": True,
        },
    ).results
    return [finding for result in results for finding in _findings(frame, result)]


@cache
def _definition() -> Any:
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("landing").add_dataframe_asset("facts")
    return asset.add_batch_definition_whole_dataframe("last_load")


def _findings(frame: "pd.DataFrame", result: Any) -> Sequence[Finding]:
    if result.exception_info.get("raised_exception"):
        raise RuntimeError(f"Great Expectations failed: {result.exception_info.get('exception_message')}")
    config = result.expectation_config
    column, meta = config.kwargs["column"], config.meta
    failed = {name for entry in result.result.get("unexpected_index_list") or [] for name in entry["resource"]}
    findings = []
    for row in frame.to_dict("records"):
        resource, value = row["resource"], None if math.isnan(row[column]) else row[column]
        passed = resource not in failed
        where = f"{resource}.{row['null_share_column']}" if column == "null_share_rise" else resource
        message = "as usual" if passed else f"{where}: {_measured(column, row)}: {meta['message']}"
        findings.append(Finding(resource, column, passed, meta["severity"], message, value))
    return findings


def _measured(column: str, row: dict[str, Any]) -> str:
    if column == "quarantine_headroom":
        return f"{row['count_quarantined']:,.0f} of {row['count_offered']:,.0f} records are in quarantine"
    return f"{column} is {f'{row[column]:,.2f}'.rstrip('0').rstrip('.')}"

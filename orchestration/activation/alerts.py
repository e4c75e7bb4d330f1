"""What a sync's document wants to be warned of, judged from the ledger: each with its numbers and what to do.

That a run stopped, or that rows were refused at all, is told by the checks beside these; guards stop a run before it
sends, alerts stop nothing.
"""

from dataclasses import dataclass, field
from typing import Any

import duckdb

from orchestration.activation import ledger
from orchestration.activation.document import SyncDocument
from orchestration.activation.plan import SHARES_COUNT_FROM
from orchestration.settings import Settings
from orchestration.warehouse import engine

FEW_REJECTS, SUCCEEDED, HAS_ROWS, STEADY = (
    "rejected_rows_are_few", "a_run_succeeded_lately", "the_model_has_rows", "the_size_is_steady",
)  # fmt: skip
DESCRIPTIONS = {
    FEW_REJECTS: "The share of rows that the destination refuses is at most alerts.max_reject_share.",
    SUCCEEDED: "A run ended well within alerts.max_hours_without_success.",
    HAS_ROWS: "The model has at least alerts.min_rows rows.",
    STEADY: "The model has about as many rows as when it was last sent, within alerts.max_size_change.",
}

# A run that is refused early has not looked at the model.
_COUNTED = "status <> 'adopted' and (status <> 'refused' or count_model > 0 or count_acknowledged_before > 0)"


@dataclass(frozen=True)
class Alert:
    """One judgement; `what` says what to do when it did not pass."""

    name: str
    passed: bool
    what: str
    numbers: dict[str, Any] = field(default_factory=dict)


def judged(settings: Settings, sync: SyncDocument) -> list[Alert]:
    """Every alert of the sync after its newest run; none before the first."""
    with engine.writing_state(settings) as con:
        con.execute(ledger.TABLES)
        runs = con.execute(
            "select status, count_model, coalesce(count_rejected, 0) + coalesce(count_rejected_before, 0) "
            f"from activation.runs where sync = ? and {_COUNTED} order by recorded_at desc",
            [sync.name],
        ).fetchall()
        hours = _hours_without_success(con, sync.name)
    found = [] if hours is None else [_succeeded(sync, hours)]
    if runs:
        _, rows, rejected = runs[0]
        before = next((count for status, count, _ in runs[1:] if status in ("succeeded", "rejects")), None)
        found += [_few_rejects(sync, rejected, rows), _has_rows(sync, rows), _steady(sync, rows, before)]
    return found


def _hours_without_success(con: duckdb.DuckDBPyConnection, sync: str) -> float | None:
    """Since the last run that ended well, else since the first run; None before it."""
    return con.execute(
        "select (epoch(current_timestamp::timestamp) - epoch(coalesce("
        "max(recorded_at) filter (status in ('succeeded', 'rejects')), min(recorded_at)))) / 3600 "
        "from activation.runs where sync = ? and status <> 'adopted'",
        [sync],
    ).fetchall()[0][0]


def _few_rejects(sync: SyncDocument, rejected: int, rows: int) -> Alert:
    limit, share = sync.alerts.max_reject_share, rejected / max(rows, rejected, 1)
    what = (
        f"{rejected} of {rows} rows are refused, at most {limit or 0:.1%} should be: `activation.rejects` counts the "
        f"reasons, `tessera why-sent {sync.name} PERSON` tells one; correct the model, or the destination and "
        f"`tessera sync {sync.name} --retry`"
    )
    numbers = {"rejected": rejected, "rows": rows, "share": share}
    return Alert(FEW_REJECTS, limit is None or share <= limit, what, numbers)


def _succeeded(sync: SyncDocument, hours: float) -> Alert:
    limit = sync.alerts.max_hours_without_success
    what = (
        f"no run of {sync.name} ended well for {hours:.1f} hours, at most {limit or 0:g} should pass: "
        "the destination lags behind; see why the last run stopped, then run the sync again"
    )
    return Alert(SUCCEEDED, limit is None or hours <= limit, what, {"hours": hours})


def _has_rows(sync: SyncDocument, rows: int) -> Alert:
    limit = sync.alerts.min_rows
    what = f"{sync.model} has {rows} rows, at least {limit} are expected: see what it is built from, or lower min_rows"
    return Alert(HAS_ROWS, rows >= limit, what, {"rows": rows})


def _steady(sync: SyncDocument, rows: int, before: int | None) -> Alert:
    limit, change = sync.alerts.max_size_change, abs(rows - (before or 0)) / (before or 1)
    few = before is None or max(rows, before) <= SHARES_COUNT_FROM
    what = (
        f"{sync.model} has {rows} rows, {before} when it was last sent: more than {limit or 0:.0%} apart; see which "
        "source or segment changed, or raise max_size_change"
    )
    return Alert(STEADY, few or limit is None or change <= limit, what, {"rows": rows, "rows_before": before or 0})

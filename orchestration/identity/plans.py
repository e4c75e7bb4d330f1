"""What runs would change, kept before it is applied: plans that were let through, wait for a person, or were let go.

A plan that waits keeps its whole result in a folder of its own, so that promoting it applies exactly what was shown.
How much is too much is said in `churn`; applying is in `apply`.
"""

import json
import re
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.errors import TesseraError
from orchestration.identity import state
from orchestration.identity.churn import Churn
from orchestration.identity.state import Run
from orchestration.settings import Settings

_PARTS = ("partition", "links", "skipped_identifiers", "gone", "wanted")
# held: above a limit. proposed: asked for by a person. standing: a rollback, which later runs must not undo.
WAITING = ("held", "proposed", "standing")
_COLUMNS = "run_id, action, status, reason, fingerprint, model_version, as_of, base_no, churn"


class PlanError(TesseraError):
    """There is no such plan, or it can no longer be applied."""


@dataclass(frozen=True)
class Plan:
    """One row of `identity.plans`; `base_no` is the run that it was compared with."""

    run_id: str
    action: str
    status: str
    reason: str | None
    fingerprint: str
    model_version: str
    as_of: date | None
    base_no: int
    churn: Churn

    def told(self) -> str:
        """What it would change, why it waits, and what to do: some lines for a terminal."""
        head = f"{self.action} {self.run_id} is {self.status}: {self.churn.told()}"
        if self.status not in WAITING:
            return head
        return "\n".join([head, *([f"  {self.reason}"] if self.reason else []), f"  {self.what_to_do()}"])

    def what_to_do(self) -> str:
        if self.status == "standing":
            return "`tessera identity promote` lets ordinary runs go on"
        return (
            f"`tessera identity promote {self.run_id}` applies it, `tessera identity discard {self.run_id}` lets it go"
        )


def folder(settings: Settings, run_id: str) -> Path:
    """Where a waiting plan keeps what it would apply."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]+( [A-Za-z0-9_.-]+)*", run_id):
        raise ValueError(f"run id '{run_id}' must be letters, digits, '_', '.' or '-'")
    return settings.root / "identity" / "plans" / run_id


def note(con: duckdb.DuckDBPyConnection, run: Run, churn: Churn, *, status: str, reason: str | None = None) -> Plan:
    """Write a plan; what an earlier one held is settled by it. In the caller's transaction, before a run is opened."""
    settled = "proposed" if status == "proposed" else "held"
    con.execute(
        "update identity.plans set status = if(run_id = $1, 'promoted', 'superseded'), settled_at = $2, "
        "settled_by = $3 where status = $4 or (run_id = $1 and status in ('held', 'proposed'))",
        [run.run_id, run.recorded_at, run.who, settled],
    )
    plan = Plan(
        run.run_id, run.action, status, reason, run.fingerprint, run.model_version, run.as_of, state.last_no(con), churn
    )
    con.execute(
        "insert into identity.plans select coalesce(max(plan_no), 0) + 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, null, null "
        "from identity.plans",
        [
            plan.run_id, plan.action, plan.status, plan.reason, plan.fingerprint, plan.model_version, plan.as_of,
            plan.base_no, json.dumps(churn.numbers()), run.recorded_at,
        ],
    )  # fmt: skip
    return plan


def settle(con: duckdb.DuckDBPyConnection, plan: Plan, *, status: str, who: str) -> None:
    """Say what became of a waiting plan: promoted or discarded."""
    con.execute(
        "update identity.plans set status = ?, settled_at = ?, settled_by = ? where run_id = ? and status = ?",
        [status, state.now(), who, plan.run_id, plan.status],
    )


def waiting(con: duckdb.DuckDBPyConnection, schema: str = "identity") -> list[Plan]:
    """Plans that wait, newest first."""
    listed = ", ".join(f"'{status}'" for status in WAITING)
    return _read(con, f"select {_COLUMNS} from {schema}.plans where status in ({listed}) order by plan_no desc")


def newest(con: duckdb.DuckDBPyConnection, count: int) -> list[Plan]:
    """The last plans, newest first."""
    return _read(con, f"select {_COLUMNS} from identity.plans order by plan_no desc limit {count}")


def in_the_way(plans: list[Plan], fingerprint: str) -> Plan | None:
    """The waiting plan that stops an ordinary run over these inputs: a rollback, or the same run that was held."""
    for plan in plans:
        if plan.status == "standing" or (plan.status == "held" and plan.fingerprint == fingerprint):
            return plan
    return None


def find(con: duckdb.DuckDBPyConnection, run_id: str | None) -> Plan:
    """The waiting plan of that run, or the only one that waits. Raises PlanError."""
    state.create_tables(con)
    there = waiting(con)
    chosen = [plan for plan in there if run_id in (None, plan.run_id)]
    if len(chosen) == 1:
        return chosen[0]
    named = ", ".join(plan.run_id for plan in there)
    if not there:
        raise PlanError("no plan is waiting: `tessera identity plans` shows what became of earlier ones")
    if run_id is None:
        raise PlanError(f"several plans are waiting: name one of {named}")
    raise PlanError(f"no plan of run '{run_id}' is waiting: name one of {named}")


def store(settings: Settings, run_id: str, parts: dict[str, pa.Table | None]) -> None:
    """Keep the change that a plan would apply."""
    place = folder(settings, run_id)
    place.mkdir(parents=True, exist_ok=True)
    for name, table in parts.items():
        if table is not None:
            pq.write_table(table, place / f"{name}.parquet")


def stored(settings: Settings, run_id: str) -> dict[str, pa.Table]:
    """The change that a plan would apply. Raises PlanError when it is no longer there."""
    files = {name: folder(settings, run_id) / f"{name}.parquet" for name in _PARTS}
    if not (files["partition"].exists() and files["links"].exists()):
        raise PlanError(
            f"{folder(settings, run_id)} is gone, and with it what run {run_id} would apply: "
            f"`tessera identity discard {run_id}`, and run `tessera run daily` again"
        )
    return {name: pq.read_table(file) for name, file in files.items() if file.exists()}


def forget(settings: Settings, con: duckdb.DuckDBPyConnection) -> None:
    """Remove the folders of plans that wait no more: what is in them is personal data."""
    kept = {plan.run_id for plan in waiting(con)}
    for place in (settings.root / "identity" / "plans").glob("*"):
        if place.name not in kept:
            shutil.rmtree(place, ignore_errors=True)


def _read(con: duckdb.DuckDBPyConnection, query: str) -> list[Plan]:
    names = Churn.__dataclass_fields__
    return [
        Plan(*row[:-1], Churn(**{name: value for name, value in json.loads(row[-1]).items() if name in names}))
        for row in con.execute(query).fetchall()
    ]

"""One change of the partition, from ids in state to the tables that are served: state first, warehouse last.

What the new partition is was decided before, by a solver, a steward or a rollback; whether it may be applied, in
`plans`. A change is the whole partition, or the part of it that differs.
"""

import json
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.identity import churn, history, holds, plans, proposal, registry, state, tables, versions
from orchestration.identity.churn import Churn
from orchestration.identity.plans import Plan
from orchestration.identity.state import Run
from orchestration.settings import Settings
from orchestration.warehouse import engine


@dataclass(frozen=True)
class Change:
    """A new partition and its evidence.

    `partition`: record_id, person (any int64 label). `links`: as `identity.links`, inside the persons of `partition`.
    `skipped_identifiers`: the whole table; None leaves what is served. Without `gone` the partition is the whole; with
    it (record_id, may be empty) it is every person that differs, complete, and `gone` the records that are no more.
    `wanted`: part, person_id: ids that parts are to have.
    """

    partition: pa.Table
    links: pa.Table
    skipped_identifiers: pa.Table | None = None
    gone: pa.Table | None = None
    wanted: pa.Table | None = None

    @property
    def is_whole(self) -> bool:
        return self.gone is None


@dataclass(frozen=True)
class Applied:
    """What `register` did: `ids` (record_id, person_id) of the change and counts of events, or the plan that waits."""

    plan: Plan
    churn: Churn
    events: dict[str, int]
    ids: pa.Table | None = None
    served: dict[str, pa.Table] | None = None
    run_no: int | None = None

    @property
    def is_waiting(self) -> bool:
        return self.ids is None


def register(
    settings: Settings,
    change: Change,
    run: Run,
    *,
    found: dict[str, Any],
    hold_back: str | None = None,
    is_approved: bool = False,
    status: str = "applied",
    before_commit: Any = None,
) -> Applied:
    """Give ids and write everything of it into state in one transaction; or keep a plan and touch nothing else.

    It waits when churn is above a limit and nobody `is_approved` it, or when told to with a reason, `hold_back`.
    `before_commit` is called when all is written.
    """
    with engine.writing_state(settings) as con:
        con.execute("begin transaction")
        state.create_tables(con)
        proposal.propose(con, change.partition, gone=change.gone, wanted=change.wanted)
        measured = churn.measure(con)
        broken = [] if is_approved else measured.broken_limits()
        if hold_back is not None or broken:
            waits = "held" if hold_back is None else "proposed"
            plan = plans.note(con, run, measured, status=waits, reason="; ".join(broken) or hold_back)
            plans.store(settings, run.run_id, vars(change))
            con.execute("commit")
            plans.forget(settings, con)
            return Applied(plan, measured, dict.fromkeys(registry.EVENTS, 0))
        plan = plans.note(con, run, measured, status=status, reason=run.why)
        ids, events = registry.apply(con, run, links=change.links)
        holds.follow_splits(con, run.run_id)
        found.update(events)
        con.execute("update identity.runs set metrics = ? where run_no = ?", [json.dumps(found), state.last_no(con)])
        if before_commit:
            before_commit()
        con.execute("commit")
        plans.forget(settings, con)
        return Applied(plan, measured, events, ids, tables.of_state(con, is_whole=change.is_whole), state.last_no(con))


def serve(
    settings: Settings, change: Change, applied: Applied, run: Run, inputs: dict[str, pa.Table] | None = None
) -> None:
    """Bring the tables of schema `identity`, Parquet and warehouse, in line with what was registered.

    `inputs` (contacts, identifiers) say when records were first seen; read from the warehouse without them.
    """
    versions.keep(settings)
    seen = inputs or tables.sightings(settings, change.partition)
    with engine.memory(settings) as con:
        skipped = {"skipped_identifiers": change.skipped_identifiers} if change.skipped_identifiers is not None else {}
        rows = tables.with_ids(con, {"links": change.links, **skipped}, applied.ids, seen) | applied.served
    if change.is_whole:
        tables.export(settings.root / "identity", rows)
        tables.write(settings, rows, run.run_id, run.fingerprint)
    else:
        tables.write_part(settings, rows, run.run_id, run.fingerprint)


def links_within(settings: Settings, partition: pa.Table) -> pa.Table:
    """The links served now whose two ends are one person of `partition`: evidence that a regrouping leaves."""
    with engine.reading(settings) as con:
        con.register("partition_in", partition)
        return con.execute(
            "select links.* from warehouse.identity.links as links "
            "inner join partition_in as l on l.record_id = record_id_l "
            "inner join partition_in as r on r.record_id = record_id_r and l.person = r.person"
        ).to_arrow_table()


def last_run(con: duckdb.DuckDBPyConnection) -> history.PastRun:
    """The run whose partition holds now; `con` is the state database."""
    state.create_tables(con)
    return history.run_at(con)

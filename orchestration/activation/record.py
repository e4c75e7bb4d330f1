"""Last step of a sync: what the destination acknowledged or refused goes into the ledger, in one transaction."""

import time

import duckdb

from orchestration.activation import ledger, marks, outbox
from orchestration.activation.document import SyncDocument
from orchestration.activation.result import PlanSummary, SyncResult
from orchestration.settings import Settings
from orchestration.warehouse import engine

# What somebody filled there is not ours, so it is no part of what the destination holds of ours.
_FINAL = """
create or replace temp view kept as
select seq, list(field order by field) as kept from outbox.kept group by seq;
create or replace temp view final as
select
    o.* exclude (payload), r.outcome, r.attempt, r.http_status, r.error_class, r.code, r.answered_at,
    coalesce(r.dest_id, o.dest_id) as known_id,
    coalesce(r.message, 'left as it is, filled there: ' || array_to_string(k.kept, ', ')) as message,
    case
        when k.kept is null then o.payload
        else map_from_entries(list_filter(map_entries(o.payload), lambda e: not list_contains(k.kept, e.key)))
    end as payload
from outbox.ops as o
join outbox.results as r on r.seq = o.seq
left join kept as k on k.seq = o.seq
"""
# Every statement may meet rows of an earlier try of the same sync, none of the same run: that is recorded once.
# One insert a table: DuckDB 1.5 loses a big one into a table that got no rows earlier in the same transaction.
_WRITES = """
update activation.state as s set person_id = d.person_id from outbox.decisions as d
    where d.decision = 'moved' and s.sync = $sync and s.key = d.key;
update activation.crosswalk as c set person_id = d.person_id from outbox.decisions as d, outbox.header as h
    where d.decision = 'moved' and c.destination = h.destination and c.object = h.object and c.key = d.key;
delete from activation.plan where sync = $sync and op in ('held', 'rejected');
insert into activation.plan
    select $sync, $run_id, seq, key, person_id, op, reason, changes, hash from outbox.ops
    union all
    select $sync, $run_id, null, key, person_id, decision, reason, null, hash from outbox.decisions
    where decision in ('held', 'rejected');
insert into activation.attempts
    select
        $sync, $run_id, seq, key, op, outcome, attempt, http_status, error_class, code, message, known_id, answered_at
    from final;
delete from activation.state
    where sync = $sync and key in (select key from final where outcome = 'acknowledged');
insert into activation.state
    select $sync, key, person_id, known_id, payload, hash, $run_id, answered_at
    from final where outcome = 'acknowledged' and op in ('insert', 'update');
create or replace temp table refused_now as
    select
        $sync as sync, f.key, f.hash, f.error_class, f.code, f.message as reason,
        coalesce(r.first_at, f.answered_at) as first_at, coalesce(r.tries, 0) + 1 as tries, $run_id as run_id
    from final as f
    left join activation.rejects as r on r.sync = $sync and r.key = f.key and r.hash = f.hash
    where f.outcome = 'rejected';
delete from activation.rejects where sync = $sync and (
    key in (select key from final where outcome in ('acknowledged', 'rejected'))
    or key in (select key from outbox.decisions where decision = 'gone')
);
insert into activation.rejects select * from refused_now;
drop table refused_now;
create or replace temp table met as
    select
        h.destination, h.object, f.key, f.known_id as dest_id, f.person_id,
        coalesce(c.first_at, f.answered_at) as first_at, f.answered_at as last_at
    from final as f
    cross join outbox.header as h
    left join activation.crosswalk as c
        on c.destination = h.destination and c.object = h.object and c.key = f.key
    where f.outcome = 'acknowledged' and f.op in ('insert', 'update') and f.known_id is not null;
delete from activation.crosswalk as c using met as m
    where c.destination = m.destination and c.object = m.object and c.key = m.key;
insert into activation.crosswalk select * from met;
drop table met;
"""


def record(settings: Settings, sync: str, run_id: str) -> SyncResult:
    """Write the outbox of a run into the ledger and remove it; a run that is recorded already is only tidied up.

    What was not answered stays out of the ledger, so the next plan finds it again.
    """
    started = time.monotonic()
    with engine.writing_state(settings) as con:
        con.execute(ledger.TABLES)
        outbox.attach(con, outbox.path(settings, sync, run_id))
        con.execute(_FINAL)
        result = _result(con, sync, run_id)
        if not con.execute("select 1 from activation.runs where sync = ? and run_id = ?", [sync, run_id]).fetchall():
            con.execute("begin")
            _write(con, result)
            con.execute("commit")
        seconds = con.execute(
            "select epoch(coalesce(delivered_at, planned_at)) - epoch(planned_at) from outbox.header"
        ).fetchall()[0][0]
        con.execute("detach outbox")
    marks.put(settings, sync, run_id)
    outbox.remove(settings, sync, run_id)
    return SyncResult(**{**result.__dict__, "seconds": seconds + time.monotonic() - started})


def record_refusal(settings: Settings, sync: SyncDocument, summary: PlanSummary) -> None:
    """Note a plan that was refused: its numbers and why; it has no outbox."""
    with engine.writing_state(settings) as con:
        con.execute(ledger.TABLES)
        con.execute(
            "insert or replace into activation.runs by name select * from (values "
            "(?, ?, ?, ?, ?, ?, 'refused', ?, ?, ?, ?, ?, ?, ?, ?, ?, current_timestamp::timestamp, "
            "current_timestamp::timestamp)) as r(sync, run_id, destination, object, environment, as_of, status, "
            "message, count_model, count_insert, count_update, count_exit, count_unchanged, count_held, "
            "count_rejected_before, count_acknowledged_before, planned_at, recorded_at)",
            [
                sync.name, summary.run_id, sync.destination, sync.object, settings.env, summary.as_of,
                "; ".join(summary.refusals), summary.model, summary.insert, summary.update, summary.exit,
                summary.unchanged, summary.held, summary.rejected_before, summary.acknowledged_before,
            ],
        )  # fmt: skip


def _write(con: duckdb.DuckDBPyConnection, result: SyncResult) -> None:
    names = {"sync": result.sync, "run_id": result.run_id}
    for statement in filter(str.strip, _WRITES.split(";\n")):
        con.execute(statement, {name: value for name, value in names.items() if f"${name}" in statement})
    con.execute(
        "insert into activation.runs by name select h.* exclude (status), ? as status, ? as count_acknowledged, "
        "? as count_rejected, ? as count_held_late, ? as count_open, current_timestamp::timestamp as recorded_at "
        "from outbox.header as h",
        [result.status, result.acknowledged, result.rejected, result.held_late, result.open],
    )


def _result(con: duckdb.DuckDBPyConnection, sync: str, run_id: str) -> SyncResult:
    """What the outbox amounts to."""
    as_of, status, message, *counts = con.execute(
        "select as_of, status, message, count_model, count_insert, count_update, count_exit, count_unchanged, "
        "count_held, count_rejected_before, count_acknowledged_before from outbox.header"
    ).fetchall()[0]
    outcomes = dict(con.execute("select outcome, count(*) from final group by 1").fetchall())
    plan = PlanSummary(sync, run_id, as_of, *counts, fields=outbox.changed_fields(con, "outbox.ops"))
    kept = con.execute(
        "select k.field, count(*) from outbox.kept as k join final as f on f.seq = k.seq "
        "where f.outcome = 'acknowledged' group by 1"
    ).fetchall()
    is_open = plan.to_send - sum(outcomes.values())
    if status == "stopped" or is_open:
        status, message = "stopped", message or "the run ended before everything was sent"
    else:
        status = "rejects" if outcomes.get("rejected") else "succeeded"
    return SyncResult(
        sync,
        run_id,
        as_of,
        status,
        plan,
        acknowledged=outcomes.get("acknowledged", 0),
        rejected=outcomes.get("rejected", 0),
        held_late=outcomes.get("held", 0),
        open=is_open,
        kept=dict(kept),
        message=message,
    )

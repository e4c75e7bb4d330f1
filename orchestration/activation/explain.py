"""Why a person's data was, or was not, sent by a sync: what the model, the plan and the ledger say, row by row."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import duckdb

from orchestration.activation import ledger
from orchestration.activation.comparison import ON_HOLD, key_of
from orchestration.activation.document import SyncDocument
from orchestration.activation.run import find_document
from orchestration.identity import history, holds, state
from orchestration.settings import Settings
from orchestration.warehouse import engine


@dataclass(frozen=True)
class Explanation:
    """One row of the person at the destination; `delivered` is what it acknowledged last.

    `remark` says what of it was left as somebody else filled it there.
    """

    key: str
    in_model: bool
    verdict: str
    delivered: dict[str, str] | None = None
    acknowledged_at: datetime | None = None
    run_id: str | None = None
    last_changes: dict[str, str] | None = None
    remark: str | None = None


def why(settings: Settings, sync: SyncDocument, person_id: str) -> list[Explanation]:
    """One explanation per key of the person, by key; empty when neither model nor ledger knows the person."""
    with engine.reading(settings) as con:
        hold = _hold(con, person_id)
        in_model = _keys_in_model(con, sync, person_id)
        if not ledger.exists(con):
            verdict = hold or "not planned yet: the sync has not run"
            return [Explanation(key, True, verdict) for key in sorted(in_model)]
        rows = _rows(con, "select key from state.activation.{} where sync = $sync and person_id = $person",
                     ("state", "plan"), sync=sync.name, person=person_id)  # fmt: skip
        keys = in_model | {row[0] for row in rows}
        found = [_explain(con, sync, key, is_wanted=key in in_model) for key in sorted(keys)]
        return [replace(item, verdict=hold) for item in found] if hold else found


def why_text(settings: Settings, sync_name: str, person_id: str) -> str:
    """`why` for a terminal, of an id of any time or a record. Raises UnknownIdError."""
    sync = find_document(sync_name)
    if told := why_of(settings, sync, person_id):
        return told
    with engine.writing_state(settings) as con:
        state.create_tables(con)
        person_id = history.current_person(con, person_id)
    return why_of(settings, sync, person_id) or f"{person_id} is not in {sync.model} and was never sent by {sync.name}"


def why_of(settings: Settings, sync: SyncDocument, person_id: str) -> str:
    """`why` as lines; empty when neither model nor ledger knows the person."""
    lines = []
    for item in why(settings, sync, person_id):
        lines.append(f"{sync.destination} {sync.object} {item.key}: {item.verdict}")
        if item.remark:
            lines.append(f"  {item.remark}")
        if item.delivered is not None:
            lines.append(f"  delivered {item.acknowledged_at:%Y-%m-%d %H:%M} UTC by run {item.run_id}:")
            lines += [f"    {name} = {value}" for name, value in sorted(item.delivered.items())]
    return "\n".join(lines)


def answer_text(settings: Settings, sync: str, run_id: str) -> str:
    """What a run sent and what it was answered, row by row; for runs of a single row."""
    with engine.reading(settings) as con:
        rows = con.execute(
            "select p.op, p.key, p.changes, a.outcome, a.http_status, a.code, a.message, a.dest_id "
            "from state.activation.plan as p left join state.activation.attempts as a "
            "on a.sync = p.sync and a.run_id = p.run_id and a.seq = p.seq "
            "where p.sync = ? and p.run_id = ? and p.seq is not null order by p.seq",
            [sync, run_id],
        ).fetchall()
    lines = []
    for op, key, changes, outcome, *answer in rows:
        lines.append(f"{op} {key}:")
        lines += [f"    {name} = {'(empty)' if value in (None, '') else value}" for name, value in changes.items()]
        told = ", ".join(str(part) for part in answer if part is not None)
        lines.append(f"  {outcome or 'no answer'}{f' ({told})' if told else ''}")
    return "\n".join(lines)


def _hold(con: duckdb.DuckDBPyConnection, person_id: str) -> str | None:
    """Why nothing is sent of a person who is on hold, whatever the last run did; None of anybody else."""
    if not holds.is_known(con):
        return None
    rows = con.execute(holds.hold_sql("state.identity"), [person_id]).fetchall()
    if not rows:
        return None
    held_at, who, why = rows[0]
    return (
        f"held back: {ON_HOLD} since {held_at:%Y-%m-%d %H:%M} UTC by {who} ({why}); "
        f"`tessera release {person_id}` lets it be sent again"
    )


def _keys_in_model(con: duckdb.DuckDBPyConnection, sync: SyncDocument, person_id: str) -> set[str]:
    schema, table = sync.model.split(".")
    if not engine.table_exists(con, schema, table, "warehouse"):
        return set()
    rows = con.execute(
        f"select {key_of(sync)} from warehouse.{sync.model} as m where cast(m.{sync.person} as varchar) = ?",
        [person_id],
    ).fetchall()
    return {row[0] for row in rows}


def _rows(con: duckdb.DuckDBPyConnection, query: str, tables: tuple[str, ...], **values: Any) -> list[tuple]:
    return [row for table in tables for row in con.execute(query.format(table), values).fetchall()]


def _explain(con: duckdb.DuckDBPyConnection, sync: SyncDocument, key: str, *, is_wanted: bool) -> Explanation:
    here = {"sync": sync.name, "key": key}
    state = _one(con, "select payload, acknowledged_at, run_id from state.activation.state "
                      "where sync = $sync and key = $key", here)  # fmt: skip
    last = _one(con, """
        select p.op, p.reason, p.changes, a.outcome, a.code, a.message, p.run_id
        from state.activation.plan as p
        join state.activation.runs as r on r.sync = p.sync and r.run_id = p.run_id
        left join state.activation.attempts as a on a.sync = p.sync and a.run_id = p.run_id and a.seq = p.seq
        where p.sync = $sync and p.key = $key
        order by r.planned_at desc limit 1""", here)  # fmt: skip
    payload, acknowledged_at, run_id = state or (None, None, None)
    verdict = _verdict(last, is_wanted=is_wanted, is_delivered=state is not None)
    changes = last[2] if last else None
    remark = last[5] if last and last[3] == "acknowledged" else None
    return Explanation(key, is_wanted, verdict, payload, acknowledged_at, run_id, changes, remark)


def _one(con: duckdb.DuckDBPyConnection, query: str, values: dict[str, str]) -> tuple | None:
    rows = con.execute(query, values).fetchall()
    return rows[0] if rows else None


def _verdict(last: tuple | None, *, is_wanted: bool, is_delivered: bool) -> str:
    if last is None:
        return "not planned yet: the sync has not run since the row came into the model"
    op, reason, _, outcome, code, message, run_id = last
    said = reason if op == "rejected" else f"{code}: {message}"
    cases = [
        (op == "held", f"held back: {reason}"),
        (op == "rejected" or outcome == "rejected",
         f"rejected by the destination ({said}); sent again when the row changes, or with --retry"),
        (outcome == "held", f"held back at the last moment by run {run_id}: {message}"),
        (outcome is None, f"planned by run {run_id}, which ended before this row; the next run sends it"),
        (op == "exit", f"taken back by run {run_id}: {reason}"),
        (is_wanted and is_delivered, "delivered, and unchanged since"),
        (is_delivered, "delivered; the row has left the model since"),
    ]  # fmt: skip
    return next((verdict for holds, verdict in cases if holds), f"sent by run {run_id}")

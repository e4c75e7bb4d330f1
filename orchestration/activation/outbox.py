"""The outbox of one run: a file of its own, so that sending holds no database anyone else needs.

It exists from the moment a plan is complete until its outcome is recorded. What goes in is decided in `plan.py`.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from orchestration.activation.destination import Outcome, Run
from orchestration.activation.errors import SyncStoppedError
from orchestration.settings import Settings
from orchestration.warehouse import engine

# `header` has one row, `fields` one a field that is sent. `decisions` are rows that are not sent, with the reason.
# `results` only grows: one row per op. `kept` are fields that somebody filled there, and that are not written.
TABLES = """
create table outbox.header (
    sync varchar, run_id varchar, destination varchar, object varchar, environment varchar, as_of date,
    planned_at timestamp, status varchar, message varchar, endpoint varchar, delivered_at timestamp,
    count_model bigint, count_insert bigint, count_update bigint, count_exit bigint, count_unchanged bigint,
    count_held bigint, count_rejected_before bigint, count_acknowledged_before bigint
);
create table outbox.fields (field varchar, kind varchar, write varchar);
create table outbox.ops (
    seq bigint, key varchar, person_id varchar, op varchar, dest_id varchar,
    changes map(varchar, varchar), payload map(varchar, varchar), before map(varchar, varchar), hash varchar,
    reason varchar
);
create table outbox.decisions (key varchar, person_id varchar, decision varchar, reason varchar, hash varchar);
create table outbox.results (
    seq bigint, outcome varchar, attempt integer, http_status integer, error_class varchar, code varchar,
    message varchar, dest_id varchar, answered_at timestamp
);
create table outbox.kept (seq bigint, field varchar, dest_id varchar);
"""
LONGEST_MESSAGE = 500


def folder(settings: Settings) -> Path:
    """Where outboxes wait."""
    return settings.root / "outbox"


def path(settings: Settings, sync: str, run_id: str) -> Path:
    """The file of one run. `run_id` must be letters, digits, '_', '.' or '-'."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", run_id):
        raise ValueError(f"run id '{run_id}' must be letters, digits, '_', '.' or '-'")
    return folder(settings) / f"{sync}@{run_id}.duckdb"


def unfinished(settings: Settings, sync: str) -> list[str]:
    """Run ids of `sync` whose outbox was not recorded yet, oldest first."""
    files = sorted(folder(settings).glob(f"{sync}@*.duckdb"), key=lambda file: file.stat().st_mtime_ns)
    return [file.stem.partition("@")[2] for file in files]


def attach(con: duckdb.DuckDBPyConnection, file: Path, *, read_only: bool = False) -> None:
    """Attach an outbox as `outbox`. Raises SyncStoppedError when another process works on it."""
    try:
        con.execute(f"attach '{file}' as outbox{' (read_only)' if read_only else ''}")
    except duckdb.IOException as error:
        if "lock" not in str(error):
            raise
        raise SyncStoppedError(
            f"another run is working on {file.name}: wait for it to end, then run the sync again"
        ) from error


@contextmanager
def opened(settings: Settings, sync: str, run_id: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that holds only the outbox, writable, as catalog `outbox`."""
    with engine.memory(settings) as con:
        attach(con, path(settings, sync, run_id))
        yield con
        con.execute("detach outbox")


@contextmanager
def drafting(con: duckdb.DuckDBPyConnection, file: Path) -> Iterator[None]:
    """Catalog `outbox` on `con` as a draft that becomes `file` in one step, or nothing when the block fails."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    for leftover in (draft, draft.with_name(draft.name + ".wal")):
        leftover.unlink(missing_ok=True)
    con.execute(f"attach '{draft}' as outbox")
    con.execute(TABLES)
    try:
        yield
    except BaseException:
        con.execute("detach outbox")
        draft.unlink(missing_ok=True)
        raise
    con.execute("checkpoint outbox")
    con.execute("detach outbox")
    os.replace(draft, file)


def append(con: duckdb.DuckDBPyConnection, outcomes: Sequence[Outcome]) -> None:
    """Write final outcomes durably: the commit is on disk when this returns."""
    columns = list(
        zip(
            *(
                (
                    result.seq, result.outcome, attempt, result.status, result.error_class, result.code,
                    (result.message or "")[:LONGEST_MESSAGE] or None, result.dest_id,
                )
                for results, attempt in outcomes
                for result in results
            ),
            strict=True,
        )
    )  # fmt: skip
    con.execute(
        "insert into outbox.results select unnest(?::bigint[]), unnest(?::varchar[]), unnest(?::integer[]), "
        "unnest(?::integer[]), unnest(?::varchar[]), unnest(?::varchar[]), unnest(?::varchar[]), "
        "unnest(?::varchar[]), current_timestamp::timestamp",
        [list(column) for column in columns],
    )


def run_of(con: duckdb.DuckDBPyConnection) -> Run:
    """Which run the outbox is of."""
    *run, rows = con.execute(
        "select run_id, as_of, planned_at, count_insert + count_update + count_exit from outbox.header"
    ).fetchall()[0]
    return Run(*run, kinds=dict(con.execute("select field, kind from outbox.fields").fetchall()), rows=rows)


def changed_fields(con: duckdb.DuckDBPyConnection, relation: str) -> dict[str, int]:
    """In how many rows of `relation`, which has `changes`, each field changes."""
    return dict(
        con.execute(
            f"select field, count(*) from (select unnest(map_keys(changes)) as field from {relation}) group by 1"
        ).fetchall()
    )


def remove(settings: Settings, sync: str, run_id: str) -> None:
    """Drop a recorded outbox: its rows are personal data and live in the ledger now."""
    file = path(settings, sync, run_id)
    file.with_name(file.name + ".wal").unlink(missing_ok=True)
    file.unlink(missing_ok=True)

"""Who is in which segment since when: evaluates the segments and keeps every stay. What a rule means is in `compile`.

The ledger of stays is in the state database (schema `segments`); `segments.membership` in the warehouse is a copy.
A stay is [entered_date, left_date): the days are the `as_of` of the runs that saw the person come and go.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.errors import TesseraError
from orchestration.segments import reasons, snapshot, stays
from orchestration.segments.declaration import SegmentDocument
from orchestration.segments.layout import NUMBERED, number_people
from orchestration.segments.members import lacking, membership_query, prepare
from orchestration.settings import Settings
from orchestration.warehouse import engine

_REMOVED = "the segment was removed"


class FeaturesOfAnotherDayError(TesseraError):
    """The features in the warehouse look from another day than the run."""


def refresh(
    settings: Settings,
    documents: list[SegmentDocument],
    as_of: date,
    run_id: str,
    known: Collection[str] | None = None,
) -> dict[str, dict[str, Any]]:
    """Bring every stay up to date as of a day; per document `size`, and `entered` and `left` on that day.

    `documents` are all usable segments; the stays of draft and approved ones end. `known` names every segment that has
    a file, usable or not: stays of other segments end too. Without it they are left as they are, so that a document
    nobody can read never empties an audience; one that needs a table which is not there is left as it is too, and says
    so under `lacking`. The same day again changes nothing unless the data changed. Raises BackdatedError and
    FeaturesOfAnotherDayError.
    """
    waiting = unready(settings, documents)
    active = [one for one in documents if one.status == "active" and one.name not in waiting]
    ended = {one.name: f"the segment is {one.status}" for one in documents if one.status != "active"}
    evaluated = evaluate(settings, active, documents, as_of)
    with engine.writing_state(settings) as con:
        con.execute(stays.LEDGER)
        if known is not None:
            ended |= {name: _REMOVED for name in stays.open_segments(con) if name not in known}
        judged = [one.name for one in active] + list(ended)
        stays.refuse_backdated(con, judged, as_of)
        with _together(con):
            stays.follow_merges(con)
        stays.compare(con, evaluated, judged, len(active))
        _explain(con, settings, reasons.Run(active, documents, ended, as_of))
        with _together(con):
            stays.move(con, as_of)
            stays.record(con, as_of, run_id, {one.name: reasons.definition(one, documents) for one in active})
        metrics = _metrics(con, as_of)
    restore(settings)
    nobody = {"size": 0, "entered": 0, "left": 0}
    kept = {name: {"lacking": why} for name, why in waiting.items()}
    return {one.name: metrics.get(one.name, nobody) | kept.get(one.name, {}) for one in documents}


@contextmanager
def _together(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All of it, or nothing."""
    con.execute("begin")
    try:
        yield
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise


def unready(settings: Settings, documents: Sequence[SegmentDocument]) -> dict[str, str]:
    """Active segments that need a table which the warehouse lacks, each with a sentence."""
    with engine.reading(settings) as con:
        found = {one.name: lacking(con, one, documents) for one in documents if one.status == "active"}
    return {name: why for name, why in found.items() if why}


def evaluate(
    settings: Settings, documents: list[SegmentDocument], everything: list[SegmentDocument], as_of: date
) -> pa.Table:
    """Who is in now: person_id, a number for it and a boolean per document, `s0` for the first.

    Raises FeaturesOfAnotherDayError.
    """
    with engine.reading(settings) as con:
        days = [day for (day,) in con.execute("select distinct as_of_date from features.people").fetchall()]
        if days not in ([], [as_of]):
            raise FeaturesOfAnotherDayError(
                f"features.people looks from {', '.join(map(str, days))}, the run from {as_of}: "
                f"build the features as of {as_of} first"
            )
        prepare(con, documents, everything)
        number_people(con)
        judged = membership_query(documents, everything, as_of, NUMBERED)
        return con.sql(
            f"select judged.*, person_id from ({judged}) as judged inner join numbered using (number)"
        ).to_arrow_table()


def _explain(con: duckdb.DuckDBPyConnection, settings: Settings, run: reasons.Run) -> None:
    """Why who changed did, in the connection that holds the ledger."""
    with engine.beside_state(con, settings):
        before = snapshot.attach(con, settings).as_of if snapshot.file(settings).exists() else None
        if before:
            prepare(con, run.active, run.everything)
        reasons.give(con, run, before)
        if before:
            con.execute("drop view sets")
            con.execute("detach snapshot")


def _metrics(con: duckdb.DuckDBPyConnection, as_of: date) -> dict[str, dict[str, Any]]:
    rows = con.execute(
        "select segment, count_members, count_entered, count_left from segments.runs where as_of = ?", [as_of]
    ).fetchall()
    return {segment: {"size": size, "entered": entered, "left": left} for segment, size, entered, left in rows}


def restore(settings: Settings) -> None:
    """Write `segments.membership` in the warehouse from the ledger, if it differs; empty when there is none."""
    with engine.writing_state(settings) as con:
        con.execute(stays.LEDGER)
    with engine.writing(settings) as con:
        con.execute(f"attach '{settings.state}' as state (read_only)")
        con.execute("create schema if not exists segments")
        if not engine.table_exists(con, "segments", "membership") or _differs(con):
            con.execute("create or replace table segments.membership as from state.segments.stays")
        con.execute("detach state")


def _differs(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether rows or columns differ, by a sum of hashes: ten million rows are too many to be compared one by one."""
    if con.table("segments.membership").columns != con.table("state.segments.stays").columns:
        return True
    told = "select count(*), sum(hash(segment, person_id, entered_date, left_date, entered_because, left_because)) from"
    return (
        con.execute(f"{told} segments.membership").fetchall() != con.execute(f"{told} state.segments.stays").fetchall()
    )

"""Who is in which segment since when: evaluates the segments and keeps every stay. What a rule means is in `compile`.

The ledger of stays is in the state database (schema `segments`); `segments.membership` in the warehouse is a copy.
A stay is [entered_date, left_date): the days are the `as_of` of the runs that saw the person come and go.
"""

from collections.abc import Collection
from datetime import date

import duckdb
import pyarrow as pa

from orchestration.errors import TesseraError
from orchestration.segments.compile import membership_query
from orchestration.segments.document import SegmentDocument
from orchestration.settings import Settings
from orchestration.warehouse import engine

_LEDGER = """
    create schema if not exists segments;
    create table if not exists segments.stays (
        segment varchar, person_id varchar, entered_date date, left_date date
    );
    create table if not exists segments.runs (
        segment varchar, as_of date, run_id varchar, count_members bigint, count_entered bigint, count_left bigint
    );
"""


class BackdatedError(TesseraError):
    """A run for a day before the last one: stays would end before they began."""


class FeaturesOfAnotherDayError(TesseraError):
    """The features in the warehouse look from another day than the run."""


def refresh(
    settings: Settings,
    documents: list[SegmentDocument],
    as_of: date,
    run_id: str,
    known: Collection[str] | None = None,
) -> dict[str, dict[str, int]]:
    """Bring every stay up to date as of a day; per document `size`, and `entered` and `left` on that day.

    `documents` are all usable segments; the stays of draft and approved ones end. `known` names every segment that has
    a file, usable or not: stays of other segments end too. Without it they are left as they are, so that a document
    nobody can read never empties an audience. The same day again changes nothing unless the data changed. Raises
    BackdatedError and FeaturesOfAnotherDayError.
    """
    active = [document for document in documents if document.status == "active"]
    ended = [document.name for document in documents if document.status != "active"]
    evaluated = evaluate(settings, active, documents, as_of)
    with engine.writing_state(settings) as con:
        con.execute(_LEDGER)
        if known is not None:
            ended += [name for (name,) in _open_segments(con) if name not in known]
        _refuse_backdated(con, [document.name for document in active] + ended, as_of)
        con.execute("begin")
        try:
            _follow_merges(con)
            _put_members(con, evaluated, [document.name for document in active], ended)
            _move(con, as_of)
            metrics = _record(con, as_of, run_id)
            con.execute("commit")
        except BaseException:
            con.execute("rollback")
            raise
    restore(settings)
    nobody = {"size": 0, "entered": 0, "left": 0}
    return {document.name: metrics.get(document.name, nobody) for document in documents}


def evaluate(
    settings: Settings, documents: list[SegmentDocument], everything: list[SegmentDocument], as_of: date
) -> pa.Table:
    """Who is in now: person_id and a boolean per document, `s0` for the first. Raises FeaturesOfAnotherDayError."""
    with engine.reading(settings) as con:
        days = [day for (day,) in con.execute("select distinct as_of_date from features.people").fetchall()]
        if days not in ([], [as_of]):
            raise FeaturesOfAnotherDayError(
                f"features.people looks from {', '.join(map(str, days))}, the run from {as_of}: "
                f"build the features as of {as_of} first"
            )
        return con.sql(membership_query(documents, everything, as_of)).to_arrow_table()


def restore(settings: Settings) -> None:
    """Write `segments.membership` in the warehouse from the ledger, if it differs; empty when there is none."""
    with engine.writing_state(settings) as con:
        con.execute(_LEDGER)
        stays = con.sql("from segments.stays order by segment, person_id, entered_date").to_arrow_table()
    with engine.writing(settings) as con:
        con.register("stays", stays)
        con.execute("create schema if not exists segments")
        if engine.table_exists(con, "segments", "membership") and not _differs(con):
            return
        con.execute("create or replace table segments.membership as from stays")


def _differs(con: duckdb.DuckDBPyConnection) -> bool:
    differing = con.execute(
        "select (select count(*) from (from stays except all from segments.membership)) "
        "+ (select count(*) from (from segments.membership except all from stays))"
    ).fetchall()
    return bool(differing[0][0])


def _open_segments(con: duckdb.DuckDBPyConnection) -> list[tuple[str]]:
    return con.execute("select distinct segment from segments.stays where left_date is null").fetchall()


def _refuse_backdated(con: duckdb.DuckDBPyConnection, names: list[str], as_of: date) -> None:
    last = con.execute(
        "select max(as_of) from segments.runs where list_contains(?::varchar[], segment)", [names]
    ).fetchall()[0][0]
    if last and as_of < last:
        raise BackdatedError(
            f"segments were last computed as of {last}, and this run is as of {as_of}: history is not rewritten. "
            f"Run as of {last} or later; to look back, use `tessera segment preview`"
        )


def _follow_merges(con: duckdb.DuckDBPyConnection) -> None:
    """Stays of people who were merged become stays of the survivor; stays that touch become one."""
    if not engine.table_exists(con, "identity", "aliases"):
        return
    con.execute(
        "create or replace temp table moved as "
        "select segment, coalesce(aliases.survivor_id, stays.person_id) as person_id, entered_date, left_date "
        "from segments.stays as stays left join identity.aliases as aliases on stays.person_id = aliases.person_id "
        "where (segment, coalesce(aliases.survivor_id, stays.person_id)) in ("
        "  select segment, survivor_id from segments.stays inner join identity.aliases using (person_id))"
    )
    con.execute(
        "delete from segments.stays where (segment, person_id) in (select segment, person_id from moved) "
        "or person_id in (select person_id from identity.aliases)"
    )
    if not con.execute("select count(*) from moved").fetchall()[0][0]:
        return
    # Gaps and islands: an island starts where a stay begins after every earlier one has ended.
    con.execute(
        "insert into segments.stays select segment, person_id, min(entered_date), "
        "nullif(max(coalesce(left_date, 'infinity'::date)), 'infinity'::date) "
        "from (select *, sum(case when entered_date > latest_left then 1 else 0 end) over "
        "      (partition by segment, person_id order by entered_date, left_date) as island "
        "      from (select *, max(coalesce(left_date, 'infinity'::date)) over "
        "            (partition by segment, person_id order by entered_date, left_date "
        "             rows between unbounded preceding and 1 preceding) as latest_left from moved)) "
        "group by segment, person_id, island"
    )


def _put_members(con: duckdb.DuckDBPyConnection, evaluated: pa.Table, active: list[str], ended: list[str]) -> None:
    """Temporary tables: `members` (segment, person_id) as evaluated, `judged` the segments that were."""
    con.register("evaluated", evaluated)
    nobody = "select null::varchar as segment, null::varchar as person_id where false"
    each = [f"select ?, person_id from evaluated where s{number}" for number in range(len(active))]
    # One statement: DuckDB 1.5 loses a big insert into a table that got no rows earlier in the same transaction.
    con.execute(f"create or replace temp table members as {' union all '.join([nobody, *each])}", active)
    con.execute("create or replace temp table judged as select unnest(?::varchar[]) as segment", [active + ended])
    con.unregister("evaluated")


def _move(con: duckdb.DuckDBPyConnection, as_of: date) -> None:
    """Bring the stays of the judged segments in line with `members`.

    What an earlier run of the same day wrote is corrected in place, so the result depends on the day's data alone.
    """
    judged = "segment in (select segment from judged)"
    is_member = "(segment, person_id) in (select segment, person_id from members)"
    for statement in (
        f"delete from segments.stays where {judged} and entered_date = ? and not {is_member}",
        f"update segments.stays set left_date = null where {judged} and left_date = ? and {is_member}",
        f"update segments.stays set left_date = ? where {judged} and left_date is null and not {is_member}",
        "insert into segments.stays select segment, person_id, ?, null from members "
        "where (segment, person_id) not in (select segment, person_id from segments.stays where left_date is null) "
        "order by segment, person_id",
    ):
        con.execute(statement, [as_of])


def _record(con: duckdb.DuckDBPyConnection, as_of: date, run_id: str) -> dict[str, dict[str, int]]:
    """One row per judged segment and day in `segments.runs`; returns the numbers per segment."""
    con.execute("delete from segments.runs where as_of = ? and segment in (select segment from judged)", [as_of])
    con.execute(
        "insert into segments.runs select judged.segment, ?, ?, "
        "count(*) filter (person_id is not null and left_date is null), "
        "count(*) filter (entered_date = ?), count(*) filter (left_date = ?) "
        "from judged left join segments.stays using (segment) group by judged.segment order by judged.segment",
        [as_of, run_id, as_of, as_of],
    )
    rows = con.execute(
        "select segment, count_members, count_entered, count_left from segments.runs where as_of = ?", [as_of]
    ).fetchall()
    return {segment: {"size": size, "entered": entered, "left": left} for segment, size, entered, left in rows}

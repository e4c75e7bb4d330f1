"""The ledger of stays in the state database: who came and went on a day, written set by set.

Who is a member is decided elsewhere (`membership`), and so is why (`reasons`). A stay is [entered_date, left_date).
"""

from datetime import date

import duckdb
import pyarrow as pa

from orchestration.errors import TesseraError
from orchestration.warehouse import engine

LEDGER = """
    create schema if not exists segments;
    create table if not exists segments.stays (
        segment varchar, person_id varchar, entered_date date, left_date date
    );
    create table if not exists segments.runs (
        segment varchar, as_of date, run_id varchar, count_members bigint, count_entered bigint, count_left bigint
    );
    alter table segments.stays add column if not exists entered_because varchar;
    alter table segments.stays add column if not exists left_because varchar;
    alter table segments.runs add column if not exists definition varchar;
"""


class BackdatedError(TesseraError):
    """A run for a day before the last one: stays would end before they began."""


def open_segments(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Segments that somebody is in."""
    return [name for (name,) in con.execute(
        "select distinct segment from segments.stays where left_date is null"
    ).fetchall()]  # fmt: skip


def refuse_backdated(con: duckdb.DuckDBPyConnection, names: list[str], as_of: date) -> None:
    last = con.execute(
        "select max(as_of) from segments.runs where list_contains(?::varchar[], segment)", [names]
    ).fetchall()[0][0]
    if last and as_of < last:
        raise BackdatedError(
            f"segments were last computed as of {last}, and this run is as of {as_of}: history is not rewritten. "
            f"Run as of {last} or later; to look back, use `tessera segment preview`"
        )


def follow_merges(con: duckdb.DuckDBPyConnection) -> None:
    """Stays of people who were merged become stays of the survivor; stays that touch become one."""
    if not engine.table_exists(con, "identity", "aliases"):
        return
    con.execute(
        "create or replace temp table moved as "
        "select segment, coalesce(aliases.survivor_id, stays.person_id) as person_id, entered_date, left_date, "
        "entered_because, left_because "
        "from segments.stays as stays left join identity.aliases as aliases on stays.person_id = aliases.person_id "
        "where (segment, coalesce(aliases.survivor_id, stays.person_id)) in ("
        "  select segment, survivor_id from segments.stays inner join identity.aliases using (person_id))"
    )
    if not con.execute("select count(*) from moved").fetchall()[0][0]:
        return
    con.execute(
        "delete from segments.stays where (segment, person_id) in (select segment, person_id from moved) "
        "or person_id in (select person_id from identity.aliases)"
    )
    # Gaps and islands: an island starts where a stay begins after every earlier one has ended.
    con.execute(
        "insert into segments.stays select segment, person_id, min(entered_date), "
        "nullif(max(coalesce(left_date, 'infinity'::date)), 'infinity'::date), "
        "arg_min(entered_because, entered_date), "
        "case when max(coalesce(left_date, 'infinity'::date)) < 'infinity'::date "
        "then arg_max(left_because, left_date) end "
        "from (select *, sum(case when entered_date > latest_left then 1 else 0 end) over "
        "      (partition by segment, person_id order by entered_date, left_date) as island "
        "      from (select *, max(coalesce(left_date, 'infinity'::date)) over "
        "            (partition by segment, person_id order by entered_date, left_date "
        "             rows between unbounded preceding and 1 preceding) as latest_left from moved)) "
        "group by segment, person_id, island"
    )


def compare(con: duckdb.DuckDBPyConnection, evaluated: pa.Table, judged: list[str], count_active: int) -> None:
    """Temporary tables `judged` (place, segment) and `changed` (place, person_id, is_member): who comes, who goes.

    `evaluated` has person_id, a number for it, and `s0` to `s<n-1>` for the first `count_active` of `judged`; of the
    rest nobody is in.
    """
    con.register("evaluated", evaluated)
    con.execute("create or replace temp table numbered as from evaluated")
    con.unregister("evaluated")
    con.execute(
        "create or replace temp table judged as select unnest(range(len(names))) as place, unnest(names) as segment "
        "from (select ?::varchar[] as names)",
        [judged],
    )
    # Numbers, not names: a hundred segments of a million people are compared as integers.
    nobody = "select null::bigint as place, null::uinteger as number where false"
    each = [f"select {place}, number from numbered where s{place}" for place in range(count_active)]
    # One statement: DuckDB 1.5 loses a big insert into a table that got no rows earlier in the same transaction.
    con.execute(f"create or replace temp table members as {' union all '.join([nobody, *each])}")
    con.execute(
        "create or replace temp table before as select judged.place, numbered.number, stays.person_id "
        "from segments.stays as stays inner join judged on stays.segment = judged.segment "
        "left join numbered on stays.person_id = numbered.person_id where stays.left_date is null"
    )
    con.execute(
        "create or replace temp table changed as "
        "select members.place, numbered.person_id, true as is_member from members "
        "anti join before on members.place = before.place and members.number = before.number "
        "inner join numbered on members.number = numbered.number "
        "union all select before.place, before.person_id, false from before "
        "anti join members on before.place = members.place and before.number = members.number"
    )


def move(con: duckdb.DuckDBPyConnection, as_of: date) -> None:
    """Write `changed`, with its column `because`, into the stays.

    What an earlier run of the same day wrote is corrected in place, so the result depends on the day's data alone.
    """
    con.execute(
        "create or replace temp table moves as select segment, changed.* exclude (place) from changed "
        "inner join judged using (place)"
    )
    going = "(segment, person_id) in (select segment, person_id from moves where not is_member)"
    coming = "(segment, person_id) in (select segment, person_id from moves where is_member)"
    con.execute(f"delete from segments.stays where entered_date = ? and left_date is null and {going}", [as_of])
    # Mostly nobody left on this very day before, and then a join with everybody who comes is spared.
    left_today = con.execute("select 1 from segments.stays where left_date = ? limit 1", [as_of]).fetchall()
    back = f"left_date = ? and {coming}" if left_today else "left_date = ? and false"
    con.execute(
        f"create or replace temp table resumed as select segment, person_id from segments.stays where {back}", [as_of]
    )
    con.execute(f"update segments.stays set left_date = null, left_because = null where {back}", [as_of])
    con.execute(
        "update segments.stays as stays set left_date = ?, left_because = moves.because from moves "
        "where stays.segment = moves.segment and stays.person_id = moves.person_id and not moves.is_member "
        "and stays.left_date is null",
        [as_of],
    )
    con.execute(
        "insert into segments.stays select segment, person_id, ?, null, because, null from moves "
        "anti join resumed using (segment, person_id) where is_member",
        [as_of],
    )


def record(con: duckdb.DuckDBPyConnection, as_of: date, run_id: str, definitions: dict[str, str]) -> None:
    """One row per judged segment and day in `segments.runs`; after `move`."""
    names, said = (pa.array(list(part), pa.string()) for part in (definitions, definitions.values()))
    con.register("definitions", pa.table({"segment": names, "definition": said}))
    con.execute("delete from segments.runs where as_of = ? and segment in (select segment from judged)", [as_of])
    con.execute(
        "insert into segments.runs select judged.segment, ?, ?, coalesce(sizes.size, 0), "
        "coalesce(dated.entered, 0), coalesce(dated.gone, 0), definitions.definition from judged "
        "left join (select place, count(*) as size from members group by place) as sizes using (place) "
        "left join (select segment, count(*) filter (entered_date = ?) as entered, "
        "           count(*) filter (left_date = ?) as gone from segments.stays "
        "           where entered_date = ? or left_date = ? group by segment) as dated using (segment) "
        "left join definitions using (segment) order by judged.segment",
        [as_of, run_id, as_of, as_of, as_of, as_of],
    )
    con.unregister("definitions")

"""Golden values over time: which one held from which day until which, with the record and the rule it came by.

The ledger is in the state database (schema `profile`). A value holds on days of [from_date, to_date): the business days
of the runs that saw it come and go. What was golden before the first run is not known.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.errors import TesseraError
from orchestration.identity import history as past_people
from orchestration.identity import state
from orchestration.identity.explain.words import masked
from orchestration.settings import Settings
from orchestration.warehouse import answers, engine

_LEDGER = """
    create schema if not exists profile;
    create table if not exists profile.history (
        person_id varchar, attribute varchar, value varchar, record_id varchar, rule varchar, from_date date,
        to_date date
    );
    create table if not exists profile.days (as_of date, run_id varchar);
"""
_SAME = "person_id, attribute, value"
# Personal values that a look-up shows masked; the others say little by themselves.
_OPEN = {"gender", "state", "country", "job_title"}


class NoHistoryError(TesseraError):
    """No run has kept profiles by the day asked for."""


@dataclass(frozen=True)
class Kept:
    """Values that came and that went in a run, and all that hold now; `is_past` of a day before the last."""

    count_came: int
    count_went: int
    count_values: int
    is_past: bool = False


def keep(settings: Settings, as_of: date, run_id: str) -> Kept:
    """Bring the ledger up to date with `profile.attributes` as of a day.

    The same day again corrects what the day wrote. A day before the last one changes nothing: history is not rewritten.
    """
    with engine.writing_state(settings) as con:
        con.execute(_LEDGER)
        last = con.execute("select max(as_of) from profile.days").fetchall()[0][0]
    if last and as_of < last:
        return Kept(0, 0, 0, is_past=True)
    with engine.reading(settings) as con:
        con.execute(
            f"create temp table golden as select {_SAME}, record_id, rule from profile.attributes where is_valid"
        )
        open_values = f"select {_SAME} from state.profile.history where to_date is null"
        went = con.execute(f"{open_values} except select {_SAME} from golden").to_arrow_table()
        came = con.execute(
            f"select golden.* from golden semi join (select {_SAME} from golden except {open_values}) "
            f"using ({_SAME}) order by all"
        ).to_arrow_table()
        total = con.execute("select count(*) from golden").fetchall()[0][0]
    with engine.writing_state(settings) as con:
        con.execute("begin")
        _move(con, came, went, as_of)
        con.execute("delete from profile.days where as_of = ?", [as_of])
        con.execute("insert into profile.days values (?, ?)", [as_of, run_id])
        con.execute("commit")
    return Kept(came.num_rows, went.num_rows, total)


def _move(con: duckdb.DuckDBPyConnection, came: pa.Table, went: pa.Table, as_of: date) -> None:
    """What went ends and what came begins on the day; what an earlier run of the same day wrote is taken back."""
    con.register("came", came)
    con.register("went", went)
    these = f"where ({_SAME}) in (select {_SAME} from"
    con.execute(f"delete from profile.history {these} went) and to_date is null and from_date = $1", [as_of])
    con.execute(f"update profile.history set to_date = $1 {these} went) and to_date is null", [as_of])
    con.execute(
        f"create or replace temp table back as select {_SAME} from profile.history {these} came) and to_date = $1",
        [as_of],
    )
    con.execute(f"update profile.history set to_date = null {these} back) and to_date = $1", [as_of])
    con.execute(
        f"insert into profile.history select {_SAME}, record_id, rule, $1, null "
        f"from came anti join back using ({_SAME}) order by all",
        [as_of],
    )
    con.unregister("came")
    con.unregister("went")


def _held(day: date | None) -> str:
    """The condition of values that held at the end of a day; now without one."""
    return f"from_date <= date '{day}' and (to_date is null or to_date > date '{day}')" if day else "to_date is null"


def _check(con: duckdb.DuckDBPyConnection, day: date | None) -> None:
    con.execute(_LEDGER)
    first = con.execute("select min(as_of) from profile.days").fetchall()[0][0]
    if first is None:
        raise NoHistoryError("no run has kept profiles yet: run `tessera run daily` first")
    if day and day < first:
        raise NoHistoryError(f"profiles are kept since {first}: ask for that day or later")


def write(settings: Settings, day: date | None, output: Path) -> int:
    """Write one row per person with the golden values of a day, a column per attribute; returns the number of people.

    People are those of that day. Raises NoHistoryError.
    """
    answers.check(output)
    with engine.writing_state(settings) as con:
        _check(con, day)
        names = [
            name for (name,) in con.execute("select distinct attribute from profile.history order by 1").fetchall()
        ]
        columns = ", ".join(f"max(value) filter (attribute = '{name}') as {name}" for name in names)
        query = f"select person_id, {columns} from profile.history where {_held(day)} group by person_id"
        answers.write(con, f"{query} order by person_id", output)
        return con.execute(f"select count(*) from ({query})").fetchall()[0][0]


def read(settings: Settings, name: str, day: date | None = None) -> dict[str, list[dict[str, Any]]]:
    """Golden values of a person or record (any id of any time) at the end of a day: person then -> values, each with
    attribute, value, record_id, rule, from_date.

    Who were other people then are told apart. Raises NoHistoryError and UnknownIdError.
    """
    with engine.writing_state(settings) as con:
        state.create_tables(con)
        _check(con, day)
        found = {}
        for person in _people_then(con, name, day):
            rows = con.execute(
                "select attribute, value, record_id, rule, from_date from profile.history "
                f"where person_id = ? and {_held(day)} order by attribute",
                [person],
            ).fetchall()
            found[person] = [
                dict(zip(("attribute", "value", "record_id", "rule", "from_date"), row, strict=True)) for row in rows
            ]
        return found


def _people_then(con: duckdb.DuckDBPyConnection, name: str, day: date | None) -> list[str]:
    """Who held the person's records then; the id itself where it was a person of its own that day."""
    person = past_people.current_person(con, name)
    if day is None:
        return [person]
    partition = past_people.partition_sql(past_people.run_at(con, day).run_no)
    then = con.execute(f"select person_id from {partition} where person_id = $1 or record_id = $1 limit 1", [name])
    own = then.fetchall()
    if own:
        return [own[0][0]]
    rows = con.execute(
        f"select distinct past.person_id from identity.membership as now inner join {partition} as past "
        "using (record_id) where now.to_no is null and now.person_id = ? order by 1",
        [person],
    ).fetchall()
    return [row[0] for row in rows]


def text(settings: Settings, name: str, day: date | None, *, show_values: bool) -> str:
    """The profile as lines to read; personal values masked unless asked for. Raises as `read` does."""
    found = read(settings, name, day)
    lines = []
    for person, values in found.items():
        lines.append(f"{person}{f' on {day}' if day else ''}: {'' if values else 'no golden value'}".rstrip(": "))
        for one in values:
            value = masked(one["value"], show=show_values or one["attribute"] in _OPEN)
            why = f"{one['rule']}, from {one['record_id']}, since {one['from_date']}"
            lines.append(f"  {one['attribute']:<15} {value:<32} {why}")
    return "\n".join(lines) or f"{name} was nobody's on {day}"

"""The past of people: any earlier partition, who a person or record was then, and what became of them since.

Only reads the state database; the texts are for a terminal.
"""

from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from orchestration.errors import TesseraError
from orchestration.identity import state
from orchestration.settings import Settings
from orchestration.warehouse import engine

_SHOWN_RECORDS = 20
_SHOWN_EVENTS = 40


class UnknownIdError(TesseraError):
    """An id that no person and no record ever had, or a time before the first run."""


@dataclass(frozen=True)
class PastRun:
    """An applied run: `as_of` is the business day it is true for, `recorded_at` when it was applied (UTC)."""

    run_no: int
    run_id: str
    as_of: date | None
    recorded_at: datetime

    def __str__(self) -> str:
        return f"run {self.run_id} (as of {self.as_of}, recorded {self.recorded_at:%Y-%m-%d %H:%M:%S} UTC)"


def run_at(con: duckdb.DuckDBPyConnection, when: date | datetime | str | None = None) -> PastRun:
    """The run whose partition held: at a moment (as known then), on a business day (as known now), or by its id.

    The newest run without `when`. Raises UnknownIdError.
    """
    # A datetime is a date to Python, so it is asked first.
    conditions = {datetime: "recorded_at <= ?", date: "as_of <= ?", str: "run_id = ?", type(None): "? is null"}
    condition = next(text for kind, text in conditions.items() if isinstance(when, kind))
    order = "as_of desc, run_no desc" if condition.startswith("as_of") else "run_no desc"
    rows = con.execute(
        f"select run_no, run_id, as_of, recorded_at from identity.runs where {condition} order by {order} limit 1",
        [when],
    ).fetchall()
    if rows:
        return PastRun(*rows[0])
    known = con.execute("select min(as_of), min(recorded_at), max(run_id) from identity.runs").fetchall()[0]
    if known[2] is None:
        raise UnknownIdError("nobody was resolved yet: run `tessera run daily` first")
    if isinstance(when, str):
        raise UnknownIdError(f"no run '{when}' was applied: `tessera identity runs` lists them")
    raise UnknownIdError(
        f"no run is as early as {when}: the first is as of {known[0]}, recorded {known[1]:%Y-%m-%d %H:%M}"
    )


def runs(con: duckdb.DuckDBPyConnection, count: int) -> list[tuple[PastRun, str, str | None]]:
    """The newest runs with what each did and why, newest first."""
    rows = con.execute(
        f"select run_no, run_id, as_of, recorded_at, action, why from identity.runs order by run_no desc limit {count}"
    ).fetchall()
    return [(PastRun(*row[:4]), *row[4:]) for row in rows]


def partition_sql(run_no: int) -> str:
    """The partition as a run left it: record_id, person_id. Bare names resolve in the state database."""
    return (
        f"(select record_id, person_id from identity.membership where from_no <= {run_no} "
        f"and (to_no is null or to_no > {run_no}))"
    )


def current_person(con: duckdb.DuckDBPyConnection, name: str) -> str:
    """The id in use now for a person's id of any time, or for a record. Raises UnknownIdError."""
    rows = con.execute(
        "select coalesce(survivor_id, p.person_id) from identity.people as p left join identity.aliases as a "
        "on a.person_id = p.person_id where p.person_id = $id union all "
        "select person_id from identity.membership where record_id = $id and to_no is null",
        {"id": name},
    ).fetchall()
    if not rows:
        raise UnknownIdError(
            f"no person and no record of today is '{name}': ids of people begin with p_, those of records are "
            "<source>:<object>:<id>, as in identity.person_records"
        )
    return rows[0][0]


def parted_people(con: duckdb.DuckDBPyConnection) -> str:
    """A query by catalog `state` of a reading connection: who lost records to somebody else, and when at the latest.

    One row per person.
    """
    if not engine.table_exists(con, "identity", "ledger", "state"):
        return "select null::varchar as person_id, null::timestamp as parted_at where false"
    return (
        "select person_id, max(recorded_at) as parted_at from state.identity.ledger where event in ('split', 'moved') "
        "group by person_id"
    )


def who_was(settings: Settings, name: str, when: date | datetime | str | None = None) -> str:
    """Who a person or record was at a time: members then, what happened since, and who they are now."""
    with engine.writing_state(settings) as con:
        state.create_tables(con)
        run = run_at(con, when)
        person = _person_then(con, name, run)
        if person is None:
            return _unborn(con, name, run)
        members = _column(
            con, f"select record_id from {partition_sql(run.run_no)} where person_id = ? order by 1", person
        )
        said = [f"{person} at {run}: {_records(len(members))}", *_few([f"  {member}" for member in members])]
        if person != name:
            said.insert(0, f"{name} was {person} then")
        told = _since(con, {name, person}, run.run_no)
        said += ["since then:", *(told or ["  nothing has changed"])]
        return "\n".join([*said, *_now(con, person, run.run_no)])


def _person_then(con: duckdb.DuckDBPyConnection, name: str, run: PastRun) -> str | None:
    """The id under which a record, or a person by any of its ids, was known then; None before it existed."""
    partition = partition_sql(run.run_no)
    found = _column(con, f"select distinct person_id from {partition} where record_id = $1 or person_id = $1", name)
    seen = {name}
    here = name
    while not found:
        # An id that had been merged by then: the last merge up to that run says into whom.
        merged = con.execute(
            "select arg_max(other_person_id, (run_no, count_records)) from identity.ledger "
            "where event = 'merged' and person_id = ? and run_no <= ?",
            [here, run.run_no],
        ).fetchall()[0][0]
        if merged is None or merged in seen:
            break
        seen.add(merged)
        here = merged
        found = _column(con, f"select distinct person_id from {partition} where person_id = ?", here)
    if found:
        return found[0]
    current_person(con, name)
    return None


def _unborn(con: duckdb.DuckDBPyConnection, name: str, run: PastRun) -> str:
    person = current_person(con, name)
    rows = con.execute(
        f"select coalesce(past.person_id, 'nobody yet'), count(*) from identity.membership as m "
        f"left join {partition_sql(run.run_no)} as past using (record_id) "
        "where m.to_no is null and (m.person_id = ? or m.record_id = ?) group by 1 order by 2 desc, 1",
        [person, name],
    ).fetchall()
    were = ", ".join(f"{other} ({count})" for other, count in rows) or "nobody's: it has no records now either"
    return f"{name} did not exist at {run}; today it is {person}, whose records were then of: {were}"


def _since(con: duckdb.DuckDBPyConnection, names: set[str], run_no: int) -> list[str]:
    """One line per ledger row that names the person later on."""
    rows = con.execute(
        "select recorded_at, as_of, event, person_id, other_person_id, count_records, cause, rule, record_id_l, "
        "record_id_r from identity.ledger where run_no > ? "
        "and (list_contains($2::varchar[], person_id) or list_contains($2::varchar[], other_person_id)) "
        "order by run_no, event, person_id".replace("?", "$1"),
        [run_no, sorted(names)],
    ).fetchall()
    return _few([f"  {_told(row)}" for row in rows], _SHOWN_EVENTS)


def _told(row: tuple) -> str:
    recorded_at, as_of, event, person, other, count, cause, rule, low, high = row
    texts = {
        "merged": f"{person} was merged into {other} with {_records(count)}",
        "split": f"{_records(count)} of {person} became {other}",
        "moved": f"{_records(count)} of {person} went to {other}",
        "created": f"{person} was first seen with {_records(count)}",
        "restored": f"{person} came back with {_records(count)}",
        "retired": f"{person} was retired: none of its records is left",
    }
    evidence = f", {rule}: {low}{f' with {high}' if high else ''}" if rule else ""
    return f"{recorded_at:%Y-%m-%d %H:%M} (as of {as_of}) {texts[event]} (cause: {cause}{evidence})"


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count:,} records"


def _now(con: duckdb.DuckDBPyConnection, person: str, run_no: int) -> list[str]:
    rows = con.execute(
        f"select coalesce(m.person_id, 'gone'), count(*) from {partition_sql(run_no)} as past "
        "left join identity.membership as m on m.record_id = past.record_id and m.to_no is null "
        "where past.person_id = ? group by 1 order by 2 desc, 1",
        [person],
    ).fetchall()
    return ["now:", *(f"  {other}: {count} of these records" for other, count in rows)]


def _few(lines: list[str], shown: int = _SHOWN_RECORDS) -> list[str]:
    return lines if len(lines) <= shown else [*lines[:shown], f"  and {len(lines) - shown} more"]


def _column(con: duckdb.DuckDBPyConnection, query: str, *values: str) -> list[str]:
    return [row[0] for row in con.execute(query, list(values)).fetchall()]

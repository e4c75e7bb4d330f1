"""People on hold: nothing of theirs is sent until they are released. Placing, releasing, and who is held now.

A hold is on an id and follows it: into the person it is merged into, and to whoever is split off. How a sync heeds
holds is in `activation`.
"""

from pathlib import Path

import duckdb

from orchestration.errors import TesseraError
from orchestration.identity import history, state
from orchestration.settings import Settings
from orchestration.warehouse import engine


class HoldError(TesseraError):
    """A hold that is there already, or is not there."""


def place(settings: Settings, name: str, *, who: str, why: str) -> str:
    """Hold a person, named by any id it ever had or by a record; returns the id in use. Works at once."""
    with engine.writing_state(settings) as con:
        state.create_tables(con)
        person = history.current_person(con, name)
        if person in _held(con):
            raise HoldError(f"{person} is held already: `tessera release {person}` lets go")
        con.execute("insert into identity.holds values (?, ?, ?, ?, null, null)", [person, state.now(), who, why])
        return person


def release(settings: Settings, name: str, *, who: str) -> str:
    """End every hold that reaches the person; returns the id in use. Raises HoldError when there is none."""
    with engine.writing_state(settings) as con:
        state.create_tables(con)
        person = history.current_person(con, name)
        if person not in _held(con):
            raise HoldError(f"{person} is not held: `tessera identity holds` lists who is")
        con.execute(
            "update identity.holds set released_at = ?, released_by = ? where released_at is null and coalesce("
            "(select survivor_id from identity.aliases as a where a.person_id = holds.person_id), person_id) = ?",
            [state.now(), who, person],
        )
        return person


def follow_splits(con: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Hold who is split from a held person too: nobody has looked at either yet. Reads temporary table `events`."""
    con.execute(
        f"insert into identity.holds select distinct other_person_id, ?::timestamp, ?, 'split from ' || person_id || "
        f"', which is held', null::timestamp, null from events where event = 'split' and person_id in ({held_sql()}) "
        f"and other_person_id not in ({held_sql()})",
        [state.now(), f"run {run_id}"],
    )


def held_sql(schema: str = "identity") -> str:
    """Every id of everybody who is held now, as a query of one column: a payload may still show an id of before."""
    return (
        f"with holding as (select coalesce(a.survivor_id, h.person_id) as person_id, h.person_id as held_id "
        f"from {schema}.holds as h left join {schema}.aliases as a on a.person_id = h.person_id "
        "where h.released_at is null) "
        "select person_id from holding union select held_id from holding union "
        f"select a.person_id from {schema}.aliases as a inner join holding on holding.person_id = a.survivor_id"
    )


def hold_sql(schema: str = "identity") -> str:
    """Since when, by whom and why the person `?` is held, under any id; no row when it is not."""
    return (
        f"select held_at, held_by, why from {schema}.holds as h left join {schema}.aliases as a "
        "on a.person_id = h.person_id where released_at is null and coalesce(survivor_id, h.person_id) = coalesce("
        f"(select survivor_id from {schema}.aliases where person_id = $1), $1) order by held_at limit 1"
    )


def is_known(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether catalog `state` has holds at all."""
    return engine.table_exists(con, "identity", "holds", "state")


def held_people(con: duckdb.DuckDBPyConnection) -> str:
    """Relation of the ids held, by catalog `state` of a reading connection, to stand after `in`; may be empty."""
    return f"({held_sql('state.identity')})" if is_known(con) else "(select null::varchar where false)"


def standing(con: duckdb.DuckDBPyConnection) -> list[tuple]:
    """Who is held: person now, id held, since, by whom, why; `con` is the state database."""
    state.create_tables(con)
    return con.execute(
        "select coalesce(a.survivor_id, h.person_id), h.person_id, held_at, held_by, why from identity.holds as h "
        "left join identity.aliases as a on a.person_id = h.person_id where released_at is null order by held_at"
    ).fetchall()


def everybody(settings: Settings) -> list[str]:
    """Every id of everybody who is on hold at this moment."""
    if not settings.state.exists():
        return []
    with engine.writing_state(settings) as con:
        state.create_tables(con)
        return sorted(_held(con))


def mark(settings: Settings) -> tuple[int, ...]:
    """Changes whenever state was written, so that a sender need not open it before every batch."""
    files = (settings.state, Path(f"{settings.state}.wal"))
    return tuple(number for file in files if file.exists() for number in (file.stat().st_mtime_ns, file.stat().st_size))


def _held(con: duckdb.DuckDBPyConnection) -> set[str]:
    return {row[0] for row in con.execute(held_sql()).fetchall()}

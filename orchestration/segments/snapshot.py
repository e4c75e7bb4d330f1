"""The snapshot: what the last run of segments looked at, people numbered, in a file of its own.

Previews read it, so they neither wait for a run nor make one wait, and their sizes are those of the membership. The
next run compares with it to say what changed for those who come and go. It can be made again; nothing else is in it.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from orchestration.segments import catalogue, facets
from orchestration.segments.declaration import SegmentDocument, table_of
from orchestration.segments.layout import OF_PRODUCTS, list_table, of_snapshot
from orchestration.settings import Settings
from orchestration.warehouse import engine

# A count for each of two million people, on each thread.
_MOST_BITS = 21
_PRODUCTS = """
    create table snapshot.products as
    select row_number() over (order by known.product_id nulls first)::uinteger - 1 as product,
        known.product_id, {columns}
    from (
        select null::varchar as product_id union select product_id from conformed.products
        union select product_id from conformed.order_lines
    ) as known
    left join conformed.products as products on known.product_id = products.product_id
"""
_LINES = """
    create table snapshot.order_lines as
    select owners.number, coalesce(products.product, 0) as product, {columns}
    from conformed.order_lines as lines
    inner join numbered as owners on lines.record_id = owners.record_id
    left join snapshot.products as products on lines.product_id = products.product_id
"""


@dataclass(frozen=True)
class Header:
    """The day of a snapshot, how many people it numbers, the lists and models whose people it holds."""

    as_of: date
    count_people: int
    sets: tuple[str, ...]


def file(settings: Settings) -> Path:
    """Where the snapshot is."""
    return settings.root / "segments.duckdb"


def take(settings: Settings, documents: Sequence[SegmentDocument], as_of: date) -> int:
    """Make the snapshot anew, replacing the last one at once; returns how many people it holds.

    `documents`: segments whose lists and models are kept in it.
    """
    from orchestration.segments.members import prepare

    made = file(settings).with_suffix(".new")
    made.unlink(missing_ok=True)
    with engine.reading(settings) as con:
        prepare(con, documents, documents)
        # Rows may be written in any order, which spares holding them back.
        con.execute("set preserve_insertion_order = false")
        con.execute(f"attach '{made}' as snapshot")
        count = _people(con)
        _acts(con)
        _sets(con, documents)
        facets.make(con)
        con.execute("create table snapshot.header as select ?::date as as_of, ?::bigint as count_people",
                    [as_of, count])  # fmt: skip
        con.execute("detach snapshot")
    os.replace(made, file(settings))
    return count


def _people(con: duckdb.DuckDBPyConnection) -> int:
    """Table people with features and scores; temporary table `numbered` with the number of each record's person."""
    kept = _kept(con, "profile.people", catalogue.read().attributes, "people.")
    source = "profile.people as people"
    for kind in ("features", "scores"):
        if engine.table_exists(con, kind, "people"):
            known = catalogue.read().of(kind.removesuffix("s"))
            kept += [f"{kind}.{name} as {of_snapshot(kind, name)}" for name in _there(con, f"{kind}.people", known)]
            source += f" left join {kind}.people as {kind} using (person_id)"
    con.execute(
        f"create table snapshot.people as select (row_number() over () - 1)::uinteger as number, {', '.join(kept)} "
        f"from {source}"
    )
    con.execute(
        "create or replace temp table numbered as select record_id, number "
        "from identity.person_records inner join snapshot.people using (person_id)"
    )
    return con.execute("select count(*) from snapshot.people").fetchall()[0][0]


def _acts(con: duckdb.DuckDBPyConnection) -> None:
    """A table per activity table that is there: the columns that rules may name, the person's number."""
    for table in dict.fromkeys(activity.table for activity in catalogue.ACTIVITIES.values()):
        stored = "conformed.order_lines" if table == catalogue.LINES else table
        if not engine.table_exists(con, *stored.split(".")):
            continue
        kept = _kept(con, stored, _columns(table), "lines." if table == catalogue.LINES else "acts.")
        if table == catalogue.LINES:
            of_products = _kept(con, "conformed.products", OF_PRODUCTS, "products.")
            con.execute(_PRODUCTS.format(columns=", ".join(of_products)))
            con.execute(_LINES.format(columns=", ".join(one for one in kept if one != "lines.product_id")))
            continue
        # In the order of people, counting their acts takes half the time; lines are too many to be sorted each run.
        con.execute(
            f"create table snapshot.{table.partition('.')[2]} as select owners.number, {', '.join(kept)} "
            f"from {table} as acts inner join numbered as owners on acts.record_id = owners.record_id order by 1"
        )


def _columns(table: str) -> dict[str, None]:
    """What rules may look at in the rows of a table."""
    found: dict[str, None] = {}
    for activity in catalogue.ACTIVITIES.values():
        if activity.table == table:
            found |= dict.fromkeys((activity.day, activity.moment, *activity.only, *activity.columns))
    return found


def _kept(con: duckdb.DuckDBPyConnection, table: str, wanted: Iterable[str], alias: str = "") -> list[str]:
    """The wanted columns that the table has."""
    return [f"{alias}{name}" for name in _there(con, table, wanted)]


def _there(con: duckdb.DuckDBPyConnection, table: str, wanted: Iterable[str]) -> list[str]:
    there = {row[0] for row in con.execute(f"describe warehouse.{table}").fetchall()}
    return [name for name in wanted if name in there]


def _sets(con: duckdb.DuckDBPyConnection, documents: Sequence[SegmentDocument]) -> None:
    con.execute("create table snapshot.sets (segment varchar, number uinteger)")
    for document in documents:
        table = list_table(document.name) if document.file else table_of(document.model or "")
        if document.file or (document.model and engine.table_exists(con, *table.split("."))):
            con.execute(
                "insert into snapshot.sets select ?, number from snapshot.people "
                f"where person_id in (select person_id from {table})",
                [document.name],
            )


def attach(con: duckdb.DuckDBPyConnection, settings: Settings) -> Header:
    """Attach the snapshot as catalog `snapshot`, with its lists and models as temporary view `sets`."""
    con.execute(f"attach '{file(settings)}' as snapshot (read_only)")
    con.execute("create or replace temp view sets as from snapshot.main.sets")
    as_of, count = con.execute("select as_of, count_people from snapshot.main.header").fetchall()[0]
    # Of so few people the counts of each are kept in an array by number, which takes half the time of a hash table.
    con.execute(f"set perfect_ht_threshold = {min(count.bit_length() + 1, _MOST_BITS)}")
    return Header(as_of, count, tuple(row[0] for row in con.execute("select distinct segment from sets").fetchall()))


@contextmanager
def reading(settings: Settings) -> Iterator[tuple[duckdb.DuckDBPyConnection, Header]]:
    """The snapshot alone: no other file is opened."""
    with engine.memory(settings) as con:
        yield con, attach(con, settings)

"""The table that rows go to: what it has, what it lacks as the statement to run, and one of our own where none is.

A table that is there is never altered: it may be large, watched or kept by migrations, and its owner should decide.
"""

import re
from dataclasses import dataclass

import psycopg

from orchestration.activation.document import SyncDocument
from orchestration.activation.errors import MappingError

# Types without length: a cast to one with a length cuts silently, an assignment refuses.
_COLUMNS = """
select attname, format_type(atttypid, -1) from pg_attribute
where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped
"""
_UNIQUE = """
select 1 from pg_index
inner join pg_attribute on pg_attribute.attrelid = indrelid and pg_attribute.attnum = indkey[0]
where indrelid = to_regclass(%s) and indisunique and indisvalid and indimmediate and indpred is null
and indnkeyatts = 1 and attname = %s
"""
_TYPES = {
    "boolean": "boolean", "tinyint": "smallint", "smallint": "smallint", "integer": "integer", "bigint": "bigint",
    "hugeint": "numeric", "ubigint": "numeric", "uinteger": "bigint", "usmallint": "integer", "utinyint": "smallint",
    "float": "real", "double": "double precision", "date": "date", "time": "time", "uuid": "uuid", "json": "jsonb",
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """Where rows go: quoted name, the key column, and every written column with its type; the key is among them."""

    name: str
    key: str
    types: dict[str, str]


def find_or_create(connection: psycopg.Connection, sync: SyncDocument, kinds: dict[str, str]) -> Table:
    """The table of the sync, made if there is none. Raises MappingError that says the statement to run."""
    name = quoted(sync.object)
    wanted = [sync.match_by, *(rule.to for rule in sync.fields.values())]
    there = columns_of(connection, name)
    if not there:
        connection.execute(_create(name, wanted, kinds))
        there = columns_of(connection, name)
    if missing := [column for column in wanted if column not in there]:
        added = ", ".join(f"add column {column} {column_type(kinds[column])}" for column in missing)
        raise MappingError(f"table {sync.object} has no {', '.join(missing)}: run `alter table {sync.object} {added}`")
    if not connection.execute(_UNIQUE, [name, sync.match_by]).fetchall():
        raise MappingError(
            f"{sync.match_by} of table {sync.object} is not unique, so no row can be matched by it: run "
            f"`create unique index on {sync.object} ({sync.match_by})`"
        )
    return Table(name, sync.match_by, {column: there[column] for column in wanted})


def quoted(table: str) -> str:
    """A table's name as SQL."""
    return ".".join(f'"{part}"' for part in table.split("."))


def columns_of(connection: psycopg.Connection, name: str) -> dict[str, str]:
    """Columns with types of a table by its quoted name; none when there is no such table."""
    return dict(connection.execute(_COLUMNS, [name]).fetchall())


def _create(name: str, wanted: list[str], kinds: dict[str, str]) -> str:
    key, *fields = (f'"{column}" {column_type(kinds[column])}' for column in wanted)
    return f"create table {name} ({', '.join([f'{key} primary key', *fields])})"


def column_type(kind: str) -> str:
    """The type of PostgreSQL that keeps every value of a type of DuckDB; timestamps of the models are in UTC."""
    kind = kind.lower()
    if kind.startswith("timestamp"):
        return "timestamptz"
    if kind.endswith("[]") or kind.startswith(("struct", "map")):
        return "jsonb"
    if re.fullmatch(r"decimal\(\d+,\s*\d+\)", kind):
        return kind.replace("decimal", "numeric")
    return _TYPES.get(kind, "text")

"""Which rows of a PostgreSQL table are new or changed since the last load, and what to remember them by.

The connection and its errors do not belong here; see `postgres`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
from psycopg import Connection, Copy, sql

from data_contracts.contract import Column, Contract, Table
from ingestion.batch import SourceError
from ingestion.database import nearest
from ingestion.postgres import identifier
from ingestion.records import cut

# Types a cursor may have, and how far behind the newest value rows are looked at again: a transaction that ends late
# shows rows behind values that were read before.
OVERLAP = {
    "timestamp with time zone": "interval '5 minutes'",
    "timestamp without time zone": "interval '5 minutes'",
    "date": "1",
    "bigint": "1000",
    "integer": "1000",
    "smallint": "1000",
    "numeric": "1000",
}
_MOMENTS = ("timestamp with time zone", "timestamp without time zone", "date")
# Of the rows inside the overlap, this many are recognised one by one; of more, only whether any of them changed.
MAX_REMEMBERED = 20_000


class Changes:
    """The rows of one table in one session. `types` are the columns it has; raises SourceError when one is missing."""

    def __init__(
        self, connection: Connection, contract: Contract, table: Table, cursor: str | None, types: Mapping[str, str]
    ) -> None:
        wanted = dict.fromkeys(_received(column) for column in table.columns)
        moment = _received(table.column(cursor)) if cursor else None
        _require_columns(contract, table, wanted, moment, types)
        self._connection = connection
        self._type = types[moment] if moment else _MOMENTS[0]
        self._columns = f"{','.join(wanted)} by {moment}"
        self._rows = _rows(table, {name: types[name] for name in wanted}, moment)

    def since(self, known: Mapping[str, Any]) -> Iterator[pa.Table]:
        """The rows that are not in `known`, the last `mark`, as records (raw, line)."""
        if known.get("columns") != self._columns:
            yield from self._copied(sql.SQL("true"))
            return
        newest = known["newest"]
        unseen = sql.SQL("hash <> all (cast({} as bigint[]))").format(sql.Literal(known["seen"]))
        is_same = self._digest(newest) == known["digest"]
        where = self._beyond(newest) if is_same else _either(self._boundary(newest), self._beyond(newest))
        yield from self._copied(sql.SQL("{} and {}").format(where, unseen))

    def mark(self) -> dict[str, Any]:
        """What to know the rows by that have been read: the newest value, digest and hashes of the rows near it."""
        # No moment that is still to come: every later change would lie behind it.
        limit = sql.SQL("where moment <= now()" if self._type in _MOMENTS else "")
        newest = self._one(sql.SQL("select cast(max(moment) as text) from {} {}").format(self._rows, limit))
        near = _either(self._boundary(newest), self._beyond(newest))
        query = sql.SQL("select hash from {} where {} limit {}").format(self._rows, near, MAX_REMEMBERED + 1)
        seen = [found for (found,) in self._connection.execute(query)]
        return {
            "columns": self._columns,
            "newest": newest,
            "digest": self._digest(newest),
            "seen": seen if len(seen) <= MAX_REMEMBERED else [],
        }

    def _boundary(self, newest: str | None) -> sql.Composable:
        """Rows that may be new although they are not beyond `newest`; among them those without a value."""
        if newest is None:
            return sql.SQL("moment is null")
        return sql.SQL("(moment is null or moment between {0} - {1} and {0})").format(
            self._value(newest), sql.SQL(OVERLAP[self._type])
        )

    def _beyond(self, newest: str | None) -> sql.Composable:
        return sql.SQL("moment is not null") if newest is None else sql.SQL("moment > {}").format(self._value(newest))

    def _value(self, newest: str) -> sql.Composable:
        return sql.SQL("cast({} as {})").format(sql.Literal(newest), sql.SQL(self._type))

    def _digest(self, newest: str | None) -> str:
        query = sql.SQL("select count(*) || ':' || coalesce(sum(hash), 0) from {} where {}")
        return self._one(query.format(self._rows, self._boundary(newest)))

    def _one(self, query: sql.Composable) -> Any:
        return self._connection.execute(query).fetchone()[0]

    def _copied(self, where: sql.Composable) -> Iterator[pa.Table]:
        # JSON text holds no control characters, so with these marks the server neither quotes nor escapes anything.
        marks = sql.SQL("format csv, quote e'\\x01', delimiter e'\\x02'")
        query = sql.SQL("copy (select line from {} where {}) to stdout ({})").format(self._rows, where, marks)
        with self._connection.cursor() as cursor, cursor.copy(query) as copy:
            yield from cut(_Stream(copy), quoted=False)


class _Stream:
    """What the server sends, to be read as a file is."""

    def __init__(self, copy: Copy) -> None:
        self._messages = iter(copy)

    def read(self, size: int) -> bytes:
        data = bytearray()
        for message in self._messages:
            data += message
            if len(data) >= size:
                break
        return bytes(data)


def _rows(table: Table, types: Mapping[str, str], moment: str | None) -> sql.Composable:
    """SQL to stand after `from`, with a row's JSON as `line`, its `hash`, and its cursor's value as `moment`."""
    # As text a number keeps every digit on its way through JSON.
    picks = [
        sql.SQL("cast({0} as text) as {0}" if kind == "numeric" else "{0}").format(sql.Identifier(name))
        for name, kind in types.items()
    ]
    absent = sql.SQL("cast(null as timestamptz)")
    return sql.SQL(
        "(select line, hashtextextended(line, 0) as hash, moment from (select "
        "translate(cast(row_to_json(picked) as text), {breaks}, '  ') as line, {moment} as moment "
        "from {table} as received cross join lateral (select {picks}) as picked) as encoded) as found"
    ).format(
        breaks=sql.Literal("\n\r"),
        moment=sql.SQL("received.{}").format(sql.Identifier(moment)) if moment else absent,
        table=identifier(table),
        picks=sql.SQL(", ").join(picks),
    )


def _either(one: sql.Composable, other: sql.Composable) -> sql.Composable:
    return sql.SQL("({} or {})").format(one, other)


def _received(column: Column) -> str:
    """The column of the database: of `address.city` the JSON column `address`."""
    return column.path.split(".")[0].split("[")[0]


def _require_columns(
    contract: Contract, table: Table, wanted: Mapping[str, None], moment: str | None, types: Mapping[str, str]
) -> None:
    if missing := [name for name in wanted if name not in types]:
        told = ", ".join(f"{name!r}{nearest(name, types)}" for name in missing)
        raise SourceError(
            contract.system,
            f"table {table.path} has no column {told}; correct physicalName in {contract.path.name}, or take it out",
        )
    if moment and types[moment] not in OVERLAP:
        raise SourceError(
            contract.system,
            f"the cursor of {table.path}, {moment!r}, is of type {types[moment]}; name a column that is a timestamp, "
            "date or number, or give None",
        )

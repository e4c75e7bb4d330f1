"""What the table holds now, as text in UTC. Writes nothing, not even a table that is missing."""

from collections.abc import Iterator, Sequence

import psycopg

from orchestration.activation.destination import Held
from orchestration.activation.destinations.postgres.table import columns_of, quoted
from orchestration.activation.document import SyncDocument

_ROWS_A_CHUNK = 20_000


def rows(
    connection: psycopg.Connection, sync: SyncDocument, fields: Sequence[str], keys: Sequence[str] | None = None
) -> Iterator[list[Held]]:
    """Rows in one chunk for some keys, else in many; a column that is not there is empty."""
    name = quoted(sync.object)
    there = columns_of(connection, name)
    if sync.match_by not in there:
        return
    values = ", ".join(f'"{field}"::text' if field in there else "null" for field in fields)
    query = f'select "{sync.match_by}"::text, {values} from {name}'
    if keys is not None:
        query += f' where "{sync.match_by}" = any(%s::{there[sync.match_by]}[])'
    with connection.cursor("held") as cursor:
        cursor.execute(query, None if keys is None else [list(keys)])
        while found := cursor.fetchmany(_ROWS_A_CHUNK):
            yield [Held(key or None, None, dict(zip(fields, row, strict=True))) for key, *row in found]

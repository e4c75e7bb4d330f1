"""How rows reach the table: copied to a stage of this transaction, then written set by set; bad rows found by halving.

A stage row holds every field as text, '' for null, and a mark for each that changed. What errors mean is in `refusals`.
"""

from collections.abc import Iterator

import duckdb
import psycopg
import pyarrow as pa

from orchestration.activation.destinations.postgres import refusals
from orchestration.activation.destinations.postgres.table import Table
from orchestration.activation.document import SyncDocument
from orchestration.activation.errors import MappingError

STAGE = "pg_temp.tessera_stage"
Refusal = tuple[int, str, str]
_ROWS_A_CHUNK = 20_000
# When the whole fails, pieces of so many rows are tried, and these by halves.
_PIECE = 1000
_MOST_REFUSED = 10_000
_NUL = (
    "22021",
    "a text holds the character NUL, which PostgreSQL keeps in no text: remove it from the value in the model",
)


def stage(
    connection: psycopg.Connection, con: duckdb.DuckDBPyConnection, ops: str, sync: SyncDocument, table: Table
) -> list[Refusal]:
    """Copy relation `ops` to the stage; returns the rows that no text of the database can hold."""
    fields = [column for column in table.types if column != table.key]
    columns = ", ".join(f'"{column}" text' for column in fields)
    connection.execute("set constraints all immediate")
    connection.execute(
        f"create temporary table tessera_stage (seq bigint, row_key text, op text, marks text, {columns}) "
        "on commit drop"
    )
    unfit: list[Refusal] = []
    with connection.cursor().copy(f"copy {STAGE} from stdin (format csv)") as copy:
        for lines in _chunks(con, _lines(ops, sync, fields)):
            text = _text(lines)
            if b"\0" in text:
                text, seqs = _without_nul(lines)
                unfit += [(seq, *_NUL) for seq in seqs]
            copy.write(text)
    connection.execute(f"create index on {STAGE} (seq)")
    connection.execute(f"analyze {STAGE}")
    return unfit


def _lines(ops: str, sync: SyncDocument, fields: list[str]) -> str:
    """A query of one column: each row as a line of CSV."""
    leaves = "wipe" if sync.on_exit == "clear" else "drop"
    marks = " || ".join(f"case when map_contains(changes, '{field}') then '1' else '0' end" for field in fields)
    values = " || ',' || ".join(
        _quoted(f"case when op = 'exit' then '' else coalesce(payload['{field}'], '') end") for field in fields
    )
    return (
        f"select seq || ',' || {_quoted('key')} || ',' || case when op = 'exit' then '{leaves}' else 'set' end || ',' "
        f"|| {marks} || ',' || {values} || chr(10) as line from {ops}"
    )


def _quoted(value: str) -> str:
    return f"""'"' || replace({value}, '"', '""') || '"'"""


def _chunks(con: duckdb.DuckDBPyConnection, query: str) -> Iterator[pa.Array]:
    """All lines, some thousand at a time."""
    for batch in con.sql(query).to_arrow_reader(_ROWS_A_CHUNK):
        yield batch.column(0)


def _text(lines: pa.Array) -> bytes:
    """Lines as they lie in memory, one after the other: a million are not worth a million strings."""
    _, offsets, text = lines.buffers()
    ends = memoryview(offsets).cast("q" if pa.types.is_large_string(lines.type) else "i")
    return bytes(memoryview(text)[ends[lines.offset] : ends[lines.offset + len(lines)]])


def _without_nul(lines: pa.Array) -> tuple[bytes, list[int]]:
    """The lines that the database can take, and the seq of the others."""
    texts = lines.to_pylist()
    unfit = [int(text.partition(",")[0]) for text in texts if "\0" in text]
    return "".join(text for text in texts if "\0" not in text).encode(), unfit


def leave_out(connection: psycopg.Connection, seqs: list[int]) -> None:
    """Take rows from the stage."""
    if seqs:
        connection.execute(f"delete from {STAGE} where seq = any(%s)", [seqs])


def merge(connection: psycopg.Connection, sync: SyncDocument, table: Table) -> list[Refusal]:
    """Write the stage to the table; returns the rows that the table refuses. Raises MappingError when they are many."""
    refused: list[Refusal] = []
    careful = _statements(sync, table, is_careful=True)

    def settle(low: int, high: int) -> None:
        error = _tried(connection, careful, low, high)
        if error is None:
            return
        if low == high:
            refused.append((low, error.sqlstate, refusals.told(error)))
            _stop_if_many(sync, refused)
            return
        for piece in _pieces(low, high, (high - low + 1) // 2):
            settle(*piece)

    low, high = connection.execute(f"select min(seq), max(seq) from {STAGE}").fetchall()[0]
    if low is not None and _tried(connection, _statements(sync, table, is_careful=False), low, high):
        for piece in _pieces(low, high, _PIECE):
            settle(*piece)
    leave_out(connection, [seq for seq, *_ in refused])
    return refused + (_not_there(connection, table) if sync.mode == "update_only" else [])


def _tried(connection: psycopg.Connection, statements: list[str], low: int, high: int) -> psycopg.Error | None:
    """Why a set cannot be written as it is; nothing of it is then."""
    try:
        with connection.transaction():
            for statement in statements:
                connection.execute(statement, {"low": low, "high": high})
    except psycopg.Error as error:
        if not refusals.is_row_fault(error):
            raise
        return error
    return None


def _pieces(low: int, high: int, size: int) -> Iterator[tuple[int, int]]:
    return ((start, min(start + size - 1, high)) for start in range(low, high + 1, size))


def _stop_if_many(sync: SyncDocument, refused: list[Refusal]) -> None:
    if len(refused) > _MOST_REFUSED:
        _, code, message = refused[-1]
        raise MappingError(
            f"table {sync.object} refuses more than {_MOST_REFUSED} rows, the last for {code}: {message}. "
            "Nothing was written"
        )


def _statements(sync: SyncDocument, table: Table, *, is_careful: bool) -> list[str]:
    """What writes the rows of the stage from %(low)s to %(high)s: who leaves first, their values may be taken over.

    Careful, new rows may meet some that another writes at this moment; that takes half as long again.
    """
    key = f'"{table.key}"'
    matched = f"t.{key} = s.row_key::{table.types[table.key]}"
    fields = {column: kind for column, kind in table.types.items() if column != table.key}
    values = {column: f"nullif(s.\"{column}\", '')::{kind}" for column, kind in fields.items()}
    within = "s.seq between %(low)s and %(high)s"
    changed = ", ".join(
        f'"{column}" = case when substr(s.marks, {at}, 1) = \'1\' then {value} else t."{column}" end'
        for at, (column, value) in enumerate(values.items(), start=1)
    )
    columns = ", ".join(f'"{column}"' for column in fields)
    overwritten = ", ".join(f'"{column}" = excluded."{column}"' for column in fields)
    resolution = "nothing" if sync.mode in ("insert_only", "append") else f"update set {overwritten}"
    on_conflict = f" on conflict ({key}) do {resolution}" if is_careful else ""
    delete = f"delete from {table.name} as t using {STAGE} as s where s.op = 'drop' and {matched} and {within}"
    update = (
        f"update {table.name} as t set {changed} from {STAGE} as s where s.op in ('set', 'wipe') and {matched} "
        f"and {within}"
    )
    insert = (
        f"insert into {table.name} ({key}, {columns}) select s.row_key::{table.types[table.key]}, "
        f"{', '.join(values.values())} from {STAGE} as s where s.op = 'set' "
        f"and not exists (select 1 from {table.name} as t where {matched}) and {within}{on_conflict}"
    )
    of_mode = {"insert_only": [insert], "append": [insert], "update_only": [update], "upsert": [update, insert]}
    return of_mode.get(sync.mode, [delete, update, insert])


def _not_there(connection: psycopg.Connection, table: Table) -> list[Refusal]:
    """Rows of the stage that nothing in the table matches."""
    matched = f't."{table.key}" = s.row_key::{table.types[table.key]}'
    missing = connection.execute(
        f"select seq from {STAGE} as s where op = 'set' "
        f"and not exists (select 1 from {table.name} as t where {matched})"
    ).fetchall()
    return [(row[0], "NOT_FOUND", "the table has no row of this key, and update_only makes none") for row in missing]

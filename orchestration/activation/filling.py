"""Write policy `fill_empty`: right before rows are sent, what somebody filled there is found and taken out of them.

What a destination holds of ours is in the ledger; this asks the destination itself.
"""

from collections.abc import Callable, Sequence

import duckdb

from orchestration.activation.destination import Held, find

Read = Callable[[Sequence[str], Sequence[str]], list[Held]]
# What an operation still writes.
CHANGES = """
case when k.fields is null then o.changes
    else map_from_entries(list_filter(map_entries(o.changes), lambda e: not list_contains(k.fields, e.key))) end
"""
_WITHIN = "seq > $low and seq <= $high"
_OPEN = f"o.seq > $low and o.seq <= $high and o.seq not in (select seq from outbox.results where {_WITHIN})"


def kept(*, is_window: bool) -> str:
    """A relation (seq, fields, dest_id): what is not to be written, of all rows or of those from $low to $high."""
    where = f"where {_WITHIN} " if is_window else ""
    return f"(select seq, list(field) as fields, max(dest_id) as dest_id from outbox.kept {where}group by seq)"


def spare(con: duckdb.DuckDBPyConnection, read: Read, low: int, high: int, size: int) -> None:
    """Note in `outbox.kept` what open rows after `low` up to `high` may not write; rows left with nothing are done.

    Not ours to write is a field that is neither empty nor holds what we wrote before, or want to write.
    """
    fields = [row[0] for row in con.execute("select field from outbox.fields where write = 'fill_empty'").fetchall()]
    if not fields:
        return
    window = {"low": low, "high": high}
    con.execute(f"delete from outbox.kept where seq in (select seq from outbox.ops as o where {_OPEN})", window)
    keys = con.execute(
        f"select o.key from outbox.ops as o where {_OPEN} and list_has_any(map_keys(o.changes), $fields) order by seq",
        window | {"fields": fields},
    ).fetchall()
    for start in range(0, len(keys), size):
        _note(con, read([row[0] for row in keys[start : start + size]], fields), window)
    con.execute(
        "insert into outbox.results (seq, outcome, dest_id, answered_at) "
        "select o.seq, 'acknowledged', k.dest_id, current_timestamp::timestamp "
        f"from outbox.ops as o join {kept(is_window=True)} as k on k.seq = o.seq "
        f"where {_OPEN} and len(map_keys(o.changes)) = len(k.fields)",
        window,
    )


def _note(con: duckdb.DuckDBPyConnection, held: Sequence[Held], window: dict[str, int]) -> None:
    rows = [(row.key, row.dest_id, name, value) for row in held for name, value in row.values.items() if value]
    con.execute(
        "create or replace temp table held_now as select unnest(?::varchar[]) as key, unnest(?::varchar[]) as dest_id, "
        "unnest(?::varchar[]) as field, unnest(?::varchar[]) as value",
        [[row[column] for row in rows] for column in range(4)],
    )
    con.execute(
        "insert into outbox.kept select o.seq, h.field, h.dest_id "
        f"from (select key, dest_id, field, {_as_canonical(con)} as value from held_now) as h "
        f"join outbox.ops as o on o.key = h.key where {_OPEN} and map_contains(o.changes, h.field) "
        "and h.value is distinct from o.before[h.field] and h.value is distinct from o.payload[h.field]",
        window,
    )


def _as_canonical(con: duckdb.DuckDBPyConnection) -> str:
    """SQL text of column `value` of `field` in canonical form; a value that has none stays as it is."""
    canonical = find(con.execute("select destination from outbox.header").fetchall()[0][0]).canonical
    kinds = con.execute("select field, kind from outbox.fields where write is not null").fetchall()
    cases = " ".join(f"when '{field}' then {canonical_of(canonical, kind, 'value')}" for field, kind in kinds)
    return f"case field {cases} end"


def canonical_of(canonical: Callable[[str, str], str], kind: str, text: str) -> str:
    """SQL text of a value that a destination told as text, as ours are compared."""
    # These two are no types of DuckDB, and their canonical form takes text.
    typed = text if kind.lower() in ("email", "number") else f"try_cast({text} as {kind})"
    return f"coalesce(try({canonical(kind, typed)}), {text})"

"""Reads a source whose tables lie in PostgreSQL: the rows that are new or changed, as JSON that the server makes.

A source is a few lines on top of `batches`. The connection is in `postgres`, what is new in `changes`; judging records
does not belong here.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from data_contracts.contract import Contract, load
from ingestion.batch import RawBatch, SourceError


def batches(system: str, state: dict[str, Any], *, tables: Mapping[str, str | None]) -> Iterator[RawBatch]:
    """Rows of each table that are new or changed since the marks in `state`, which move when a table is read.

    `tables` maps each table of the contract to the column that grows with every change: a timestamp, date or number.
    None: it has none, so all of it is compared each time. Only columns of the contract are read; when these change, the
    table is read anew. A row that the database deletes is not noticed. Raises SourceError.
    """
    contract = load(system)
    _require_cursors(contract, tables)
    # Imported here: only who has such a source needs the driver.
    try:
        from ingestion.changes import Changes
        from ingestion.postgres import columns, session
    except ImportError as error:
        raise SourceError(
            system, f"the driver of PostgreSQL is missing ({error}): install this project's extra postgres"
        ) from None
    with session(system) as connection:
        for name, cursor in tables.items():
            table = contract.table(name)
            changes = Changes(connection, contract, table, cursor, columns(connection, system, table))
            known = state.setdefault(name, {})
            handed_on = False
            for records in changes.since(known):
                handed_on = True
                yield RawBatch(name, "", "", records)
            # A state that moves alone would cause a load without rows.
            if handed_on:
                state[name] = changes.mark()


def _require_cursors(contract: Contract, tables: Mapping[str, str | None]) -> None:
    for name, cursor in tables.items():
        names = [column.name for column in contract.table(name).columns]
        if cursor is not None and cursor not in names:
            raise SourceError(
                contract.system,
                f"the cursor of {name} is {cursor!r}, no column of its contract{nearest(cursor, names)}; correct it, "
                "or give None to compare the whole table each time",
            )
    if forgotten := [table.name for table in contract.tables if table.name not in tables]:
        raise SourceError(contract.system, f"{', '.join(forgotten)} is in the contract but not in `tables`: add it")


def nearest(name: str, names: Iterable[str]) -> str:
    """The name that may have been meant, as an addition to a message; else nothing."""
    near = difflib.get_close_matches(name, list(names), n=1)
    return f" (is it {near[0]!r}?)" if near else ""

"""Undoes a load, and brings it back: a load counts while dlt's entry of it lies in `_dlt_loads`, so that is moved.

No row is touched. Of a file that the load brought, the version before counts again; of an API, what it brought is
missing until the load is back. Rejecting an unsound load at once is in `rejection`.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from data_contracts.contract import load
from ingestion import layout, pipeline
from ingestion.batch import SourceError
from ingestion.rules import literal

_COUNTED, _UNLOADED = "_dlt_loads", "_unloaded"


@dataclass(frozen=True)
class Load:
    """One load of a system: `files` and `rows` that it landed, `is_counted` unless it was undone."""

    load_id: str
    received_at: datetime | None
    files: int
    rows: int
    is_counted: bool


def loads(home: Path, system: str) -> list[Load]:
    """Every load that brought something, newest first. Raises ContractError for an unknown system."""
    load(system)
    if not layout.folder(home, system).is_dir():
        return []
    counted = layout.finished_loads(home, system)
    undone = {_id(path) for path in (layout.folder(home, system) / _UNLOADED).glob("*.jsonl")}
    files = literal(str(layout.folder(home, system, "batches") / "*.parquet"))
    with duckdb.connect() as con:
        rows = con.execute(
            f"select _dlt_load_id, max(received_at), count(distinct nullif(file, '')), sum(landed) "
            f"from read_parquet({files}, union_by_name = true) group by 1 order by 2 desc"
        ).fetchall()
    return [
        Load(load_id, received_at, files, int(landed), load_id in counted)
        for load_id, received_at, files, landed in rows
        if load_id in counted | undone
    ]


def unload(home: Path, system: str, load_id: str, *, undo: bool = False) -> Load:
    """Let a load no longer count, or, to `undo` that, count again. Raises SourceError for a load that is not there."""
    home = home.resolve()
    known = {found.load_id: found for found in loads(home, system)}
    chosen = known.get(load_id)
    if chosen is None:
        listed = ", ".join(list(known)[:5]) or "none"
        raise SourceError(system, f"no load '{load_id}': the newest are {listed}; `tessera unload {system}` lists them")
    if chosen.is_counted != (not undo):
        state = "counts" if chosen.is_counted else "does not count"
        raise SourceError(system, f"load {load_id} {state} already: nothing was changed")
    here, there = (_UNLOADED, _COUNTED) if undo else (_COUNTED, _UNLOADED)
    folder = layout.folder(home, system)
    # Nobody may be landing meanwhile: a reader takes the list of loads once, a writer adds to it.
    with pipeline.alone(system, home):
        (folder / there).mkdir(exist_ok=True)
        for path in (folder / here).glob("*.jsonl"):
            if _id(path) == load_id:
                path.rename(folder / there / path.name)
    return chosen


def _id(path: Path) -> str:
    """`receipts__1795335205.7432048.jsonl` -> the load id."""
    return path.stem.rpartition("__")[2]

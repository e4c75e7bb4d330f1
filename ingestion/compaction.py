"""Merges the many small Parquet files of a landed table into one, so that reading stays fast after a year of loads.

Rows are not changed, and keep their load id. What a row means does not belong here.
"""

import json
import os
from pathlib import Path

import duckdb

from ingestion import layout
from ingestion.rules import literal

MAX_FILES = 40
_JOURNAL = "_compaction.json"


def compact(home: Path, system: str) -> int:
    """Merge the complete loads of every table that has more than MAX_FILES files; returns how many files went."""
    recover(home, system)
    loads = layout.finished_loads(home, system)
    merged = 0
    for folder in _tables(home, system):
        old = [path for path in folder.glob("*.parquet") if path.name != layout.SCHEMA_FILE and _load(path) in loads]
        if len(old) > MAX_FILES:
            _merge(folder, sorted(old))
            merged += len(old)
    return merged


def recover(home: Path, system: str) -> None:
    """Finish what a killed `compact` had decided, and forget what it had not."""
    for folder in _tables(home, system):
        journal = folder / _JOURNAL
        if journal.exists():
            _apply(folder, json.loads(journal.read_text()))
        for aside in (*folder.glob("_merged-*"), *folder.glob("*.part")):
            aside.unlink()


def _tables(home: Path, system: str) -> list[Path]:
    return [path for path in layout.folder(home, system).glob("*") if path.is_dir() and not path.name.startswith("_")]


def _load(path: Path) -> str:
    """`1795324447.822662.6a2348ebf7.parquet` -> the load id; a merged file is named after its newest load."""
    return ".".join(path.name.split(".")[:2])


def _merge(folder: Path, old: list[Path]) -> None:
    newest = max(_load(path) for path in old)
    aside, final = folder / f"_merged-{newest}", f"{newest}.merged-{len(old)}.parquet"
    files = ", ".join(literal(str(path)) for path in [folder / layout.SCHEMA_FILE, *old])
    with duckdb.connect() as con:
        con.execute(
            f"copy (select * from read_parquet([{files}], union_by_name = true)) "
            f"to {literal(str(aside))} (format parquet, compression zstd)"
        )
    _durable(aside)
    plan = {"aside": aside.name, "final": final, "old": [path.name for path in old]}
    draft = folder / f"{_JOURNAL}.new"
    draft.write_text(json.dumps(plan))
    _durable(draft)
    # From here on the merge is decided: a run that finds the journal finishes it.
    os.replace(draft, folder / _JOURNAL)
    _apply(folder, plan)


def _apply(folder: Path, plan: dict) -> None:
    for name in plan["old"]:
        (folder / name).unlink(missing_ok=True)
    if (folder / plan["aside"]).exists():
        os.replace(folder / plan["aside"], folder / plan["final"])
    (folder / _JOURNAL).unlink()


def _durable(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())

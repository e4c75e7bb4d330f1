"""The files of an audience, written beside where they are to be. Where that is does not belong here."""

import hashlib
import json
from pathlib import Path

import duckdb

from orchestration.activation.destination import Run

# A spreadsheet runs a cell that begins so; an apostrophe before it makes it text.
_FORMULA = "^[=+\\-@\\t\\r\\n]"


def write_drafts(con: duckdb.DuckDBPyConnection, rows: str, folder: Path, run: Run) -> dict[str, Path]:
    """Drafts by extension: csv, parquet, and json last, which tells rows, bytes and SHA-256 of the others."""
    folder.mkdir(parents=True, exist_ok=True)
    columns = con.execute(f"describe {rows}").fetchall()
    fields = [(name, kind) for name, kind, *_ in columns if name != "_key"]
    formats = {
        "csv": (", ".join(_safe(name, kind) for name, kind in fields), "format csv, header"),
        "parquet": (", ".join(f'"{name}"' for name, _ in fields), "format parquet, compression zstd"),
    }
    drafts = {}
    for extension, (selection, options) in formats.items():
        drafts[extension] = folder / f".{run.as_of}.{extension}.draft"
        con.execute(f"copy (select {selection} from {rows} order by _key) to '{drafts[extension]}' ({options})")
    count = con.execute(f"select count(*) from {rows}").fetchall()[0][0]
    manifest = folder / f".{run.as_of}.json.draft"
    manifest.write_text(_manifest(run, count, drafts), encoding="utf-8")
    return {**drafts, "json": manifest}


def _manifest(run: Run, count: int, drafts: dict[str, Path]) -> str:
    files = {extension: {"name": f"{run.as_of}.{extension}", "bytes": draft.stat().st_size, "sha256": _digest(draft)}
             for extension, draft in drafts.items()}  # fmt: skip
    return json.dumps({"as_of": f"{run.as_of}", "run_id": run.run_id, "rows": count, "files": files}, indent=2) + "\n"


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _safe(name: str, kind: str) -> str:
    """A column for a spreadsheet; numbers and dates are no formulas."""
    if kind != "VARCHAR":
        return f'"{name}"'
    return f'case when regexp_matches("{name}", \'{_FORMULA}\') then \'\'\'\' || "{name}" else "{name}" end as "{name}"'

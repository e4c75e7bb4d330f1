"""Publishing the marts: a read-only DuckDB file and Parquet beside it, which BI opens. Marts themselves are dbt models.

A release is written in its own folder and then becomes the current one by swapping symlinks, so that no reader ever
waits or sees half of it: `published/marts.duckdb` and `published/parquet` always point at a whole release.
"""

import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

import duckdb

from data_contracts.contract import load, systems
from orchestration.errors import TesseraError
from orchestration.settings import Settings
from orchestration.warehouse import engine

DATABASE = "marts.duckdb"
PARQUET = "parquet"
_KEPT_RELEASES = 2
_SEPARATOR = "\x1f"


class NothingToPublishError(TesseraError):
    """There are no marts in the warehouse yet."""


def publish(settings: Settings, run_id: str) -> dict[str, Any]:
    """Make the marts as they are now the current release.

    Returns `rows` and `hashes` per mart, `bytes`, `path` (the file BI opens), `release`, `seconds`, and `is_unchanged`:
    when every mart's content equals the current release's, nothing is written. Raises NothingToPublishError.
    """
    started = time.monotonic()
    settings.published.mkdir(parents=True, exist_ok=True)
    current = _current(settings.published)
    with engine.reading(settings) as con:
        tables = _marts(con)
        release = _release_of(settings.published, current)
        known = release["contents"] if release else {}
        contents = {table: content(con, "marts", table, known.get(table)) for table in tables}
        is_unchanged = release is not None and known == contents
        if not is_unchanged:
            current = f"marts-{_as_name(run_id)}"
            _discard(settings.published, current)
            _write(con, settings.published, current, tables, contents)
    if not is_unchanged:
        _flip(settings.published, DATABASE, f"{current}/{DATABASE}")
        _flip(settings.published, PARQUET, f"{current}/{PARQUET}")
        _discard_old(settings.published)
    return {
        "rows": {table: facts["rows"] for table, facts in contents.items()},
        "hashes": {table: facts["hash"] for table, facts in contents.items()},
        "bytes": (settings.published / DATABASE).stat().st_size,
        "path": str(settings.published / DATABASE),
        "release": current,
        "is_unchanged": is_unchanged,
        "seconds": round(time.monotonic() - started, 2),
    }


def content(
    con: duckdb.DuckDBPyConnection, schema: str, table: str, known: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Rows, columns and hashes of a table's content, equal for the same rows in any order.

    `hash` is the same on any engine version and takes seconds for a million rows; `engine_hash` is quick, and good
    enough to take over the rest from what is `known` of the table.
    """
    described = con.execute(f'describe "{schema}"."{table}"').fetchall()
    fields = ", ".join(_rounded(name, kind) for name, kind, *_ in described)
    total, rows = con.execute(
        f'select coalesce(sum(hash({fields})::hugeint), 0), count(*) from "{schema}"."{table}"'
    ).fetchall()[0]
    quick = {
        "rows": rows,
        "columns": [f"{name} {kind}" for name, kind, *_ in described],
        "engine_hash": f"{duckdb.__version__}:{total:024x}",
    }
    if known and quick.items() <= known.items():
        return known
    return {**quick, "hash": content_hash(con, f'"{schema}"."{table}"')}


def content_hash(con: duckdb.DuckDBPyConnection, table: str) -> str:
    """Hexadecimal digits that depend on the rows of `table` (a quoted, qualified name), not on their order.

    Floating-point numbers count to six digits. A sum, not an exclusive or: a row that is there twice counts twice.
    """
    described = con.execute(f"describe {table}").fetchall()
    texts = [_as_text(name, kind) for name, kind, *_ in described]
    row = f"concat_ws('{_SEPARATOR}', {', '.join(texts)})"
    total = con.execute(f"select coalesce(sum(md5_number_lower({row})::hugeint), 0) from {table}").fetchall()[0][0]
    return f"{total:024x}"


def _as_text(name: str, kind: str) -> str:
    # A missing value must differ from every text.
    return f"coalesce('=' || {_rounded(name, kind)}::varchar, '-')"


def _rounded(name: str, kind: str) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    # Negative zero is zero.
    return f"(round({quoted}, 6) + 0.0)" if kind in {"DOUBLE", "FLOAT"} else quoted


def _marts(con: duckdb.DuckDBPyConnection) -> list[str]:
    rows = con.execute(
        "select table_name from information_schema.tables where table_catalog = current_database() "
        "and table_schema = 'marts' and table_type = 'BASE TABLE' order by table_name"
    ).fetchall()
    if not rows:
        raise NothingToPublishError("there are no tables in schema marts: build the marts before publishing them")
    # Tables that dbt is swapping in carry its suffix; one left by a killed run is nobody's mart.
    return [name for (name,) in rows if not re.search(r"__dbt_(tmp|backup)", name)]


def _as_name(run_id: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", run_id)


def _write(
    con: duckdb.DuckDBPyConnection, folder: Path, release: str, tables: list[str], contents: dict[str, Any]
) -> None:
    """Write database, Parquet and manifest of a release under names nobody reads yet."""
    parquet = folder / release / PARQUET
    parquet.mkdir(parents=True)
    # DuckDB names the catalog after the file that a link leads to: it must not differ from one release to the next.
    con.execute(f"attach '{folder / release / DATABASE}' as published (storage_version 'v1.0.0')")
    for table in tables:
        # Schema main: the bare name of a table is found whatever a tool calls the file's catalog.
        con.execute(f'create table published.main."{table}" as from marts."{table}"')
        for comment in _comments(table, contents[table]["columns"]):
            con.execute(comment)
        con.execute(f"copy marts.\"{table}\" to '{parquet / table}.parquet' (format parquet, compression zstd)")
    con.execute("detach published")
    manifest = {"release": release, "contents": contents}
    (folder / f"{release}.json").write_text(json.dumps(manifest, indent=1))


def _comments(table: str, columns: list[str]) -> list[str]:
    """What the contract of a mart says of it and its columns, for the tools that show comments."""
    if table not in systems("marts"):
        return []
    described, on = load(table, "marts").table(table), f"published.main.{table}"
    there = {column.partition(" ")[0] for column in columns}
    return [
        f"comment on table {on} is {_quoted(described.description)}",
        *(f"comment on column {on}.{c.name} is {_quoted(c.description)}" for c in described.columns if c.name in there),
    ]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _flip(folder: Path, name: str, target: str) -> None:
    """Point symlink `name` at `target` in one step; whoever has the old target open keeps it."""
    passing = folder / f".{name}.next"
    passing.unlink(missing_ok=True)
    passing.symlink_to(target)
    os.replace(passing, folder / name)


def _current(folder: Path) -> str | None:
    link = folder / DATABASE
    return Path(os.readlink(link)).parent.name if link.is_symlink() else None


def _release_of(folder: Path, release: str | None) -> dict[str, Any] | None:
    """The manifest of a release that is whole, else None."""
    manifest = folder / f"{release}.json"
    whole = release and manifest.exists() and (folder / DATABASE).exists() and (folder / PARQUET).exists()
    if not whole or os.readlink(folder / PARQUET) != f"{release}/{PARQUET}":
        return None
    return json.loads(manifest.read_text())


def _discard(folder: Path, release: str) -> None:
    (folder / f"{release}.json").unlink(missing_ok=True)
    shutil.rmtree(folder / release, ignore_errors=True)


def _discard_old(folder: Path) -> None:
    """Keep the newest releases and drop the rest, half-written ones of killed runs too."""
    whole = sorted(folder.glob("marts-*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    kept = {path.stem for path in whole[:_KEPT_RELEASES]}
    for path in folder.glob("marts-*"):
        if path.name.split(".")[0] not in kept:
            _discard(folder, path.name.split(".")[0])

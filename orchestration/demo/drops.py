"""Writing the files a source would drop: one folder a day, and the folders `master`, `api` and `truth`.

What the files say belongs in `sql/`.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb

# Partitions a COPY keeps open: more than a year of days, so that each stays one file.
_OPEN_FILES = 500


@dataclass(frozen=True)
class Daily:
    """A view `<system>__<resource>` with a column `day`, written into one file a day."""

    system: str
    resource: str
    format: Literal["csv", "ndjson"]

    @property
    def view(self) -> str:
        return f"{self.system}__{self.resource}"


_OPTIONS = {
    "csv": "format csv, header",
    # A line is a finished JSON object: written as it is, no quoting.
    "ndjson": "format csv, header false, quote '', escape '', delimiter e'\\x01'",
    "parquet": "format parquet, compression zstd",
}
_WRITTEN_SUFFIX = {"csv": "csv", "ndjson": "csv", "parquet": "parquet"}


def write_days(con: duckdb.DuckDBPyConnection, drops: Path, daily: Daily) -> int:
    """One file a day under `drops/<system>/<day>/`, rows in the view's order; returns how many days."""
    return _write_partitions(con, f"from {daily.view}", drops / daily.system, daily.resource, daily.format)


def write_days_as(con: duckdb.DuckDBPyConnection, query: str, folder: Path, resource: str, form: str) -> int:
    """The same for any query with a column `day`, in csv, ndjson or parquet."""
    return _write_partitions(con, query, folder, resource, form)


def _write_partitions(con: duckdb.DuckDBPyConnection, query: str, folder: Path, resource: str, form: str) -> int:
    staged = folder / f".{resource}"
    shutil.rmtree(staged, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    con.execute("set threads = 1")  # one thread writes each day's rows in order, into one file
    try:
        con.execute(
            f"copy (select * from ({query}) where day between getvariable('first_day') and getvariable('last_day')) "
            f"to '{staged}' ({_OPTIONS[form]}, partition_by (day), overwrite_or_ignore)"
        )
    finally:
        con.execute("reset threads")
    suffix = _WRITTEN_SUFFIX[form]
    written = sorted(staged.glob("day=*")) if staged.exists() else []
    for partition in written:
        files = list(partition.iterdir())
        if len(files) != 1:
            raise RuntimeError(f"{partition}: {len(files)} files for one day of {resource}, expected one")
        day = folder / partition.name.removeprefix("day=")
        day.mkdir(exist_ok=True)
        files[0].rename(day / f"{resource}.{form if form != 'csv' else suffix}")
    shutil.rmtree(staged, ignore_errors=True)
    return len(written)


def write_file(con: duckdb.DuckDBPyConnection, query: str, path: Path, form: str) -> None:
    """One file with the rows of the query in its order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    con.execute(f"copy ({query}) to '{path}' ({_OPTIONS[form]})")

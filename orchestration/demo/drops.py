"""Writing what a source would drop: one file a day and resource, or a single file.

What the files say belongs in `sql/`.
"""

import shutil
from pathlib import Path

import duckdb

# More than the days of a year: so that the file of each day is opened once.
_OPEN_FILES = 500
_OPTIONS = {
    "csv": "format csv, header",
    # A line is a finished JSON object: written as it is, nothing quoted.
    "ndjson": "format csv, header false, quote '', escape '', delimiter e'\\x01'",
    "parquet": "format parquet, compression zstd",
}


def write_days(
    con: duckdb.DuckDBPyConnection, query: str, folder: Path, resource: str, form: str, *, order: str = "all"
) -> int:
    """Write `folder/<day>/<resource>.<form>` from a query with a column `day`; returns how many days.

    `form` is csv, ndjson (then the query has `day` and `line`) or parquet; `order` makes the order of lines the same
    every time. Only the days between the variables `first_day` and `last_day` of the connection are written.
    """
    staged = folder / f".{resource}"
    shutil.rmtree(staged, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    threads = con.execute("select current_setting('threads')").fetchall()[0][0]
    # One thread writes the rows of a day in order, into one file.
    con.execute("set threads = 1")
    con.execute(f"set partitioned_write_max_open_files = {_OPEN_FILES}")
    try:
        con.execute(
            f"copy (select * from ({query}) where day between getvariable('first_day') and getvariable('last_day') "
            f"order by {order}) "
            f"to '{staged}' ({_OPTIONS[form]}, partition_by (day), overwrite_or_ignore)"
        )
    finally:
        con.execute(f"set threads = {threads}")
    count = _spread(staged, folder, f"{resource}.{form}")
    shutil.rmtree(staged, ignore_errors=True)
    return count


def _spread(staged: Path, folder: Path, name: str) -> int:
    """Move `day=2017-03-05/data_0.csv` to `2017-03-05/<name>`."""
    partitions = sorted(staged.glob("day=*"))
    for partition in partitions:
        files = list(partition.iterdir())
        if len(files) != 1:
            raise RuntimeError(f"{partition}: {len(files)} files for one day, expected one; use fewer people")
        day = folder / partition.name.removeprefix("day=")
        day.mkdir(exist_ok=True)
        files[0].replace(day / name)
    return len(partitions)


def write_file(con: duckdb.DuckDBPyConnection, query: str, path: Path, form: str) -> None:
    """Write one file with the rows of a query, sorted by all its columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    con.execute(f"copy (select * from ({query}) order by all) to '{path}' ({_OPTIONS[form]})")

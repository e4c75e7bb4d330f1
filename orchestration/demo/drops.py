"""Writing what a source would drop: one file a day and resource, or a single file.

What the files say belongs in `sql/`.
"""

import shutil
from pathlib import Path

import duckdb

# More than the days of a year: so that the file of each day is opened once.
_OPEN_FILES = 500
# What is already text is written as it is, nothing quoted.
_AS_IS = "format csv, header false, quote '', escape '', delimiter e'\\x01'"
_OPTIONS = {"csv": "format csv, header", "parquet": "format parquet, compression zstd"}


def write_days(
    con: duckdb.DuckDBPyConnection, query: str, folder: Path, resource: str, form: str, *, order: str = "all"
) -> int:
    """Write `folder/<day>/<resource>.<form>` from a query with a column `day`; returns how many days.

    `form` is csv, ndjson (then the query has `day` and `line`) or parquet; `order` makes the order of lines the same
    every time. Only the days between the variables `first_day` and `last_day` of the connection are written.
    """
    wanted = f"select * from ({query}) where day between getvariable('first_day') and getvariable('last_day')"
    folder.mkdir(parents=True, exist_ok=True)
    if form == "parquet":
        days = con.execute(f"select distinct day from ({wanted}) order by 1").fetchall()
        for (day,) in days:
            rows = f"select * exclude (day) from ({wanted}) where day = '{day}' order by {order}"
            (folder / str(day)).mkdir(exist_ok=True)
            con.execute(f"copy ({rows}) to '{folder / str(day) / resource}.parquet' ({_OPTIONS[form]})")
        return len(days)
    staged = folder / f".{resource}"
    shutil.rmtree(staged, ignore_errors=True)
    con.execute(f"set partitioned_write_max_open_files = {_OPEN_FILES}")
    # A file is one value: how the engine orders the rows of a partition differs from version to version.
    files = _as_texts(con, wanted, form, order)
    con.execute(f"copy ({files}) to '{staged}' ({_AS_IS}, partition_by (day), overwrite_or_ignore)")
    count = _spread(staged, folder, f"{resource}.{form}")
    shutil.rmtree(staged, ignore_errors=True)
    return count


def _as_texts(con: duckdb.DuckDBPyConnection, query: str, form: str, order: str) -> str:
    """SQL of one row a day: `day`, and the whole file as `body`."""
    if form == "ndjson":
        return f"select day, string_agg(line, e'\\n' order by line) as body from ({query}) group by day"
    names = [name for name, *_ in con.execute(f"describe {query}").fetchall() if name != "day"]
    line = " || ',' || ".join(_field(name) for name in names)
    order = ", ".join(names) if order == "all" else order
    body = f"string_agg({line}, e'\\n' order by {order})"
    return f"select day, '{','.join(names)}' || e'\\n' || {body} as body from ({query}) group by day"


def _field(name: str) -> str:
    """SQL of a value as CSV writes it: nothing for a missing one, quoted where it must be (RFC 4180)."""
    text = f"cast({name} as varchar)"
    quoted = f"""'"' || replace({text}, '"', '""') || '"'"""
    return f"coalesce(case when {text} = '' or regexp_matches({text}, '[\",\\r\\n]') then {quoted} else {text} end, '')"


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

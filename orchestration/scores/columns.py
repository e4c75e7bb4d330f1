"""Columns of a file by name, read as dates and numbers however they are written; what cannot be read is named."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import duckdb

from orchestration.warehouse.files import Column, TableError

# Ways to write a day; a time of day may follow. Of those that read every value the first is taken.
_DAYS = ("%Y%m%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%b-%Y", "%d %b %Y",
         "%b %d, %Y", "%m/%d/%y", "%d/%m/%y")  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
# The same digits are two days.
_TWINS = (("%d/%m/%Y", "%m/%d/%Y"), ("%d/%m/%y", "%m/%d/%y"))


def named(path: Path, columns: Sequence[Column], name: str, option: str) -> Column:
    """The column of that name, else of that name in other case. Raises TableError with a suggestion."""
    found = [c for c in columns if c.name == name] or [c for c in columns if c.name.lower() == name.lower()]
    if len(found) == 1:
        return found[0]
    names = [column.name for column in columns]
    close = get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean '{close[0]}'?" if close else f"columns: {', '.join(names[:30])}"
    raise TableError(f"{path}: {option} {name}: there is no such column; {hint}")


def as_time(con: duckdb.DuckDBPyConnection, path: Path, table: str, column: Column, pattern: str | None = None) -> str:
    """SQL of the column as a timestamp. Raises TableError that names the first value that is none."""
    if column.kind.startswith(("TIMESTAMP", "DATE")):
        return f"{column.at}::timestamp"
    text = column.text()
    if pattern:
        return _checked(con, path, table, column, f"try_strptime({text}, '{pattern.replace(chr(39), '')}')")
    # Twenty digits of plain numbers are no ISO date, eight are one of their own.
    tried = [f"case when {text} not similar to '[0-9.]+' then try_cast({text} as timestamp) end"]
    patterns = [day + time for day in _DAYS for time in _TIMES]
    tried += [f"try_strptime({text}, '{one}')" for one in patterns]
    counts = con.execute(
        f"select count({text}), {', '.join(f'count({one})' for one in tried)} from {table}"
    ).fetchall()[0]
    most = max(counts[1:])
    best = [one for one, count in zip(tried, counts[1:], strict=True) if count == most]
    if most:
        _refuse_twins(path, column, best)
    return _checked(con, path, table, column, best[0])


def _refuse_twins(path: Path, column: Column, best: list[str]) -> None:
    for day_first, month_first in _TWINS:
        for time in _TIMES:
            if all(any(f"'{one}{time}'" in sql for sql in best) for one in (day_first, month_first)):
                raise TableError(
                    f"{path}: the dates in '{column.name}' can be read with day or month first; say which with "
                    f"--date-format '{day_first}{time}' or '{month_first}{time}'"
                )


def as_number(con: duckdb.DuckDBPyConnection, path: Path, table: str, column: Column) -> str:
    """SQL of the column as a double, thousands and currency signs apart. Raises TableError as `as_time`."""
    if not column.kind.startswith("VARCHAR"):
        return f"{column.at}::double"
    digits = f"regexp_replace({column.text()}, '[^0-9eE.,+()-]', '', 'g')"
    digits = f"case when {digits} like '(%)' then '-' || trim({digits}, '()') else {digits} end"
    point, comma = f"replace({digits}, ',', '')", f"replace(replace({digits}, '.', ''), ',', '.')"
    # 1.234,56: a comma before two last digits, and nowhere a point there.
    european = con.execute(
        f"select coalesce(bool_or({digits} similar to '.*,[0-9]{{1,2}}'), false) and not "
        f"coalesce(bool_or({digits} similar to '.*[.][0-9]{{1,2}}'), false) from {table}"
    ).fetchall()[0][0]
    return _checked(con, path, table, column, f"try_cast({comma if european else point} as double)")


def _checked(con: duckdb.DuckDBPyConnection, path: Path, table: str, column: Column, read: str) -> str:
    wrong = con.execute(
        f"select min(row_no), arg_min({column.text()}, row_no), count(*) from {table} "
        f"where {column.text()} is not null and {read} is null"
    ).fetchall()[0]
    if wrong[2]:
        kind = "number" if "double" in read else "date"
        hint = "" if kind == "number" else "; say how dates are written with --date-format, as in '%d.%m.%Y'"
        raise TableError(
            f"{path}, data row {wrong[0]}: '{str(wrong[1])[:40]}' in '{column.name}' is no {kind} "
            f"({wrong[2]:,} such rows){hint}"
        )
    return read

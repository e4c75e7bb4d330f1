"""Columns of any table as features: numbers, dates as days, few words as categories; what can say nothing is left out.

Nothing here looks at the target. A frame has one row a row of the file, in its order.
"""

from dataclasses import dataclass, field

import duckdb
import pandas as pd

from orchestration.warehouse.files import Column

# Of the values of a text column so many must be numbers, or dates, for it to be one of these.
_SHARE = 0.98
# Nearly as many values as rows are names, not kinds.
_MOST_DISTINCT_SHARE, _FEW = 0.5, 50
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
            "FLOAT", "DOUBLE", "DECIMAL", "BOOLEAN")  # fmt: skip
_TIMES = ("DATE", "TIMESTAMP")


@dataclass(frozen=True)
class Features:
    """`frame`: numeric columns as doubles, others as text; `left_out`: name -> why."""

    frame: pd.DataFrame
    numeric: list[str]
    categories: list[str]
    left_out: dict[str, str] = field(default_factory=dict)
    later: list[str] = field(default_factory=list)


def read(con: duckdb.DuckDBPyConnection, columns: list[Column], at: str | None) -> Features:
    """Features of table `raw` from some of its columns.

    `at` is SQL of a row's time: dates are told from there, and `later` names columns with dates after it.
    """
    selected, numeric, categories, left_out, later = [], [], [], {}, []
    count = con.execute("select count(*) from raw").fetchall()[0][0]
    base = at or "timestamp '2000-01-01'"
    for column in columns:
        kind, why, sql = _judged(con, column, count)
        if kind is None:
            left_out[column.name] = why
        elif kind == "time":
            selected += [f"date_diff('hour', {sql}, {base}) / 24.0 as {_quoted(column.name)}"]
            numeric.append(column.name)
            if at and _is_later(con, sql, at):
                later.append(column.name)
        else:
            selected.append(f"{sql} as {_quoted(column.name)}")
            (numeric if kind == "number" else categories).append(column.name)
    frame = con.execute(f"select {', '.join(selected) or '1 as nothing'} from raw order by row_no").df()
    for name in numeric:
        # Beyond all numbers is as good as not known.
        frame[name] = frame[name].astype("float64").replace([float("inf"), float("-inf")], float("nan"))
    for name in categories:
        frame[name] = frame[name].astype("object").where(frame[name].notna(), None)
    return Features(frame[[*numeric, *categories]], numeric, categories, left_out, later)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _judged(con: duckdb.DuckDBPyConnection, column: Column, count: int) -> tuple[str | None, str, str]:
    """Kind (number, time, category or None), why it is left out, and SQL of its value."""
    text = column.text()
    filled, distinct, numbers, times = con.execute(
        f"select count({text}), count(distinct {text}), count(try_cast({text} as double)), "
        f"count(case when {text} similar to '[0-9]{{4}}-.*' then try_cast({text} as timestamp) end) from raw"
    ).fetchall()[0]
    if not filled:
        return None, "no value in any row", ""
    if distinct == 1 and filled == count:
        return None, "the same in every row", ""
    if column.kind.startswith(_TIMES):
        return "time", "", f"{column.at}::timestamp"
    if column.kind.startswith(_NUMBERS):
        whole = column.kind not in ("FLOAT", "DOUBLE") and not column.kind.startswith("DECIMAL")
        if whole and distinct == count and count > _FEW:
            return None, "another value in every row, as an id", ""
        return "number", "", f"{column.at}::double"
    if times >= _SHARE * filled:
        return "time", "", f"try_cast({text} as timestamp)"
    if numbers >= _SHARE * filled:
        if distinct == count > _FEW and not con.execute(f"select bool_or({text} like '%.%') from raw").fetchall()[0][0]:
            return None, "another value in every row, as an id", ""
        return "number", "", f"try_cast({text} as double)"
    if distinct > _FEW and distinct > _MOST_DISTINCT_SHARE * filled:
        return None, "nearly another value in every row, as a name or an id", ""
    return "category", "", text


def _is_later(con: duckdb.DuckDBPyConnection, time: str, at: str) -> bool:
    return bool(con.execute(f"select coalesce(avg(({time} > {at})::int), 0) > 0.001 from raw").fetchall()[0][0])

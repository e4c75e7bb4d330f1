"""Transactions of any shop as purchase days: table `days` in the caller's connection, one row per customer and day.

A purchase is a day with an amount above 0; what is returned or free is none, and counts towards what was spent.
"""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb

from orchestration.scores import columns
from orchestration.warehouse.files import Column, TableError, read_table


@dataclass(frozen=True)
class Transactions:
    """What was read: the customer's column, the first and last day, and what there is to know of the rest."""

    customer: Column
    first_day: date
    last_day: date
    notes: list[str] = field(default_factory=list)


def read(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    scratch: Path,
    *,
    customer: str,
    day: str,
    amount: str,
    date_format: str | None = None,
) -> Transactions:
    """Tables `raw` (the file), `customers` (i from 0, customer) and `days` (i, day, amount, purchases, returned).

    Rows without a customer, as anonymous sales, are left out and counted. Raises TableError.
    """
    found = read_table(con, path, "raw", scratch)
    who, when, what = (
        columns.named(path, found, name, option)
        for name, option in ((customer, "--customer"), (day, "--date"), (amount, "--amount"))
    )
    time = columns.as_time(con, path, "raw", when, date_format)
    value = columns.as_number(con, path, "raw", what)
    _refuse_gaps(con, path, who, when, what)
    con.execute(
        f"create or replace temp table lines as select {who.at} as customer, ({time})::date as day, {value} as amount "
        f"from raw where {who.text()} is not null"
    )
    con.execute(
        "create or replace temp table customers as select row_number() over (order by customer) - 1 as i, customer "
        "from (select distinct customer from lines)"
    )
    con.execute(
        "create or replace temp table days as select i, day, sum(amount) as amount, "
        "count(*) filter (amount > 0) as purchases, -sum(amount) filter (amount < 0) as returned "
        "from lines inner join customers using (customer) group by i, day order by i, day"
    )
    first, last = con.execute("select min(day), max(day) from days").fetchall()[0]
    anonymous = con.execute("select (select count(*) from raw) - (select count(*) from lines)").fetchall()[0][0]
    if first is None:
        raise TableError(f"{path}: no row has a customer in '{who.name}'")
    notes = [f"{anonymous:,} rows without a customer in '{who.name}' are left out"] if anonymous else []
    con.execute("drop table lines")
    return Transactions(who, first, last, notes)


def _refuse_gaps(con: duckdb.DuckDBPyConnection, path: Path, who: Column, *needed: Column) -> None:
    """A sale to somebody without a date or an amount is an error of the file."""
    for column in needed:
        row, count = con.execute(
            f"select min(row_no), count(*) from raw where {who.text()} is not null and {column.text()} is null"
        ).fetchall()[0]
        if count:
            raise TableError(
                f"{path}, data row {row}: no value in '{column.name}' ({count:,} such rows); complete or remove them"
            )

"""Closing months: keeps the figures of each month, and the orders they were made of, as they were when it had ended.

What the figures are is `measurement.period_figures`, a dbt model; how they have changed since is explained by the mart
`period_restatement`. The ledger is in the state database (schema `measurement`), the warehouse has a copy of it. Orders
are kept as changes from one closing to the next, so that each order is there once as long as nothing happens to it.
"""

from datetime import date

import duckdb
import pyarrow as pa

from orchestration.identity.state import now
from orchestration.settings import Settings
from orchestration.warehouse import engine

_LEDGER = """
    create schema if not exists measurement;
    create table if not exists measurement.closes (
        month_start_date date, measure varchar, unit varchar, figure decimal(18, 2), close_no bigint,
        identity_run_no bigint, as_of_date date, closed_at timestamp
    );
    create table if not exists measurement.closed_orders (
        order_id varchar, close_no bigint, record_id varchar, person_id varchar, order_type varchar, currency varchar,
        net_amount decimal(18, 2), business_date date, is_gone boolean
    );
"""
_ORDER = "order_id, record_id, person_id, order_type, currency, net_amount, business_date"
_ENDED = "(month_start_date + interval 1 month)::date"
TABLES = ("closes", "closed_orders")


def close_months(settings: Settings, *, as_of: date) -> list[date]:
    """Keep every month that has ended by the day and is not kept yet; returns their first days.

    A closed month is never written again. The copy in the warehouse is brought up to date in any case.
    """
    with engine.writing_state(settings) as con:
        con.execute(_LEDGER)
    with engine.reading(settings) as con:
        figures = _figures(con, as_of)
        orders = _changed_orders(con, figures) if figures.num_rows else None
    if orders is not None:
        with engine.writing_state(settings) as con:
            _write(con, figures, orders, as_of)
    restore(settings)
    return sorted(set(figures.column("month_start_date").to_pylist()))


def restore(settings: Settings) -> None:
    """Write the tables of schema `measurement` in the warehouse from the ledger, where they differ."""
    with engine.writing_state(settings) as con:
        con.execute(_LEDGER)
        kept = {name: con.sql(f"from measurement.{name} order by all").to_arrow_table() for name in TABLES}
    with engine.writing(settings) as con:
        con.execute("create schema if not exists measurement")
        for name, table in kept.items():
            # Rows are only ever added.
            there = engine.table_exists(con, "measurement", name)
            if there and con.execute(f"select count(*) from measurement.{name}").fetchall()[0][0] == table.num_rows:
                continue
            con.register("kept", table)
            con.execute(f"create or replace table measurement.{name} as from kept")
            con.unregister("kept")


def _figures(con: duckdb.DuckDBPyConnection, as_of: date) -> pa.Table:
    """What the months to close say now."""
    return con.execute(
        "select month_start_date, measure, unit, figure from warehouse.measurement.period_figures "
        f"where {_ENDED} <= ?::date + 1 "
        "and month_start_date not in (select month_start_date from state.measurement.closes) order by all",
        [as_of],
    ).to_arrow_table()


def _changed_orders(con: duckdb.DuckDBPyConnection, figures: pa.Table) -> pa.Table:
    """Orders of closed months that are not kept as they are now; of those that are gone only the id."""
    con.register("figures_in", figures)
    return con.execute(
        f"with known as (select * from state.measurement.closed_orders "
        "qualify row_number() over (partition by order_id order by close_no desc) = 1), "
        f"current_orders as (select {_ORDER} from warehouse.measurement.period_orders "
        f"where business_date < (select max({_ENDED}) from (select month_start_date from figures_in union all "
        "select month_start_date from state.measurement.closes))), "
        f"changed as (from current_orders except select {_ORDER} from known where not is_gone) "
        f"select {_ORDER}, false as is_gone from changed union all "
        "select order_id, null, null, null, null, null, null, true from known where not is_gone "
        "and order_id not in (select order_id from current_orders) order by order_id"
    ).to_arrow_table()


def _write(con: duckdb.DuckDBPyConnection, figures: pa.Table, orders: pa.Table, as_of: date) -> None:
    con.register("figures_in", figures)
    con.register("orders_in", orders)
    close_no = con.execute("select coalesce(max(close_no), 0) + 1 from measurement.closes").fetchall()[0][0]
    identity_run = "null"
    if engine.table_exists(con, "identity", "runs"):
        identity_run = "(select max(run_no) from identity.runs)"
    con.execute("begin transaction")
    con.execute(
        f"insert into measurement.closes select *, ?, coalesce({identity_run}, 0), ?, ? from figures_in",
        [close_no, as_of, now()],
    )
    con.execute(
        "insert into measurement.closed_orders select order_id, ?, * exclude (order_id) from orders_in", [close_no]
    )
    con.execute("commit")

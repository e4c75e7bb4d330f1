"""dbt models run outside dbt, over some people or over people as they might be: the SQL that dbt compiled last.

So a question about two people costs what two people cost, and its answer is what the next run will write. Nothing here
writes the warehouse; which tables stand in for which is the caller's.
"""

from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.settings import Settings
from orchestration.warehouse import dbt, engine

_CATALOG = '"warehouse".'


def stand_in(con: duckdb.DuckDBPyConnection) -> None:
    """Views in catalog `memory` over every table of the warehouse; bare names resolve in them from here on."""
    tables = con.execute(
        "select table_schema, table_name from information_schema.tables where table_catalog = 'warehouse' "
        "and table_type = 'BASE TABLE' and table_schema not like 'staging%'"
    ).fetchall()
    con.execute("use memory")
    for schema, table in tables:
        con.execute(f'create schema if not exists "{schema}"')
        con.execute(f'create or replace view "{schema}"."{table}" as from warehouse."{schema}"."{table}"')


def replace(con: duckdb.DuckDBPyConnection, table: str, rows: pa.Table | str) -> None:
    """Let `rows`, a table or a query, stand in for `<schema>.<table>`."""
    query = rows if isinstance(rows, str) else "from rows_in"
    if not isinstance(rows, str):
        con.register("rows_in", rows)
    # Made aside: the query may read what it replaces.
    con.execute(f"create or replace temp table standing_in as {query}")
    if not isinstance(rows, str):
        con.unregister("rows_in")
    schema = table.split(".", maxsplit=1)[0]
    con.execute(f"create schema if not exists {schema}")
    if engine.table_exists(con, *table.split("."), "memory"):
        kind = con.execute(
            "select table_type from information_schema.tables where table_catalog = 'memory' and table_schema = ? "
            "and table_name = ?",
            table.split("."),
        ).fetchall()[0][0]
        con.execute(f"drop {'view' if kind == 'VIEW' else 'table'} {table}")
    con.execute(f"create table {table} as from standing_in")
    con.execute("drop table standing_in")


def file(settings: Settings, model: str) -> Path | None:
    """Where dbt left the SQL of a model that it built, if it ever did."""
    found = [path for path in dbt.target_folder(settings).glob(f"compiled/*/models/*/{model}.sql") if path.is_file()]
    return found[0] if found else None


def query(settings: Settings, model: str) -> str | None:
    """The SQL of a model over what stands in for the warehouse; None before dbt built it."""
    found = file(settings, model)
    return found.read_text().replace(_CATALOG, '"memory".') if found else None

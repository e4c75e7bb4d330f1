"""Further tables of schema `identity`, beside those of a run: put into Parquet and warehouse like those.

What stands in them is made by whoever calls this.
"""

import duckdb
import pyarrow as pa

from orchestration.identity import tables
from orchestration.settings import Settings
from orchestration.warehouse import engine


def serve(settings: Settings, made: dict[str, pa.Table]) -> None:
    """Replace tables of schema `identity`: each Parquet file at once, the warehouse in one transaction."""
    tables.export(settings.root / "identity", made)
    with engine.writing(settings) as con:
        con.execute("begin transaction")
        con.execute("create schema if not exists identity")
        for name, table in made.items():
            con.register("table_in", table)
            con.execute(f"create or replace table identity.{name} as select * from table_in")
            con.unregister("table_in")
        con.execute("commit")


def current_run(con: duckdb.DuckDBPyConnection) -> tuple[str, str] | None:
    """The run that the warehouse shows and its fingerprint; None before the first. `con` reads both files."""
    if not engine.table_exists(con, "identity", "current_run", "warehouse"):
        return None
    rows = con.execute("select run_id, fingerprint from warehouse.identity.current_run").fetchall()
    return rows[0] if rows else None

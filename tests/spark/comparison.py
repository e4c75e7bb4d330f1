"""Whether a table on DuckDB and the Parquet that Spark wrote hold the same rows, and where not."""

import duckdb

from orchestration.warehouse.publish import content_hash

_SHOWN = 5


def differences(con: duckdb.DuckDBPyConnection, table: str, parquet: str) -> list[str]:
    """What differs between a table and the files `parquet`, for a person to read; empty when they are equal."""
    ours, theirs = _columns(con, table), _columns(con, f"read_parquet('{parquet}')")
    if ours != theirs:
        return [f"{table}: columns on DuckDB and Spark: {sorted(set(ours.items()) ^ set(theirs.items()))}"]
    con.execute(f"create or replace temp table on_duckdb as select {_listed(ours)} from {table}")
    con.execute(f"create or replace temp table on_spark as select {_listed(ours)} from read_parquet('{parquet}')")
    if content_hash(con, "on_duckdb") == content_hash(con, "on_spark"):
        return []
    count = con.execute("select (select count(*) from on_duckdb), (select count(*) from on_spark)").fetchall()[0]
    found = [f"{table}: {count[0]} rows on DuckDB, {count[1]} on Spark"]
    for here, there in (("on_duckdb", "on_spark"), ("on_spark", "on_duckdb")):
        only = con.execute(f"from {here} except all from {there} order by all limit {_SHOWN}").fetchall()
        found += [f"  {here} only: {dict(zip(ours, row, strict=True))}" for row in only]
    return found


def _columns(con: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Names and types in their order. Spark knows only timestamps with a zone; here all of them are UTC."""
    described = con.execute(f"describe from {relation}").fetchall()
    return {name: kind.removesuffix(" WITH TIME ZONE") for name, kind, *_ in described}


def _listed(columns: dict[str, str]) -> str:
    # Real numbers are compared to six digits, as everywhere where content is hashed.
    return ", ".join(
        f'round("{name}", 6) as "{name}"' if kind == "DOUBLE" else f'cast("{name}" as {kind}) as "{name}"'
        for name, kind in columns.items()
    )

"""Where landed tables lie in the home, their empty schema files, and how to read them whole.

What the columns are is said in `data_contracts.landed`; writing rows belongs in `landing`.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.contract import Contract
from data_contracts.landed import layout
from ingestion.rules import literal

# Not hidden by a leading underscore: Spark would pass it over and find the folder empty.
SCHEMA_FILE = "schema.parquet"
_ARROW = {
    "varchar": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "blob": pa.binary(),
}


def folder(home: Path, system: str, table: str = "") -> Path:
    """The folder of a system, or of one landed table of it."""
    return home / "landing" / system / table


def arrow_schema(columns: Sequence[tuple[str, str, str]]) -> pa.Schema:
    """The Arrow schema of (name, DuckDB type, description) columns."""
    return pa.schema([(name, _arrow_type(kind)) for name, kind, _ in columns])


def _arrow_type(kind: str) -> pa.DataType:
    if kind.startswith("decimal"):
        precision, scale = kind.removeprefix("decimal(").rstrip(")").split(",")
        return pa.decimal128(int(precision), int(scale))
    return _ARROW[kind]


def write_schemas(home: Path, contract: Contract) -> None:
    """Give every landed table a Parquet file without rows, so that no reader meets an empty folder."""
    root = folder(home, contract.system)
    root.mkdir(parents=True, exist_ok=True)
    # dlt takes a folder without this marker for one it must create, and fails because it is there.
    (root / "init").touch()
    for name, columns in layout(contract).items():
        path = folder(home, contract.system, name) / SCHEMA_FILE
        schema = arrow_schema(columns)
        if path.exists() and pq.read_schema(path).remove_metadata().equals(schema):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f"_{path.name}.new")
        pq.write_table(schema.empty_table(), aside)
        os.replace(aside, path)


def finished_loads(home: Path, system: str) -> set[str]:
    """Ids of the loads that are complete; rows of any other are not there yet."""
    names = (path.stem for path in (folder(home, system) / "_dlt_loads").glob("*.jsonl"))
    return {name.rpartition("__")[2] for name in names}


def complete(home: Path, system: str, table: str) -> str:
    """SQL of the rows of all complete loads of a landed table, to stand after `from`."""
    loads = ", ".join(literal(load) for load in sorted(finished_loads(home, system))) or "''"
    files = literal(str(folder(home, system, table) / "*.parquet"))
    return f"(select * from read_parquet({files}, union_by_name = true) where _dlt_load_id in ({loads}))"


def current_batches(home: Path, system: str) -> str:
    """SQL of the batches whose rows count now: of each file the newest one not rejected, of an API every one."""
    batches = complete(home, system, "batches")
    return f"""(
        select * from {batches} as accepted
        where status <> 'rejected' and batch_id not in (select batch_id from {batches} as b where status = 'rejected')
        qualify file = '' or row_number() over (partition by resource, file order by received_at desc) = 1
    )"""


def rejected_files(home: Path, system: str) -> dict[str, str]:
    """Files whose newest batch was rejected: file -> reason."""
    with duckdb.connect() as con:
        rows = con.execute(
            f"""
            select file, reason from (
                select * from {complete(home, system, "batches")}
                qualify row_number() over (partition by resource, file order by received_at desc) = 1
            ) as newest
            where status = 'rejected' order by file
            """
        ).fetchall()
    return dict(rows)

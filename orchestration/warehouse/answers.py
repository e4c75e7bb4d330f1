"""A result as the Parquet or CSV file that somebody asked for: whole, or as it was before."""

from pathlib import Path

import duckdb

from orchestration.warehouse.files import TableError

_WRITTEN_AS = {".parquet": "format parquet, compression zstd", ".csv": "format csv, header true"}


def check(output: Path, given: Path | None = None, *others: Path) -> None:
    """What would fail at the end fails before the work; makes the folder. Raises TableError.

    `others` are further files that will be written.
    """
    if output.suffix.lower() not in _WRITTEN_AS:
        raise TableError(f"{output}: the output is Parquet or CSV; let its name end in .parquet or .csv")
    for path in (output, *others):
        if given and path.exists() and given.exists() and path.samefile(given):
            raise TableError(f"{path}: this is the input; write somewhere else")
        path.parent.mkdir(parents=True, exist_ok=True)


def write(con: duckdb.DuckDBPyConnection, query: str, output: Path) -> None:
    """The rows of a query in their order; an earlier file is replaced at once."""
    unfinished = output.with_name(output.name + ".tmp")
    quoted = str(unfinished).replace("'", "''")
    con.execute(f"copy ({query}) to '{quoted}' ({_WRITTEN_AS[output.suffix.lower()]})")
    unfinished.replace(output)

"""Where a table is worked on: an in-memory connection that spills into a folder of its own, both gone at the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from orchestration.settings import Settings
from orchestration.warehouse import engine


@contextmanager
def opened() -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """A connection bounded by `TESSERA_MEMORY_LIMIT` and `TESSERA_THREADS`, and the folder it may use."""
    with TemporaryDirectory(prefix="tessera-") as folder, engine.memory(Settings(home=Path(folder))) as con:
        yield con, Path(folder)

"""Connections to DuckDB, always short ones: `with writing(settings) as con:`.

A DuckDB file has one writing process; while it writes nobody else may even read. So every connect goes through here:
it waits for a lock that another process holds, bounds memory, spills beside the files and never fetches an extension.
"""

import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import duckdb

from orchestration.errors import TesseraError
from orchestration.settings import Settings

_RETRY_SECONDS = 0.1
_REMEDIES = {"warehouse": "delete it, a run builds it anew", "state": "put back its latest backup"}


class WarehouseLockedError(TesseraError):
    """Another process holds the file; names the process where the engine says it."""


class WarehouseMissingError(TesseraError):
    """Nothing was built yet."""


class DamagedFileError(TesseraError):
    """The file is there and is no database."""


def _own_spill(settings: Settings) -> Path:
    """A folder for one connection, since two would write over each other in one; what killed runs left is removed."""
    settings.spill.mkdir(parents=True, exist_ok=True)
    for left in settings.spill.glob("run-*-*"):
        if not _is_running(left.name.split("-")[1]):
            shutil.rmtree(left, ignore_errors=True)
    return settings.spill / f"run-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def _is_running(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        pass
    return True


def _configured(con: duckdb.DuckDBPyConnection, settings: Settings) -> duckdb.DuckDBPyConnection:
    con.execute(f"set memory_limit = '{settings.memory_limit}'")
    con.execute(f"set threads = {settings.threads}")
    con.execute(f"set temp_directory = '{_own_spill(settings)}'")
    con.execute("set temp_file_encryption = true")
    # Without an extension DuckDB encrypts with its own library only if told so; else the first spill stops the run.
    con.execute("set force_mbedtls_unsafe = true")
    con.execute("set enable_progress_bar = false")
    con.execute("set autoinstall_known_extensions = false")
    con.execute("set TimeZone = 'UTC'")
    return con


@contextmanager
def memory(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory connection; touches no file but spill."""
    con = _configured(duckdb.connect(), settings)
    try:
        yield con
    finally:
        con.close()


def _attach(con: duckdb.DuckDBPyConnection, path: Path, alias: str, settings: Settings, *, read_only: bool) -> None:
    """Attach `path`, waiting for a lock that another process holds."""
    deadline = time.monotonic() + settings.lock_timeout_seconds
    options = " (read_only)" if read_only else ""
    while True:
        try:
            con.execute(f"attach '{path}' as {alias}{options}")
            return
        except duckdb.IOException as error:
            if "not a valid DuckDB database file" in str(error):
                raise DamagedFileError(
                    f"{path} is damaged: {_REMEDIES.get(path.stem, 'delete it')}, and run again"
                ) from error
            if "lock" not in str(error):
                raise
            if time.monotonic() > deadline:
                holder = re.search(r"PID (\d+)", str(error))
                who = f" (process {holder.group(1)})" if holder else ""
                raise WarehouseLockedError(
                    f"{path} is held by another run{who} for more than {settings.lock_timeout_seconds:.0f} s: "
                    "wait for it to end, or stop it, and run again"
                ) from error
            time.sleep(_RETRY_SECONDS)


@contextmanager
def _attached(settings: Settings, path: Path, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with memory(settings) as con:
        # Views that dbt makes carry the catalog's name, so the alias must equal the file's stem.
        _attach(con, path, path.stem, settings, read_only=read_only)
        con.execute(f"use {path.stem}")
        yield con
        con.execute("use memory")
        con.execute(f"detach {path.stem}")


def writing(settings: Settings) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    """The warehouse, writable: `<schema>.<table>` resolves in it."""
    return _attached(settings, settings.warehouse, read_only=False)


def writing_state(settings: Settings) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    """The state database, writable."""
    return _attached(settings, settings.state, read_only=False)


@contextmanager
def beside_state(con: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[None]:
    """In a connection of `writing_state`: the warehouse, read-only, where bare names resolve until this ends."""
    _attach(con, settings.warehouse, "warehouse", settings, read_only=True)
    con.execute("use warehouse")
    yield
    con.execute("use state")
    con.execute("detach warehouse")


@contextmanager
def reading(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """Read-only view of both files as catalogs `warehouse` and `state`; bare names resolve in the warehouse.

    State is attached only if it exists. Temporary tables may be made in catalog `memory`. Raises WarehouseMissingError.
    """
    if not settings.warehouse.exists():
        raise WarehouseMissingError(f"there is no {settings.warehouse} yet: run `tessera run daily` first")
    with memory(settings) as con:
        _attach(con, settings.warehouse, "warehouse", settings, read_only=True)
        if settings.state.exists():
            _attach(con, settings.state, "state", settings, read_only=True)
        con.execute("use warehouse")
        yield con
        con.execute("use memory")


def table_exists(con: duckdb.DuckDBPyConnection, schema: str, table: str, catalog: str | None = None) -> bool:
    """Whether `schema.table` exists in the catalog, by default the current one."""
    return bool(
        con.execute(
            "select count(*) from information_schema.tables "
            "where table_catalog = coalesce(?, current_database()) and table_schema = ? and table_name = ?",
            [catalog, schema, table],
        ).fetchall()[0][0]
    )

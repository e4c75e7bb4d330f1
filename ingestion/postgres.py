"""One read-only session with the PostgreSQL database of a source: the connection from the environment, clear errors.

Which rows are new does not belong here; see `changes`.
"""

import difflib
import ipaddress
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from data_contracts.contract import Table
from ingestion.batch import NotConnectedError, SourceError

_EXAMPLE = "postgresql://user:password@host:5432/database"
_COLUMNS = """
    select attname, cast(cast(coalesce(nullif(typbasetype, 0), atttypid) as regtype) as text)
    from pg_attribute inner join pg_type on pg_type.oid = atttypid
    where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped
"""
_TABLES = """
    select relname, case when pg_table_is_visible(pg_class.oid) then '' else nspname || '.' end || relname
    from pg_class inner join pg_namespace on pg_namespace.oid = relnamespace
    where relkind in ('r', 'v', 'm', 'p', 'f') and nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
    order by pg_table_is_visible(pg_class.oid), 2
"""


@contextmanager
def session(system: str) -> Iterator[psycopg.Connection]:
    """A connection to `<SYSTEM>_DATABASE_URL` that sees one snapshot, cannot write and speaks UTC.

    Raises SourceError that names the variable, or what the server refused; never the password, and nothing that the
    server says about values, for they may be personal.
    """
    parameters = _parameters(system)
    try:
        connection = psycopg.connect(**parameters, prepare_threshold=None)
    except psycopg.OperationalError as error:
        raise SourceError(system, _not_connected(system, str(error))) from None
    with connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        try:
            connection.execute("set local timezone = 'UTC'")
            yield connection
        except psycopg.Error as error:
            raise SourceError(system, _refused(connection, error)) from None


def identifier(table: Table) -> sql.Identifier:
    """The table's name at the source, with its schema if it gives one."""
    return sql.Identifier(*table.path.split(".", 1))


def columns(connection: psycopg.Connection, system: str, table: Table) -> dict[str, str]:
    """The columns of a table or view with their types, of a domain the type below it; raises SourceError."""
    name = identifier(table).as_string(connection)
    if found := connection.execute(_COLUMNS, [name]).fetchall():
        return dict(found)
    others = dict(connection.execute(_TABLES).fetchall())
    near = difflib.get_close_matches(table.path.rpartition(".")[2], others, n=1)
    hint = f" (is it {others[near[0]]!r}?)" if near else ""
    raise SourceError(
        system,
        f"database {connection.info.dbname!r} has no table {table.path!r}{hint}; give its name there, with its schema, "
        f"as physicalName of table {table.name} in the contract",
    )


def _parameters(system: str) -> dict[str, Any]:
    name = _variable(system)
    url = (os.environ.get(name) or "").strip()
    if not url:
        raise NotConnectedError(system, f"{name} is not set: set it to the address of the database, {_EXAMPLE}")
    unusable = f"{name} is not an address: write {_EXAMPLE}, with @ : / ? in a password as %40 %3A %2F %3F"
    if not url.startswith(("postgresql://", "postgres://")):
        raise SourceError(system, unusable)
    try:
        parameters = conninfo_to_dict(url)
    except psycopg.Error:
        raise SourceError(system, unusable) from None
    # Between machines personal data travels encrypted, unless the address says otherwise.
    if not _is_local(parameters):
        parameters.setdefault("sslmode", "require")
    return {"connect_timeout": 15, "application_name": "tessera", **parameters}


def _variable(system: str) -> str:
    return f"{system.upper()}_DATABASE_URL"


def _is_local(parameters: dict[str, Any]) -> bool:
    host = parameters.get("hostaddr") or parameters.get("host") or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in ("", "localhost") or host.startswith("/")


def _not_connected(system: str, said: str) -> str:
    # Libpq names host, port and user, and never the password.
    said, name = " ".join(said.split()), _variable(system)
    if "SSL" in said and "FATAL" not in said:
        return f"{said}: let the server encrypt, or add ?sslmode=disable to {name}"
    if "FATAL" in said:
        return f"{said}: correct user, password and database in {name}, and run again"
    return f"{said}: check host and port in {name}, and that the server is up; then run again"


def _refused(connection: psycopg.Connection, error: psycopg.Error) -> str:
    said, state = error.diag.message_primary or type(error).__name__, error.sqlstate or ""
    if state == "42501":
        return f"{said} for user {connection.info.user!r}: have it granted (grant select on ... to ...), and run again"
    # Lost, shut down, cancelled, or in conflict with the recovery of a replica.
    if connection.broken or state[:2] in ("08", "40", "53", "57"):
        return f"the database broke off ({said}): run again; the cursor has not moved"
    return f"the database could not answer ({type(error).__name__}, {state}): read the table as this user to see why"

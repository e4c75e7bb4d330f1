"""One database that is written to: its address, what this environment may do there, and a run in one transaction."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import duckdb
import psycopg
from psycopg.conninfo import conninfo_to_dict

from orchestration.activation.destination import Held, Run
from orchestration.activation.destinations.postgres import merge, reading
from orchestration.activation.destinations.postgres.refusals import translated
from orchestration.activation.destinations.postgres.table import Table, find_or_create
from orchestration.activation.document import SyncDocument
from orchestration.activation.endpoint import check_address, is_local
from orchestration.activation.errors import AuthError
from orchestration.settings import Settings

# What a database says of itself: `alter database NAME set tessera.sandbox = 'on'`.
SANDBOX = "select coalesce(current_setting('tessera.sandbox', true), '') in ('on', 'true', 'yes', '1')"
# Waiting without end for a lock would hold up the whole run.
LOCK_TIMEOUT = "30s"


class Postgres:
    """The database of a sync. Every transaction has a connection of its own, so that a lost one is no loss."""

    def __init__(self, settings: Settings, url: str, sync: SyncDocument, run: Run) -> None:
        self._settings, self._sync, self._run = settings, sync, run
        self._parameters = _parameters(url)
        host, port = (self._parameters.get(name) for name in ("host", "port"))
        where = ":".join(filter(None, (host or "local", port)))
        self.endpoint = f"postgresql://{where}/{self._parameters.get('dbname', '')}"
        self._table: Table | None = None

    def prepare(self) -> None:
        """See that this environment may write here, and that the table is as the sync needs it."""
        with self._transaction() as connection:
            self._check(connection)
            self._table = find_or_create(connection, self._sync, self._run.kinds)

    def deliver(self, con: duckdb.DuckDBPyConnection, ops: str, withheld: Callable[[], list[int]]) -> str:
        """Write relation `ops` to the table in one transaction; returns the relation of the rows it refused."""
        with self._transaction() as connection:
            refused = merge.stage(connection, con, ops, self._sync, self._table)
            merge.leave_out(connection, withheld())
            refused += merge.merge(connection, self._sync, self._table)
        con.execute(
            "create or replace temp table refused as "
            "select unnest(?::bigint[]) as seq, unnest(?::varchar[]) as code, unnest(?::varchar[]) as message",
            [[row[column] for row in refused] for column in range(3)],
        )
        return "refused"

    def read(self, keys: Sequence[str], fields: Sequence[str]) -> list[Held]:
        """The rows of these keys, by the index of the key column."""
        with self._transaction() as connection:
            self._check(connection)
            return next(reading.rows(connection, self._sync, fields, keys), [])

    def read_all(self, fields: Sequence[str]) -> Iterator[list[Held]]:
        """Every row, as of one moment; none when there is no table yet."""
        with self._transaction() as connection:
            self._check(connection)
            yield from reading.rows(connection, self._sync, fields)

    def _check(self, connection: psycopg.Connection) -> None:
        """Whether this environment may go on with what it has connected to."""
        check_address(
            self._settings,
            self.endpoint,
            local=is_local(connection.info.hostaddr or connection.info.host),
            encrypted=is_encrypted(connection),
            is_sandbox=lambda: connection.execute(SANDBOX).fetchall()[0][0],
        )

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Connection]:
        with translated(self.endpoint), psycopg.connect(**self._parameters, prepare_threshold=None) as connection:
            connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
            connection.execute("set local timezone = 'UTC'")
            connection.execute("set local datestyle = 'ISO, YMD'")
            yield connection

    def close(self) -> None:
        """Nothing is held open."""


def is_encrypted(connection: psycopg.Connection) -> bool:
    """Whether nobody on the way can read what this connection carries."""
    return connection.pgconn.ssl_in_use


def _parameters(url: str) -> dict[str, str]:
    try:
        parameters = conninfo_to_dict(url)
    except psycopg.Error:
        raise AuthError(
            "POSTGRES_DESTINATION_URL is not an address: write postgresql://user:password@host:5432/database, "
            "with @ : / ? in a password as %40 %3A %2F %3F"
        ) from None
    # Between machines personal data travels encrypted.
    if not is_local(str(parameters.get("hostaddr") or parameters.get("host") or "")):
        parameters.setdefault("sslmode", "require")
    return {"connect_timeout": "15", "application_name": "tessera", "client_encoding": "UTF8", **parameters}

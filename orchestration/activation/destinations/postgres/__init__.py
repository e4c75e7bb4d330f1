"""A table of a PostgreSQL database: all changes of a run in one transaction, rows matched by one of its columns.

`database` connects and delivers, `table` knows the columns that are there, `merge` writes, `refusals` says what an
error means. The driver is imported when a sync runs: only who has such a destination needs it.
"""

import os
from typing import TYPE_CHECKING

from orchestration.activation.destination import Capabilities, Run
from orchestration.activation.document import SyncDocument
from orchestration.activation.errors import AuthError, SyncStoppedError
from orchestration.settings import Settings

if TYPE_CHECKING:
    from orchestration.activation.destinations.postgres.database import Postgres

CAPABILITIES = Capabilities(
    objects=None,
    modes=frozenset({"upsert", "update_only", "insert_only", "mirror", "append"}),
    exits=frozenset({"delete", "clear"}),
    match_by=None,
    any_field=True,
    delivery="bulk",
    reads=True,
)
_EXAMPLE = "postgresql://user:password@host:5432/database"


def canonical(kind: str, expression: str) -> str:
    """SQL text of a value as PostgreSQL reads it: unaltered, times in UTC, lists and structs as JSON."""
    kind = kind.lower()
    if kind.startswith("timestamp"):
        return f"strftime(cast({expression} as timestamp), '%Y-%m-%dT%H:%M:%S.%fZ')"
    if kind.endswith("[]") or kind.startswith(("struct", "map")):
        return f"cast(to_json({expression}) as varchar)"
    return f"cast({expression} as varchar)"


def connect(settings: Settings, sync: SyncDocument, run: Run) -> "Postgres":
    """The database that POSTGRES_DESTINATION_URL names. Raises AuthError without it."""
    url = os.environ.get("POSTGRES_DESTINATION_URL", "").strip()
    if not url:
        raise AuthError(f"POSTGRES_DESTINATION_URL is not set: give the address of the database, {_EXAMPLE}")
    try:
        from orchestration.activation.destinations.postgres.database import Postgres
    except ImportError as error:
        raise SyncStoppedError(
            f"the driver of PostgreSQL is missing ({error}): install this project's extra postgres"
        ) from None
    return Postgres(settings, url, sync, run)

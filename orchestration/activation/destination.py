"""What a destination is to the engine: what it can do, how it is spoken to, and where to find one.

Each destination is one module in `destinations/` plus its contract in `data_contracts/destinations/`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Literal, Protocol

import duckdb

from data_contracts.contract import load


@dataclass(frozen=True)
class Run:
    """Which run is delivered; the same when it is resumed. `kinds`: SQL type of each field sent, by its name there.

    `rows`: how many changes it had when it was planned.
    """

    run_id: str
    as_of: date
    planned_at: datetime
    kinds: dict[str, str] = field(default_factory=dict)
    rows: int = 0


@dataclass(frozen=True)
class Op:
    """One change of one row; `changes` maps a field to its canonical text, '' to empty it, None for null.

    `before` is what the destination acknowledged last, of a row that changes or leaves. Of an audience, an update is
    to remove `before` and add `changes`, which holds every field; an exit is to remove `before`.
    """

    seq: int
    key: str
    op: Literal["insert", "update", "exit"]
    dest_id: str | None
    changes: dict[str, str | None]
    before: dict[str, str | None] | None = None


@dataclass(frozen=True)
class Held:
    """What the destination holds of one row: its key, None if it has none, its id there, and fields as text."""

    key: str | None
    dest_id: str | None
    values: dict[str, str | None]


@dataclass(frozen=True)
class RowResult:
    """The destination's answer for one row. `again` = worth another try in this run."""

    seq: int
    outcome: Literal["acknowledged", "rejected", "again"]
    status: int | None = None
    error_class: Literal["transient", "permanent", "unknown"] | None = None
    code: str | None = None
    message: str | None = None
    dest_id: str | None = None


# Final answers for some rows, and the number of tries they took.
Outcome = tuple[list[RowResult], int]


@dataclass(frozen=True)
class Capabilities:
    """What documents may ask of a destination.

    With `any_field` a document names fields freely; else only those of the destination's contract. `objects` None: any.
    `match_by` None: any field there, which is then the key and no mapped field. `reads`: it tells what it holds.
    """

    objects: frozenset[str] | None
    modes: frozenset[str]
    exits: frozenset[str] = field(default_factory=frozenset)
    match_by: frozenset[str] | None = frozenset({"id"})
    any_field: bool = False
    delivery: Literal["rows", "bulk", "snapshot"] = "rows"
    batch_size: int = 100
    reads: bool = False


class RowDestination(Protocol):
    """A destination that takes batches of rows; made by its module's `connect(settings, sync, run)`.

    It may be asked `rate` requests a second, `burst` at once; `parallel` may be under way at a time, so `send` must be
    safe to call from as many threads.
    """

    endpoint: str
    rate: float
    burst: int
    batch_size: int
    parallel: int

    def prepare(self) -> None:
        """Check access and fields before the first row. Raises AuthError, MappingError or a transient error."""

    def send(self, ops: Sequence[Op]) -> list[RowResult]:
        """One request for at most `batch_size` rows, safe to repeat.

        Raises TransientError, UnknownError, BatchRefusedError, AuthError or MappingError for the whole request; a row
        that the answer does not mention is left out of the list and sent again.
        """

    def close(self) -> None:
        """Free the connection."""


class ReadableRows(RowDestination, Protocol):
    """A destination of rows with capability `reads`. Neither method writes, nor asks for `prepare`."""

    def read(self, keys: Sequence[str], fields: Sequence[str]) -> list[Held]:
        """One request for at most `batch_size` rows; what is not there is left out. Raises what `send` raises."""

    def read_page(self, fields: Sequence[str], after: str | None) -> tuple[list[Held], str | None]:
        """One page of all rows there are, and where the next begins, None after the last."""


class BulkDestination(Protocol):
    """A destination that takes all rows at once, as a relation."""

    endpoint: str

    def prepare(self) -> None:
        """Check access, table and columns before the first row. Raises AuthError, MappingError or a transient error."""

    def deliver(self, con: duckdb.DuckDBPyConnection, ops: str, withheld: Callable[[], list[int]]) -> str:
        """Bring relation `ops` (seq, key, op, changes, payload) there in one step, safe to repeat.

        `withheld` is asked right before it takes effect: rows of these seq must not. Returns a relation (seq, code,
        message) of the rows that are refused; all others took effect. Raises TransientError, AuthError or MappingError
        when none did.
        """

    def close(self) -> None:
        """Free the connection."""


class ReadableBulk(BulkDestination, Protocol):
    """A bulk destination with capability `reads`. Neither method writes, nor asks for `prepare`."""

    def read(self, keys: Sequence[str], fields: Sequence[str]) -> list[Held]:
        """Some thousand rows; what is not there is left out."""

    def read_all(self, fields: Sequence[str]) -> Iterator[list[Held]]:
        """Every row there is, some thousand at a time."""


class SnapshotDestination(Protocol):
    """A destination that is handed the whole audience whenever it changed."""

    endpoint: str

    def write(self, con: duckdb.DuckDBPyConnection, rows: str) -> dict[str, str]:
        """Replace what is there by the relation `rows`, all or nothing; returns what was written, by name."""

    def close(self) -> None:
        """Free the connection."""


@cache
def find(name: str) -> ModuleType:
    """The module of destination `name`: `CAPABILITIES`, `canonical` and `connect`."""
    return import_module(f"orchestration.activation.destinations.{name}")


def names() -> list[str]:
    """Every destination there is."""
    folder = Path(__file__).parent / "destinations"
    return sorted(module.name for module in iter_modules([str(folder)]))


def promised(destination: str, object_name: str) -> dict[str, str]:
    """What the destination's contract says we may write to the object: field -> type."""
    table = load(destination, "destinations").table(object_name)
    return {column.name: column.sql_type for column in table.columns if not column.key}


def standard_canonical(kind: str, expression: str) -> str:
    """SQL text of a value in the form most destinations keep: trimmed, empty as null, fixed scale, ISO dates in UTC."""
    kind = kind.lower()
    if kind == "email":
        return f"nullif(lower(trim({expression})), '')"
    if kind.startswith("decimal"):
        return f"cast(cast({expression} as {kind}) as varchar)"
    if kind in ("double", "float", "number", "real"):
        return f"cast(round(cast({expression} as double), 6) as varchar)"
    if kind.startswith("timestamp"):
        return f"strftime(cast({expression} as timestamp), '%Y-%m-%dT%H:%M:%SZ')"
    if kind in ("date", "boolean", "integer", "bigint"):
        return f"cast(cast({expression} as {kind}) as varchar)"
    return f"nullif(trim(cast({expression} as varchar)), '')"

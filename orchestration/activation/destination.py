"""What a destination is to the engine: what it can do, how it is spoken to, and where to find one.

Each destination is one module in `destinations/` plus its contract in `data_contracts/destinations/`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import TYPE_CHECKING, Literal, Protocol

import duckdb

from data_contracts.contract import load, systems
from data_contracts.odcs import ContractError

if TYPE_CHECKING:
    from orchestration.activation.document import SyncDocument


@dataclass(frozen=True)
class Run:
    """Which run is delivered; the same when it is resumed. `kinds`: SQL type of each field sent, by its name there."""

    run_id: str
    as_of: date
    planned_at: datetime
    kinds: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Op:
    """One change of one row; `changes` maps a field to its canonical text, '' to empty it, None for null."""

    seq: int
    key: str
    op: Literal["insert", "update", "exit"]
    dest_id: str | None
    changes: dict[str, str | None]


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
    `match_by` None: any field there, which is then the key and no mapped field.
    """

    objects: frozenset[str] | None
    modes: frozenset[str]
    exits: frozenset[str] = field(default_factory=frozenset)
    match_by: frozenset[str] | None = frozenset({"id"})
    any_field: bool = False
    delivery: Literal["rows", "bulk", "snapshot"] = "rows"
    batch_size: int = 100


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


def problems(sync: "SyncDocument") -> list[tuple[tuple[str, ...], str]]:
    """What the document asks that its destination cannot do, as (path in the document, message)."""
    if sync.destination not in names():
        return [(("destination",), f"no destination '{sync.destination}': known are {', '.join(names())}")]
    can = find(sync.destination).CAPABILITIES
    asked = [("mode", sync.mode, can.modes), ("match_by", sync.match_by, can.match_by)]
    asked += [("object", sync.object, can.objects)]
    asked += [("on_exit", sync.on_exit, can.exits)] if sync.on_exit else []
    found = [
        ((name,), f"{sync.destination} does not take {name} '{value}': it takes {', '.join(sorted(known))}")
        for name, value, known in asked
        if known is not None and value not in known
    ]
    if can.match_by is None:
        found += [
            (("fields", column, "to"), f"rows are matched by '{rule.to}', which `key` fills: leave it out of fields")
            for column, rule in sync.fields.items()
            if rule.to == sync.match_by
        ]
    if not found and not can.any_field:
        try:
            fields = promised(sync.destination, sync.object)
        except ContractError as error:
            return [(("destination",), f"the contract of {sync.destination} cannot be used: {error}")]
        found += [
            (("fields", column, "to"),
             f"'{rule.to}' is no field we write in {sync.destination} {sync.object}: write one of {', '.join(fields)}, "
             f"or add it to data_contracts/destinations/{sync.destination}.odcs.yaml")
            for column, rule in sync.fields.items()
            if rule.to not in fields
        ]  # fmt: skip
    found += [(("requires",), f"no source '{system}'") for system in sync.requires if system not in systems()]
    return found


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

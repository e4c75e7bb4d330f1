"""Fields by full name, `<system>.<object>.<field>`: which are read, which a destination takes, which syncs write.

All of it follows from contracts and sync documents; what the registry says of a field does not belong here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from data_contracts.contract import Column, Contract, readable, systems
from orchestration.activation.destination import find, names
from orchestration.activation.document import SyncDocument

# How an API wraps what a record holds; a field is the same with and without it.
_ENVELOPES = ("properties.", "attributes.")


@dataclass(frozen=True)
class Places:
    """What there is. `read`: field -> (landed table, column). `taken`: fields a contract or a sync says are written.

    `promised` are those of contracts. Of a system in `unread` some contract cannot be read at the moment: of its fields
    nothing can be said.
    """

    read: dict[str, tuple[str, str]]
    taken: frozenset[str]
    systems: frozenset[str]
    objects: frozenset[str]
    unread: frozenset[str] = frozenset()
    promised: frozenset[str] = frozenset()

    @classmethod
    def of(cls, sources: Iterable[Contract], destinations: Iterable[Contract], unread: Iterable[str] = ()) -> "Places":
        """What these contracts say."""
        sources, destinations = list(sources), list(destinations)
        read = {
            field: (f"{source.system}.{table}", column)
            for source in sources
            for table, column, field in _fields(source, keys=True)
        }
        both = [*sources, *destinations]
        promised = frozenset(field for one in destinations for _, _, field in _fields(one, keys=False))
        return cls(
            read,
            promised,
            frozenset(one.system for one in both),
            frozenset(f"{one.system}.{table.name}" for one in both for table in one.tables),
            frozenset(unread),
            promised,
        )

    @cached_property
    def references(self) -> set[str]:
        """Fields that are read, and `<system>.<object>.*` for all of one object."""
        return {*self.read, *(".".join([*field.split(".")[:2], "*"]) for field in self.read)}

    def with_taken(self, fields: Iterable[str]) -> "Places":
        """The same with fields that syncs write."""
        return replace(self, taken=self.taken | frozenset(fields))

    @classmethod
    def declared(cls) -> "Places":
        """What the project's own contracts say, as far as they can be read."""
        kinds = {kind: readable(kind)[0] for kind in ("sources", "destinations")}
        unread = {name for kind, good in kinds.items() for name in {*systems(kind)} - {one.system for one in good}}
        return cls.of(kinds["sources"], kinds["destinations"], unread)


@dataclass(frozen=True)
class Written:
    """One field that a sync writes, from a column of its payload. `is_promised`: a contract names it."""

    field: str
    sync: SyncDocument
    column: str
    is_promised: bool


def written(sync: SyncDocument) -> list[Written]:
    """What a sync writes.

    Objects that a document names freely are there for others too, as the tables of a database. Where only the fields
    are free, as in a file, each sync has a place of its own.
    """
    can = find(sync.destination).CAPABILITIES
    is_own = can.any_field and can.objects is not None
    place = f"{sync.destination}.{sync.name if is_own else sync.object}"
    return [Written(f"{place}.{rule.to}", sync, column, not can.any_field) for column, rule in sync.fields.items()]


def file_of(sync: SyncDocument, folder: Path) -> Path:
    """The document that declares the sync."""
    return next(iter(folder.glob(f"{sync.name}.y*ml")), folder / f"{sync.name}.yaml")


def names_any_field(system: str) -> bool:
    """Whether documents may send the destination fields that its contract does not name."""
    return system in names() and find(system).CAPABILITIES.any_field


def _fields(contract: Contract, *, keys: bool) -> Iterator[tuple[str, str, str]]:
    """Table, column and full name of every field; a key is read, and never written."""
    for table in contract.tables:
        bare = [_bare(column) for column in table.columns]
        for column, name in zip(table.columns, bare, strict=True):
            if keys or not column.key:
                full = name if bare.count(name) == 1 else column.path
                yield table.name, column.name, f"{contract.system}.{table.name}.{full}"


def _bare(column: Column) -> str:
    for envelope in _ENVELOPES:
        if column.path.startswith(envelope):
            return column.path.removeprefix(envelope)
    return column.path

"""The registry compiled: with contracts and syncs into one graph, every finding, and which syncs may not run.

A field that a declared automation fills from one that we write counts as written: if it is read as well, its value has
gone round, whether or not the way back through our tables is known. So everything that must be refused is found without
looking at any SQL, in milliseconds, when definitions load; `lineage`, which reads the SQL, completes the loops that are
shown and corrects what the registry says of them. `activation.crosswalk`, which is read from the run before, holds ids
that others gave and no value of an attribute: it is no edge here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from data_contracts.masters import FILE
from orchestration.activation.document import DocumentError, SyncDocument, load_documents
from orchestration.activation.masters import rules
from orchestration.activation.masters.document import Problem, Registry, load, shown
from orchestration.activation.masters.graph import Graph
from orchestration.activation.masters.places import Places, Written, file_of, names_any_field, written
from orchestration.yaml_lines import read

AUTOMATION = "automation"


@dataclass(frozen=True)
class Compiled:
    """What the registry comes to. `registry` is None when nothing of it can be used; then no sync may run."""

    registry: Registry | None
    places: Places
    graph: Graph
    writes: list[Written]
    found: list[Problem]
    loops: list[Problem]

    @classmethod
    def of(cls, registry: Registry, places: Places, writes: list[Written], folder: Path) -> "Compiled":
        """A registry with what is read, and with what the syncs of a folder write."""
        places = places.with_taken(one.field for one in writes)
        graph = graph_of(registry, places)
        found = [*rules.problems(registry, places), *_of_syncs(registry, places, writes, folder)]
        return cls(registry, places, graph, writes, found, loops(registry, places, graph, writes))

    @property
    def problems(self) -> list[Problem]:
        """Every finding, loops last."""
        return [*self.found, *self.loops]

    def disabled(self, folder: Path) -> list[DocumentError]:
        """Each sync that a problem concerns, at the line of its document, with the problem."""
        found = []
        for problem in self.problems:
            for one in self._concerned(problem):
                file = file_of(one.sync, folder)
                line = read(file).line(("attributes", "fields", one.column))
                message = problem.message if problem.file == file else f"{problem}"
                found.append(DocumentError(file, line, message))
        return sorted(found, key=lambda error: (str(error.file), error.line))

    def _concerned(self, problem: Problem) -> Iterable[Written]:
        """The first field of each sync that is in the problem, or is written from an attribute that is."""
        if problem.nodes is None:
            return {one.sync.name: one for one in reversed(self.writes)}.values()
        nodes = set(problem.nodes)
        nodes |= {end for node in problem.nodes for end, label in self.graph.edges.get(node, {}).items() if not label}
        return {one.sync.name: one for one in reversed(self.writes) if one.field in nodes}.values()


def compile_masters(syncs: Iterable[SyncDocument], folder: Path, file: Path = FILE) -> Compiled:
    """The registry in `file` with the project's contracts and these syncs."""
    writes = [one for sync in syncs for one in written(sync)]
    registry, unusable = load(file)
    if registry is None:
        return Compiled(None, Places.declared(), Graph(), writes, unusable, [])
    compiled = Compiled.of(registry, Places.declared(), writes, folder)
    return replace(compiled, found=[*unusable, *compiled.found])


def unmastered(compiled: Compiled) -> list[Problem]:
    """Fields that a destination's contract promises to write and no attribute does; no sync is the worse for it."""
    registry = compiled.registry
    if registry is None:
        return []
    written_to = {field for _, _, attribute in registry.masters.attributes() for field in attribute.writes}
    return [
        registry.problem(("objects",), f"data_contracts/destinations/{field.split('.')[0]}.odcs.yaml promises {field}, "
                         "and no attribute writes it: add it to the writes of one, or take it away there")
        for field in sorted(compiled.places.promised - written_to - registry.broken)
        if not names_any_field(field.split(".")[0])
    ]  # fmt: skip


def usable_syncs(folder: Path, file: Path = FILE) -> tuple[list[SyncDocument], list[DocumentError]]:
    """The syncs of a folder that may run, and why the others may not: their document, or who is master of what."""
    valid, errors = load_documents(folder)
    disabled = compile_masters(valid, folder, file).disabled(folder)
    stopped = {error.file.stem for error in disabled}
    return [sync for sync in valid if sync.name not in stopped], [*errors, *disabled]


def graph_of(registry: Registry, places: Places) -> Graph:
    """What the registry says of where values come from and go to. What a contract reads is an attribute of its own."""
    graph = Graph()
    for thing, name, attribute in registry.masters.attributes():
        node = f"{thing}.{name}"
        for reference in attribute.depends_on:
            for source in rules.sources_of(reference, thing, places):
                graph.add(source, node)
        for field in attribute.reads:
            graph.add(field, node)
        for field in attribute.writes:
            graph.add(node, field)
    for one in registry.masters.automations:
        graph.add(one.source, one.target, f'{AUTOMATION} "{one.reason}"')
    return graph


def loops(registry: Registry, places: Places, graph: Graph, writes: list[Written]) -> list[Problem]:
    """Every loop, and every field that is read although an automation fills it from one we write."""
    ours = {one.field: None for one in writes}
    ours |= {field: None for _, _, attribute in registry.masters.attributes() for field in attribute.writes}
    found = graph.cycles(ours)
    # Without the sync that carries it round, a loop is none.
    problems = [
        registry.problem(_where(registry, loop), f"a loop: {graph.told(loop)}", ours.keys() & set(loop) or set(loop))
        for loop in found
    ]
    for field in ours:
        way = graph.way(field, places.read.__contains__, only=AUTOMATION)
        if way and not any(set(way) <= set(loop) for loop in found):
            system = way[-1].split(".")[0]
            why = f"which data_contracts/sources/{system}.odcs.yaml reads: a field is read or written, never both"
            told = f"what we write comes back: {graph.told(way)}, {why}"
            problems.append(registry.problem(_where(registry, way), told, set(way)))
    return problems


def _where(registry: Registry, path: list[str]) -> tuple[str | int, ...]:
    """The line a loop is best mended at: the automation in it, else the first attribute."""
    for at, one in enumerate(registry.masters.automations):
        if (one.source, one.target) in pairwise(path):
            return ("automations", at)
    for thing, name, _ in registry.masters.attributes():
        if f"{thing}.{name}" in path:
            return ("objects", thing, "attributes", name)
    return ()


def _of_syncs(registry: Registry, places: Places, writes: list[Written], folder: Path) -> Iterator[Problem]:
    """Fields that a sync writes and no attribute does, or another sync too, or that are read."""
    registered = {field for _, _, attribute in registry.masters.attributes() for field in attribute.writes}
    for at, one in enumerate(writes):
        if one.field not in registered and one.field in places.read:
            yield _at(one, folder, f"{one.field} is read, so it has its master there: write another field")
        elif one.is_promised and one.field not in registered | registry.broken:
            told = f"say in {shown(registry.file)} which attribute it is, under writes, or leave the field out"
            yield _at(one, folder, f"no attribute writes {one.field}: {told}")
        for other in writes[:at]:
            if other.field == one.field and set(other.sync.environment) & set(one.sync.environment):
                told = f"{one.field} is written by two syncs, {other.sync.name} and {one.sync.name}: leave it to one"
                yield _at(one, folder, told if one.is_promised else f"{told}, or name another object")


def _at(one: Written, folder: Path, message: str) -> Problem:
    file = file_of(one.sync, folder)
    return Problem(file, read(file).line(("attributes", "fields", one.column)), message, frozenset({one.field}))

"""Whether the registry and the SQL say the same: what a field is computed from, and loops that the SQL closes.

How columns are traced is in `lineage`. A table that Python makes is the end of a trace, so it refuses nothing: where a
loop is open there, that is said.
"""

from collections.abc import Iterator
from dataclasses import replace

from orchestration.activation.masters.compiled import Compiled, loops
from orchestration.activation.masters.document import Problem, Registry
from orchestration.activation.masters.graph import Graph
from orchestration.activation.masters.lineage import Lineage, Origin
from orchestration.activation.masters.places import Written

_SHOWN = 5


def agreed(compiled: Compiled, lineage: Lineage) -> Compiled:
    """The registry compiled once more with the lineage of what syncs write."""
    registry = compiled.registry
    if registry is None:
        return compiled
    fields = {landed: field for field, landed in compiled.places.read.items()}
    origins = {one.field: (one, lineage.origin(one.sync.model, one.column)) for one in compiled.writes}
    graph = Graph({start: dict(ends) for start, ends in compiled.graph.edges.items()})
    for one, origin in origins.values():
        for source in _fields(origin, fields):
            graph.add(source, one.field, f"column {one.sync.model}.{one.column}")
    found = [*compiled.found, *_undeclared(compiled, registry, origins, fields)]
    closed = loops(registry, compiled.places, graph, compiled.writes)
    return replace(compiled, graph=graph, found=found, loops=[_hinted(problem, origins) for problem in closed])


def _fields(origin: Origin, fields: dict[tuple[str, str], str]) -> set[str]:
    """The source fields of an origin; what landing adds of its own is none."""
    return {fields[column] for column in origin.landed if column in fields}


def _undeclared(
    compiled: Compiled,
    registry: Registry,
    origins: dict[str, tuple[Written, Origin]],
    fields: dict[tuple[str, str], str],
) -> Iterator[Problem]:
    """Attributes whose column comes from source fields that the registry does not lead back to."""
    for thing, name, attribute in registry.masters.attributes():
        node = f"{thing}.{name}"
        declared = compiled.graph.before(node)
        for field in attribute.writes:
            one, origin = origins.get(field, (None, Origin()))
            if one and (missing := sorted(_fields(origin, fields) - declared)):
                more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
                told = f"{one.sync.model}.{one.column} comes from {', '.join(missing[:_SHOWN])}{more}"
                where = ("objects", thing, "attributes", name)
                yield registry.problem(where, f"{told}: add that to depends_on of {name}", {node, field})


def _hinted(problem: Problem, origins: dict[str, tuple[Written, Origin]]) -> Problem:
    """With the tables made by Python through which a way back that is open may close."""
    ends = {table for node in problem.nodes or () if node in origins for table in origins[node][1].opaque}
    if problem.message.startswith("a loop") or not ends:
        return problem
    told = f"{', '.join(sorted(ends))}, made by Python, may close the loop"
    return replace(problem, message=f"{problem.message}; {told}")

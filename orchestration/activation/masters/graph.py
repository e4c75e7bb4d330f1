"""What values come from and go to, as a graph of fields and attributes; the loops in it, and how a loop is told.

Which edges there are is decided in `rules` and `lineage`.
"""

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

Path = list[str]


@dataclass
class Graph:
    """Edges by their start; the label of an edge says more than that one comes from the other, or is empty."""

    edges: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, start: str, end: str, label: str = "") -> None:
        """One edge; of two between the same nodes, one that has a label stays."""
        known = self.edges.setdefault(start, {})
        known[end] = known.get(end) or label

    def cycles(self, first: Collection[str] = ()) -> list[Path]:
        """A shortest loop for each node of `first` that is in one, and for each other node in one that meets none."""
        try:
            TopologicalSorter({start: list(ends) for start, ends in self.edges.items()}).prepare()
        except CycleError:
            pass
        else:
            return []
        found: dict[frozenset[str], Path] = {}
        told: set[str] = set()
        for node in [*first, *self.edges]:
            if node not in told and (loop := self.way(node, {node}.__contains__)):
                # Whatever else goes through a node of `first` is mended, or stopped, there.
                if node in first or not set(first) & set(loop):
                    found.setdefault(frozenset(loop), loop)
                told |= set(loop)
        return list(found.values())

    def way(self, start: str, is_end: Callable[[str], bool], *, only: str = "") -> Path | None:
        """The shortest path of at least one edge from `start` to an end; by edges whose label begins with `only`."""
        ways, seen = deque([[start]]), set()
        while ways:
            path = ways.popleft()
            for end, label in self.edges.get(path[-1], {}).items():
                if not label.startswith(only):
                    continue
                if is_end(end):
                    return [*path, end]
                if end not in seen:
                    seen.add(end)
                    ways.append([*path, end])
        return None

    def before(self, node: str) -> set[str]:
        """Everything that `node` comes from."""
        back: dict[str, list[str]] = {}
        for start, ends in self.edges.items():
            for end in ends:
                back.setdefault(end, []).append(start)
        found, waiting = set(), [node]
        while waiting:
            for start in back.get(waiting.pop(), ()):
                if start not in found:
                    found.add(start)
                    waiting.append(start)
        return found

    def told(self, path: Path) -> str:
        """`a -> (automation "...") b -> a`."""
        steps = [path[0]]
        for start, end in pairwise(path):
            label = self.edges[start][end]
            steps.append(f"({label}) {end}" if label else end)
        return " -> ".join(steps)

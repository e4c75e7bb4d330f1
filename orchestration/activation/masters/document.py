"""The registry of masters as a file: what it says, and the line of every part of it.

An attribute that cannot be used is left out with a message and spoils no other. The shapes are in `data_contracts`.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from data_contracts.masters import FILE, Attribute, Automation, Former, MasteredObject, Masters
from orchestration.settings import PROJECT_ROOT
from orchestration.yaml_lines import Document, UnreadableError, read

Where = tuple[str | int, ...]
_INSIDE_ATTRIBUTE = 4


@dataclass(frozen=True)
class Problem:
    """What is wrong at one line; `nodes` are the fields and attributes it is about, None if it is about all."""

    file: Path
    line: int
    message: str
    nodes: frozenset[str] | None = frozenset()

    def __str__(self) -> str:
        return f"{shown(self.file)}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Registry:
    """The masters that can be used; `broken` are the attributes that cannot, with the fields they would write."""

    masters: Masters
    document: Document = field(default_factory=lambda: Document(None, {}))
    file: Path = FILE
    broken: frozenset[str] = frozenset()

    def problem(self, where: Where, message: str, nodes: set[str] | frozenset[str] = frozenset()) -> Problem:
        """A finding about the part of the registry at `where`."""
        return Problem(self.file, self.document.line(where), message, frozenset(nodes))


def shown(file: Path) -> str:
    """The file as a message names it: from the project's folder, if it is in it."""
    return str(file.relative_to(PROJECT_ROOT) if file.is_relative_to(PROJECT_ROOT) else file)


def load(file: Path = FILE) -> tuple[Registry | None, list[Problem]]:
    """The registry and what is wrong with its shape; None if nothing of it can be used."""
    try:
        document = read(file)
    except UnreadableError as error:
        return None, [Problem(file, error.line, str(error), None)]
    except OSError as error:
        return None, [Problem(file, 1, f"cannot be read: {error.strerror}", None)]
    return _validated(file, document)


def _validated(file: Path, document: Document) -> tuple[Registry | None, list[Problem]]:
    problems: list[Problem] = []
    content, broken = document.content, set()
    while True:
        try:
            return Registry(Masters.model_validate(content), document, file, frozenset(broken)), problems
        except ValidationError as error:
            bad = {problem["loc"][:_INSIDE_ATTRIBUTE] for problem in error.errors() if _in_attribute(problem["loc"])}
            for problem in error.errors():
                nodes = _named_by(content, problem["loc"]) if _in_attribute(problem["loc"]) else None
                problems.append(Problem(file, *_explained(document, problem), nodes))
        if not bad or any(problem.nodes is None for problem in problems):
            return None, problems
        for where in bad:
            broken |= _named_by(content, where)
            content = _without(content, where)


def _in_attribute(where: Where) -> bool:
    return (
        len(where) >= _INSIDE_ATTRIBUTE and where[0] == "objects" and where[2] == "attributes" and "[key]" not in where
    )


def _named_by(content: Any, where: Where) -> frozenset[str]:
    """The attribute at `where` and the fields that it would write, as far as they can be told."""
    declared = content["objects"][where[1]]["attributes"][where[3]]
    writes = declared.get("writes") if isinstance(declared, dict) else None
    return frozenset({f"{where[1]}.{where[3]}", *map(str, writes if isinstance(writes, list) else [])})


def _without(content: Any, where: Where) -> Any:
    thing, name = where[1], where[3]
    declared = content["objects"][thing]
    kept = {key: value for key, value in declared["attributes"].items() if key != name}
    return {**content, "objects": {**content["objects"], thing: {**declared, "attributes": kept}}}


def _explained(document: Document, problem: Any) -> tuple[int, str]:
    """Line and sentence of one validation problem."""
    path = tuple(part for part in problem["loc"] if part != "[key]")
    line, where = document.line(path), ".".join(map(str, path)) or "document"
    if problem["type"] == "extra_forbidden":
        known = [info.alias or name for name, info in _shape(path).model_fields.items()]
        return line, f"unknown key '{path[-1]}'{document.suggestion(str(path[-1]), known)}"
    if problem["type"] == "missing":
        return line, f"'{where}' is missing"
    if path and path[-1] == "master":
        return line, f"{where}: one master, a system or cdp, is all an attribute has"
    return line, f"{where}: {problem['msg']}"


def _shape(path: Where) -> Any:
    """The shape of the part that holds the key at the end of `path`."""
    if path[0] == "automations":
        return Automation if len(path) > 1 else Masters
    shapes = {1: Masters, 3: MasteredObject, 5: Attribute}
    return shapes.get(len(path), Former)

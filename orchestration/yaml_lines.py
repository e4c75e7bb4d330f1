"""A YAML file with the line of every key, so that a message can point at one. What the keys mean belongs elsewhere."""

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml


class UnreadableError(ValueError):
    """Not YAML, or a mapping that names a key twice; `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Document:
    """What a file holds and where."""

    content: Any
    lines: dict[tuple[Any, ...], int]

    def line(self, path: tuple[Any, ...]) -> int:
        """Line of the key at `path`, or of the nearest key around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    @staticmethod
    def suggestion(word: str, known: list[str]) -> str:
        """`: did you mean 'x'?`, or the known words when none is near."""
        near = get_close_matches(word, known, n=1)
        return f": did you mean '{near[0]}'?" if near else f": known are {', '.join(sorted(known))}"


def read(file: Path) -> Document:
    """Parse one document. Raises UnreadableError."""
    try:
        root = _composed(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise UnreadableError(1, f"not UTF-8 at byte {error.start}: save the file as UTF-8") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UnreadableError(mark.line + 1 if mark else 1, f"not YAML: {error.problem or error}") from error
    except yaml.YAMLError as error:
        raise UnreadableError(1, f"not YAML: {error}") from error
    if root is None:
        raise UnreadableError(1, "the file is empty")
    lines: dict[tuple[Any, ...], int] = {}
    _walk(root, (), lines)
    loader = yaml.SafeLoader("")
    return Document(loader.construct_document(root), lines)


def _composed(text: str) -> yaml.Node | None:
    """The document's tree: parsed in C, four times as fast; what is not YAML is told in the words of the other."""
    try:
        return yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError:
        return yaml.compose(text, Loader=yaml.SafeLoader)


def _walk(node: yaml.Node, path: tuple[Any, ...], lines: dict[tuple[Any, ...], int]) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            child = (*path, key.value)
            if child in lines:
                raise UnreadableError(key.start_mark.line + 1, f"'{key.value}' is here a second time: keep one")
            lines[child] = key.start_mark.line + 1
            _walk(value, child, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _walk(value, (*path, index), lines)

"""What a validation problem of a segment document says to its reader: the line, and a sentence with what was meant.

Which problems there are is in `declaration`, `rules` and `check`.
"""

from typing import Any

from pydantic import BaseModel

from orchestration.segments.declaration import Envelope, SegmentDocument, SizeWatch
from orchestration.segments.rules import KINDS, Comparison, DaysAgo, Step, kind
from orchestration.yaml_lines import Document

RULES = ("attributes", "rules")


def explained(document: Document, problem: Any) -> tuple[int, str]:
    """Line and sentence of one validation problem."""
    path, content, shape = _located(document.content, problem["loc"])
    # What is wrong with a whole mapping is said at its first key.
    is_mapping_of_rules = isinstance(content, dict) and content and path[:2] == RULES
    line = document.line((*path, next(iter(content))) if is_mapping_of_rules else path)
    if problem["type"] == "extra_forbidden":
        return line, f"{dotted(path[1:-1])}unknown key '{path[-1]}'{document.suggestion(str(path[-1]), shape)}"
    if problem["type"] == "missing":
        missing = problem["loc"][-1]
        return line, f"{dotted(path[1:])}'{missing}' is missing"
    return line, f"{dotted(path[1:])}{problem['msg'].removeprefix('Value error, ')}"


def _located(content: Any, loc: tuple[Any, ...]) -> tuple[tuple[Any, ...], Any, list[str]]:
    """The part of `loc` that is in the document, what stands there, and the keys known in the mapping around it.

    The rest of `loc` names the alternatives that were tried; that of a clause looks like one of its keys.
    """
    path: tuple[Any, ...] = ()
    shape = list(Envelope.model_fields)
    tag = None
    for part in loc:
        if part == tag or not (_has_key(content, part) or _has_item(content, part)):
            tag = None
            continue
        if isinstance(content, dict):
            shape = _known_keys(path, content)
        content = content[part]
        path = (*path, part)
        is_clause = path == RULES or path[-1] == "not" or path[-2:-1] in {("and",), ("or",)}
        tag = kind(content) if is_clause and isinstance(content, dict) else None
    return path, content, shape


def _has_key(content: Any, part: Any) -> bool:
    return isinstance(content, dict) and part in content


def _has_item(content: Any, part: Any) -> bool:
    return isinstance(content, list) and isinstance(part, int) and part < len(content)


def _known_keys(path: tuple[Any, ...], mapping: dict[Any, Any]) -> list[str]:
    """The keys that a mapping at a path may have."""
    if not path:
        shape: type[BaseModel] = Envelope
    elif path == ("attributes",):
        shape = SegmentDocument
    elif path == ("attributes", "size_watch"):
        shape = SizeWatch
    elif "days_ago" in mapping:
        shape = DaysAgo
    elif "where" in path:
        shape = Comparison
    else:
        shape = KINDS.get(kind(mapping) or "", Step)
    return [field.alias or name for name, field in shape.model_fields.items()]


def dotted(path: tuple[Any, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return f"{text.removeprefix('.')}: " if text else ""

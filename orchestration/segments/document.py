"""The document that declares a segment: its model, the loader of a folder, messages that name file and line.

What rules may say is in `rules`, what they may name in `catalogue`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

from orchestration.errors import TesseraError
from orchestration.segments import catalogue, check
from orchestration.segments.rules import KINDS, Clause, Comparison, DaysAgo, Step, kind
from orchestration.settings import PROJECT_ROOT
from orchestration.yaml_lines import Document, UnreadableError, read

FOLDER = PROJECT_ROOT / "orchestration" / "defs" / "segments"
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
_RULES = ("attributes", "rules")
Owner = Annotated[str, StringConstraints(pattern=r"^(team:[\w-]+|[^@\s]+@[^@\s]+)$")]


class SegmentDocument(BaseModel):
    """One segment. Only an active one has members; `approved` says someone looked at it, `active` that it is in use."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    description: str
    owner: Owner
    status: Literal["draft", "approved", "active"] = "draft"
    approved_by: str | None = None
    approved_date: date | None = None
    kind: Literal["rules"] = "rules"
    rules: Clause

    @model_validator(mode="after")
    def _approved_by_someone(self) -> "SegmentDocument":
        if self.status != "draft" and not self.approved_by:
            raise ValueError(f"status {self.status} needs approved_by: who approved it")
        return self


class _Envelope(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["orchestration.components.Segment"]
    attributes: SegmentDocument


@dataclass(frozen=True)
class DocumentError:
    """What is wrong in a document, and where."""

    file: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class InvalidDocumentError(TesseraError):
    """A document that was asked for cannot be used; the message has a line per problem."""


def load_documents(folder: Path = FOLDER) -> tuple[list[SegmentDocument], list[DocumentError]]:
    """Every usable segment of the folder, by file name; what is wrong with a document stops no other.

    A segment that names another one which cannot be used cannot be used either.
    """
    read_files = {file: _load(file) for file in sorted(folder.glob("*.y*ml"))}
    errors = [error for _, _, problems in read_files.values() for error in problems]
    good = {file: (segment, document) for file, (segment, document, problems) in read_files.items() if not problems}
    while broken := list(_dangling(good)):
        errors += broken
        for error in broken:
            good.pop(error.file, None)
    return [segment for segment, _ in good.values()], sorted(errors, key=lambda error: (str(error.file), error.line))


def load_document(file: Path) -> tuple[SegmentDocument, list[SegmentDocument]]:
    """One segment and all usable ones beside it. Raises InvalidDocumentError."""
    if not file.exists():
        near = get_close_matches(file.stem, [path.stem for path in file.parent.glob("*.yaml")], n=1)
        raise InvalidDocumentError(f"there is no {file}" + (f": did you mean {near[0]}.yaml?" if near else ""))
    segments, errors = load_documents(file.parent)
    own = [error for error in errors if error.file == file]
    if own:
        raise InvalidDocumentError("\n".join(map(str, own)))
    return next(segment for segment in segments if segment.name == file.stem), segments


def _load(file: Path) -> tuple[SegmentDocument | None, Document | None, list[DocumentError]]:
    try:
        document = read(file)
    except UnreadableError as error:
        return None, None, [DocumentError(file, error.line, str(error))]
    try:
        segment = _Envelope.model_validate(document.content).attributes
    except ValidationError as error:
        found = {_explained(document, problem): None for problem in error.errors()}
        return None, document, [DocumentError(file, line, message) for line, message in found]
    problems: list[check.Problem] = []
    if segment.name != file.stem:
        problems.append((("attributes", "name"), f"name '{segment.name}' must be the file's: '{file.stem}'"))
    named = check.problems(segment.rules, catalogue.read())
    problems += [((*_RULES, *path), f"{_dotted(path)}{message}") for path, message in named]
    return segment, document, [DocumentError(file, document.line(path), message) for path, message in problems]


def _dangling(good: dict[Path, tuple[SegmentDocument, Document]]) -> Iterable[DocumentError]:
    """Documents that name a segment which is not usable, or that depend on themselves."""
    by_name = {segment.name: segment for segment, _ in good.values()}
    for file, (segment, document) in good.items():
        for path, name in check.references(segment.rules):
            line = document.line((*_RULES, *path))
            if name not in by_name:
                yield DocumentError(file, line, check.unknown("usable segment", name, set(by_name) - {segment.name}))
            elif circle := _circle(segment.name, name, by_name):
                yield DocumentError(file, line, f"a segment cannot depend on itself: {' -> '.join(circle)}")


def _circle(start: str, step: str, by_name: dict[str, SegmentDocument]) -> list[str] | None:
    """The names from `start` by way of `step` back to `start`, if the rules lead there."""
    paths, seen = [[start, step]], set()
    while paths:
        path = paths.pop()
        if path[-1] == start:
            return path
        if path[-1] in seen or path[-1] not in by_name:
            continue
        seen.add(path[-1])
        paths += [[*path, name] for _, name in check.references(by_name[path[-1]].rules)]
    return None


def _explained(document: Document, problem: Any) -> tuple[int, str]:
    """Line and sentence of one validation problem."""
    path, content, shape = _located(document.content, problem["loc"])
    # What is wrong with a whole mapping is said at its first key.
    is_mapping_of_rules = isinstance(content, dict) and content and path[:2] == _RULES
    line = document.line((*path, next(iter(content))) if is_mapping_of_rules else path)
    if problem["type"] == "extra_forbidden":
        return line, f"{_dotted(path[1:-1])}unknown key '{path[-1]}'{document.suggestion(str(path[-1]), shape)}"
    if problem["type"] == "missing":
        missing = problem["loc"][-1]
        return line, f"{_dotted(path[1:])}'{missing}' is missing"
    return line, f"{_dotted(path[1:])}{problem['msg'].removeprefix('Value error, ')}"


def _located(content: Any, loc: tuple[Any, ...]) -> tuple[tuple[Any, ...], Any, list[str]]:
    """The part of `loc` that is in the document, what stands there, and the keys known in the mapping around it.

    The rest of `loc` names the alternatives that were tried; that of a clause looks like one of its keys.
    """
    path: tuple[Any, ...] = ()
    shape = list(_Envelope.model_fields)
    tag = None
    for part in loc:
        if part == tag or not (_has_key(content, part) or _has_item(content, part)):
            tag = None
            continue
        if isinstance(content, dict):
            shape = _known_keys(path, content)
        content = content[part]
        path = (*path, part)
        is_clause = path == _RULES or path[-1] == "not" or path[-2:-1] in {("and",), ("or",)}
        tag = kind(content) if is_clause and isinstance(content, dict) else None
    return path, content, shape


def _has_key(content: Any, part: Any) -> bool:
    return isinstance(content, dict) and part in content


def _has_item(content: Any, part: Any) -> bool:
    return isinstance(content, list) and isinstance(part, int) and part < len(content)


def _known_keys(path: tuple[Any, ...], mapping: dict[Any, Any]) -> list[str]:
    """The keys that a mapping at a path may have."""
    if not path:
        shape: type[BaseModel] = _Envelope
    elif path == ("attributes",):
        shape = SegmentDocument
    elif "days_ago" in mapping:
        shape = DaysAgo
    elif "where" in path:
        shape = Comparison
    else:
        shape = KINDS.get(kind(mapping) or "", Step)
    return [field.alias or name for name, field in shape.model_fields.items()]


def _dotted(path: tuple[Any, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return f"{text.removeprefix('.')}: " if text else ""

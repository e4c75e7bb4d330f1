"""The documents that declare segments: the loader of a folder, and what is wrong between documents, by file and line.

What one document may say is in `declaration`, what its rules may say in `rules`, what they may name in `catalogue`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from pydantic import ValidationError

from orchestration.errors import TesseraError
from orchestration.segments import catalogue, check, declaration
from orchestration.segments.declaration import Envelope, SegmentDocument
from orchestration.segments.messages import RULES, dotted, explained
from orchestration.settings import PROJECT_ROOT
from orchestration.yaml_lines import Document, UnreadableError, read

FOLDER = PROJECT_ROOT / "orchestration" / "defs" / "segments"
# Read as text: a document that nobody can parse may be an exclusion all the same.
_EXCLUDES = re.compile(r"^\s*kind:\s*['\"]?exclusion\b", re.MULTILINE)
_IN_USE = re.compile(r"^\s*status:\s*['\"]?active\b", re.MULTILINE)
_Loaded = dict[Path, tuple[SegmentDocument, Document]]


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

    A segment that names another one which cannot be used cannot be used either, nor one whose exclusion cannot be.
    """
    read_files = {file: _load(file) for file in sorted(folder.glob("*.y*ml"))}
    errors = [error for _, _, problems in read_files.values() for error in problems]
    good = {file: (segment, document) for file, (segment, document, problems) in read_files.items() if not problems}
    there = {file.stem for file in read_files}
    while broken := [*_dangling(good, there), *_disputed(good), *_unguarded(good, read_files.keys() - good.keys())]:
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
        segment = Envelope.model_validate(document.content).attributes
    except ValidationError as error:
        found = {explained(document, problem): None for problem in error.errors()}
        return None, document, [DocumentError(file, line, message) for line, message in found]
    problems: list[check.Problem] = []
    if segment.name != file.stem:
        problems.append((("attributes", "name"), f"name '{segment.name}' must be the file's: '{file.stem}'"))
    problems += [(("attributes", *path), message) for path, message in declaration.problems(segment, file)]
    if segment.rules:
        named = check.problems(segment.rules, catalogue.read())
        problems += [((*RULES, *path), f"{dotted(path)}{message}") for path, message in named]
    if segment.file:
        segment = segment.model_copy(update={"file": str(declaration.list_file(segment.file, file))})
    return segment, document, [DocumentError(file, document.line(path), message) for path, message in problems]


def _dangling(good: _Loaded, there: set[str]) -> Iterator[DocumentError]:
    """Documents that name a segment which is not usable, or whose rules depend on themselves.

    An exclusion may name any that is `there`: it must work on when what it guards is broken.
    """
    by_name = {segment.name: segment for segment, _ in good.values()}
    for file, (segment, document) in good.items():
        for path, name in check.references(segment.rules) if segment.rules else []:
            line = document.line((*RULES, *path))
            if name not in by_name:
                yield DocumentError(file, line, check.unknown("usable segment", name, set(by_name) - {segment.name}))
            elif circle := _circle(segment.name, name, by_name):
                yield DocumentError(file, line, f"a segment cannot depend on itself: {' -> '.join(circle)}")
        for at, name in enumerate(segment.excluded_from or ()):
            if name not in there:
                line = document.line(("attributes", "excluded_from", at))
                yield DocumentError(file, line, check.unknown("segment", name, there - {segment.name}))


def _disputed(good: _Loaded) -> Iterator[DocumentError]:
    """Documents that claim a place in a priority group which another one, earlier by file name, has."""
    holders: dict[tuple[str, int], str] = {}
    for file, (segment, document) in good.items():
        if segment.priority_group is None:
            continue
        holder = holders.setdefault((segment.priority_group, segment.priority), segment.name)
        if holder != segment.name:
            message = f"priority {segment.priority} of group {segment.priority_group} is that of '{holder}'"
            yield DocumentError(file, document.line(("attributes", "priority")), message)


def _unguarded(good: _Loaded, unusable: Iterable[Path]) -> Iterator[DocumentError]:
    """Documents whose people an exclusion would have judged that nobody can read: they keep the members they have."""
    for broken in sorted(unusable):
        text = broken.read_text(encoding="utf-8", errors="replace")
        if not (_EXCLUDES.search(text) and _IN_USE.search(text)):
            continue
        for file, (segment, document) in good.items():
            if segment.kind != "exclusion":
                told = f"exclusion {broken.name} cannot be used: correct it first, until then nobody comes or goes"
                yield DocumentError(file, document.line(("attributes", "name")), told)


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
        following = by_name[path[-1]].rules
        paths += [[*path, name] for _, name in check.references(following)] if following else []
    return None

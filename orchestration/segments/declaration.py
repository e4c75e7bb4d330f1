"""What a segment document declares, and which of its fields go together. Loading a folder of them is in `document`.

Who is in a segment is said by rules, by a file with identifiers (a list) or by a dbt model. An exclusion takes its
people out of other segments; of a priority group each person is in the first that fits.
"""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from orchestration.segments.rules import Clause, InList, InModel
from orchestration.settings import PROJECT_ROOT

MODELS = PROJECT_ROOT / "dbt_project" / "models" / "segments"
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Owner = Annotated[str, StringConstraints(pattern=r"^(team:[\w-]+|[^@\s]+@[^@\s]+)$")]
Problem = tuple[tuple[str, ...], str]
# What says who is in, by kind; an exclusion may use any.
_SAID_BY = {"rules": "rules", "list": "file", "model": "model"}
_READS_MEMBERSHIP = re.compile(r"source\(\s*['\"]segments['\"]")


class SizeWatch(BaseModel):
    """When a change of size is worth a look: a share of the usual size, and more than so many people."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_change: float = Field(default=0.5, gt=0)
    min_people: int = Field(default=20, ge=0)


class SegmentDocument(BaseModel):
    """One segment. Only an active one has members; `approved` says someone looked at it, `active` that it is in use."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    description: str
    owner: Owner
    status: Literal["draft", "approved", "active"] = "draft"
    approved_by: str | None = None
    approved_date: date | None = None
    kind: Literal["rules", "list", "model", "exclusion"] = "rules"
    rules: Clause | None = None
    file: str | None = None
    expires_date: date | None = None
    model: str | None = None
    excluded_from: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None
    priority_group: Name | None = None
    priority: int | None = Field(default=None, ge=1)
    size_watch: SizeWatch = SizeWatch()

    @property
    def definition(self) -> Any:
        """The clause that says who is in, before exclusions and priorities."""
        if self.file:
            return InList(segment=self.name, file=Path(self.file).name, expires_date=self.expires_date)
        return InModel(segment=self.name, table=table_of(self.model)) if self.model else self.rules

    def excludes(self, name: str) -> bool:
        """Whether people in this one are taken out of segment `name`."""
        return self.kind == "exclusion" and name != self.name and name in (self.excluded_from or (name,))


class Envelope(BaseModel):
    """The file around a segment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["orchestration.components.Segment"]
    attributes: SegmentDocument


def table_of(model: str) -> str:
    """The table of a dbt model of this stage: `segments__vip` is `segments.vip`."""
    return model.replace("__", ".", 1)


def problems(segment: SegmentDocument, document: Path) -> list[Problem]:
    """What does not go together in a document, each with the key it is about."""
    return [*_approval(segment), *_who_is_in(segment), *_order(segment), *_places(segment, document)]


def _approval(segment: SegmentDocument) -> Iterator[Problem]:
    if segment.status == "draft":
        return
    for key, what in (("approved_by", "who approved it"), ("approved_date", "when it was approved")):
        if not getattr(segment, key):
            yield ("status",), f"status {segment.status} needs {key}: {what}"


def _who_is_in(segment: SegmentDocument) -> Iterator[Problem]:
    given = [key for key in _SAID_BY.values() if getattr(segment, key) is not None]
    if segment.kind == "exclusion":
        if len(given) != 1:
            yield ("kind",), "an exclusion needs exactly one of rules, file, model"
    elif given != [_SAID_BY[segment.kind]]:
        needed = _SAID_BY[segment.kind]
        yield (
            ("kind",),
            f"kind {segment.kind} needs {needed}"
            + (f", and not {', '.join(key for key in given if key != needed)}" if set(given) - {needed} else ""),
        )
    if segment.kind == "list" and not segment.expires_date:
        yield ("kind",), "kind list needs expires_date: the last day that it has members"
    if segment.expires_date and not segment.file:
        yield ("expires_date",), "only a list of a file expires"


def _order(segment: SegmentDocument) -> Iterator[Problem]:
    if (segment.priority is None) != (segment.priority_group is None):
        key = "priority" if segment.priority is not None else "priority_group"
        yield (key,), "priority_group and priority stand together"
    if segment.kind == "exclusion" and segment.priority_group:
        yield ("priority_group",), "an exclusion comes before every priority: leave the group out"
    if segment.excluded_from and segment.kind != "exclusion":
        yield ("excluded_from",), "excluded_from belongs to kind exclusion"


def _places(segment: SegmentDocument, document: Path) -> Iterator[Problem]:
    if segment.file and not list_file(segment.file, document).is_file():
        yield ("file",), f"there is no {list_file(segment.file, document)}"
    if not segment.model:
        return
    sql = MODELS / f"{segment.model}.sql"
    if not re.fullmatch(r"segments__[a-z][a-z0-9_]*", segment.model) or not sql.is_file():
        yield ("model",), f"there is no dbt model {segment.model} in dbt_project/models/segments"
    elif segment.model == f"segments__{segment.name}":
        yield ("model",), "the model's table would have the segment's own name: call one of them otherwise"
    elif _READS_MEMBERSHIP.search(sql.read_text()):
        yield ("model",), f"{segment.model} reads the membership that it is to decide: name segments in rules instead"


def list_file(file: str, document: Path) -> Path:
    """Where the file of a list is: beside the document, or at an absolute path."""
    return document.parent / Path(file).expanduser()

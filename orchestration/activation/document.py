"""The document that declares a sync: its model, the loader of a folder of them, and messages that name file and line.

What a destination can do is known in `destination.py`; whether a run may start is decided in `plan.py`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from orchestration.yaml_lines import Document, UnreadableError, read

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Table = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]
Object = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$")]
Owner = Annotated[str, StringConstraints(pattern=r"^(team:[\w-]+|[^@\s]+@[^@\s]+)$")]
Cron = Annotated[str, StringConstraints(pattern=r"^\S+( \S+){4}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldRule(_Strict):
    """Where a model column goes, and what an empty value does there.

    `when_empty`: `clear` empties the destination's field, `skip` leaves it as it is, `send` sends an explicit null.
    `write`: `fill_empty` writes only where the field is empty there, or still holds what we wrote.
    """

    to: Name
    when_empty: Literal["send", "skip", "clear"] = "clear"
    write: Literal["overwrite", "fill_empty"] = "overwrite"


class Guards(_Strict):
    """What stops a plan before anything is sent. Shares are of the rows the destination acknowledged so far."""

    max_deletes: int | None = Field(default=None, ge=0)
    max_share: float | None = Field(default=0.2, ge=0, le=1)
    max_change: float | None = Field(default=None, ge=0, le=1)
    refuse_empty: bool = True


class Alerts(_Strict):
    """What turns a check of the sync yellow. None: never."""

    max_reject_share: float | None = Field(default=0.05, ge=0, le=1)
    max_hours_without_success: float | None = Field(default=48, gt=0)
    min_rows: int = Field(default=1, ge=0)
    max_size_change: float | None = Field(default=0.5, ge=0)


class Consent(_Strict):
    """The legal ground: a channel and a purpose, found by contact point or told by a payload column; or why none."""

    channel: str | None = None
    purpose: str | None = None
    brand: str = "main"
    contact_point: Name | None = None
    column: Name | None = None
    not_needed: Annotated[str, StringConstraints(min_length=10)] | None = None

    @model_validator(mode="after")
    def _one_ground(self) -> "Consent":
        asked = bool(self.channel and self.purpose) and bool(self.contact_point) != bool(self.column)
        if asked == bool(self.not_needed) or (self.not_needed and (self.contact_point or self.column)):
            raise ValueError(
                "give channel, purpose and one of contact_point or column; or not_needed with the reason, nothing else"
            )
        return self


def _rule(value: Any) -> Any:
    return {"to": value} if isinstance(value, str) else value


class SyncDocument(_Strict):
    """One sync: a payload model, a destination, and the rules between them."""

    name: Name
    description: str
    owner: Owner
    destination: Name
    object: Object
    model: Table
    key: Name
    match_by: Name = "id"
    person: Name = "person_id"
    mode: Literal["upsert", "update_only", "insert_only", "mirror", "append", "audience"]
    on_exit: Literal["delete", "archive", "clear"] | None = None
    fields: Annotated[dict[Name, Annotated[FieldRule, BeforeValidator(_rule)]], Field(min_length=1)]
    guards: Guards = Guards()
    alerts: Alerts = Alerts()
    consent: Consent
    min_match_confidence: float = Field(default=0.0, ge=0, le=1)
    confidence: Name = "match_confidence"
    requires: tuple[Name, ...] = ()
    environment: tuple[Literal["dev", "staging", "prod"], ...] = ("dev", "staging", "prod")
    schedule: Cron | None = None

    @model_validator(mode="after")
    def _agrees(self) -> "SyncDocument":
        if (self.mode == "mirror") != (self.on_exit is not None):
            raise ValueError("on_exit (delete, archive or clear) belongs to mode mirror, and mirror needs it")
        targets = [rule.to for rule in self.fields.values()]
        twice = sorted({target for target in targets if targets.count(target) > 1})
        if twice:
            raise ValueError(f"two columns write {', '.join(twice)}: one field has one master")
        return self


@dataclass(frozen=True)
class DocumentError:
    """A document that does not load: where, and what to do."""

    file: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


def load_documents(folder: Path) -> tuple[list[SyncDocument], list[DocumentError]]:
    """Every sync the folder declares, by file name; a bad document becomes an error and stops no other."""
    valid: list[SyncDocument] = []
    errors: list[DocumentError] = []
    for file in sorted(folder.glob("*.y*ml")):
        loaded = _load(file)
        if isinstance(loaded, SyncDocument):
            valid.append(loaded)
        else:
            errors += loaded
    return valid, errors


def _load(file: Path) -> SyncDocument | list[DocumentError]:
    try:
        document = read(file)
    except UnreadableError as error:
        return [DocumentError(file, error.line, str(error))]
    try:
        sync = _Envelope.model_validate(document.content).attributes
    except ValidationError as error:
        return [DocumentError(file, *_explained(document, problem)) for problem in error.errors()]
    problems = [] if sync.name == file.stem else [(("attributes", "name"), f"name must be the file's: {file.stem}")]
    problems += [(("attributes", *path), message) for path, message in _beyond_shape(sync)]
    return [DocumentError(file, document.line(path), message) for path, message in problems] or sync


class _Envelope(_Strict):
    type: Literal["orchestration.components.AudienceSync"]
    attributes: SyncDocument


def _beyond_shape(sync: SyncDocument) -> list[tuple[tuple[str, ...], str]]:
    from orchestration.activation.asked import problems

    return problems(sync)


_SHAPES = {(): _Envelope, ("attributes",): SyncDocument, ("attributes", "guards"): Guards,
           ("attributes", "alerts"): Alerts, ("attributes", "consent"): Consent}  # fmt: skip


def _explained(document: Document, problem: Any) -> tuple[int, str]:
    """Line and sentence of one validation problem."""
    path = tuple(part for part in problem["loc"] if part != "[key]")
    where = ".".join(str(part) for part in path[1:]) or "document"
    line = document.line(path)
    if problem["type"] == "extra_forbidden":
        shape = _SHAPES.get(path[:-1], FieldRule)
        return line, f"unknown key '{path[-1]}'{document.suggestion(str(path[-1]), list(shape.model_fields))}"
    if problem["type"] == "missing":
        return line, f"'{where}' is missing"
    return line, f"{where}: {problem['msg'].removeprefix('Value error, ')}"

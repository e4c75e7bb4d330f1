"""Who decides each attribute: the shapes of `masters.yaml`, one document for the whole project.

Which line a message names, and whether the registry agrees with contracts, syncs and itself, does not belong here; see
`orchestration.activation.masters`.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

FILE = Path(__file__).resolve().parent / "masters.yaml"
# The master of whatever is computed here.
CDP = "cdp"

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
PhysicalField = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\.\S+$")]
# An attribute of the same object, one of another object, a field of a source, or all fields read of a source's object.
Reference = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*(\.\S+)?)?$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Former(_Strict):
    """A master that was: from its first day until the day on which the next one began."""

    master: Name
    valid_from: date
    valid_until: date


class Attribute(_Strict):
    """One attribute and its one master.

    `reads` are fields of the master's system that feed it, `depends_on` is what it is computed from, `writes` are
    fields that it is written to. Of kind `events` several systems each have a field of their own in `reads`, and what
    holds is computed from all of them.
    """

    master: Name
    kind: Literal["value", "events"] = "value"
    description: str = ""
    valid_from: date | None = None
    depends_on: tuple[Reference, ...] = ()
    reads: tuple[PhysicalField, ...] = ()
    writes: tuple[PhysicalField, ...] = ()
    history: tuple[Former, ...] = ()


class Automation(_Strict):
    """What a system does by itself: it copies or computes one field from another. The reason says which rule does."""

    source: PhysicalField = Field(alias="from")
    target: PhysicalField = Field(alias="to")
    reason: Annotated[str, StringConstraints(min_length=5)]


class MasteredObject(_Strict):
    """A kind of thing, for example a person; `valid_from` holds for attributes that name no day of their own."""

    description: str
    valid_from: date
    attributes: dict[Name, Attribute]


class Masters(_Strict):
    """The registry. Whatever a source contract reads beyond it has that source as its master."""

    objects: dict[Name, MasteredObject]
    automations: tuple[Automation, ...] = ()

    def attributes(self) -> Iterator[tuple[str, str, Attribute]]:
        """Object, name and attribute, in the order of the document; each with the day it is valid from."""
        for thing, declared in self.objects.items():
            for name, attribute in declared.attributes.items():
                began = attribute.valid_from or declared.valid_from
                yield thing, name, attribute.model_copy(update={"valid_from": began})

"""The rule language: what a document may say under `rules`. Names are checked in `check`, SQL is made in `compile`.

Every clause is true or false for a person, never unknown: a comparison with a missing value is false, `ne` included.
Days are counted back from the day of the run, which is day 0; `within_days: 30` is that day and the 29 before it.
"""

from datetime import date
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

OPERATORS = ("eq", "ne", "gt", "gte", "lt", "lte", "between", "in", "is_null", "contains", "starts_with")
Days = Annotated[int, Field(ge=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class DaysAgo(_Strict):
    """A date that moves with the run: so many days before it, 0 is the day itself."""

    days_ago: int = Field(ge=0)


Scalar = bool | int | float | date | str | DaysAgo


class Comparison(_Strict):
    """One operator and its value; `contains` and `starts_with` ignore case, `between` includes both ends."""

    eq: Scalar | None = None
    ne: Scalar | None = None
    gt: Scalar | None = None
    gte: Scalar | None = None
    lt: Scalar | None = None
    lte: Scalar | None = None
    between: tuple[Scalar, Scalar] | None = None
    in_: Annotated[list[Scalar], Field(min_length=1)] | None = Field(default=None, alias="in")
    is_null: bool | None = None
    contains: str | None = None
    starts_with: str | None = None

    @model_validator(mode="after")
    def _one_operator(self) -> "Comparison":
        given = [name for name in OPERATORS if getattr(self, _field(name)) is not None]
        if len(given) != 1:
            instead = f", not {', '.join(given)}" if given else ""
            raise PydanticCustomError("one_operator", f"give exactly one of {', '.join(OPERATORS)}{instead}")
        return self

    @property
    def operator(self) -> str:
        return next(name for name in OPERATORS if getattr(self, _field(name)) is not None)

    @property
    def value(self) -> Any:
        """A scalar, a pair for `between`, a list for `in`."""
        return getattr(self, _field(self.operator))


def _field(operator: str) -> str:
    return "in_" if operator == "in" else operator


class Attribute(Comparison):
    """A column of profile.people compared."""

    attribute: str


class Feature(Comparison):
    """A column of features.people compared."""

    feature: str


class Score(Comparison):
    """A column of scores.people compared."""

    score: str


def _as_comparison(value: Any) -> Any:
    return value if isinstance(value, dict | Comparison) else {"eq": value}


Filters = dict[str, Annotated[Comparison, BeforeValidator(_as_comparison)]]


class Step(_Strict):
    """One kind of act; `where` narrows it, a plain value there means `eq`."""

    did: str
    where: Filters = {}


class Did(Step):
    """The person did it at least, or at most, so often; ever, or within the last days."""

    at_least: int | None = Field(default=None, ge=1)
    at_most: int | None = Field(default=None, ge=0)
    within_days: Days | None = None


class DidNot(_Strict):
    """The person did not do it, ever or within the last days."""

    did_not: str
    where: Filters = {}
    within_days: Days | None = None


class _When(_Strict):
    where: Filters = {}
    within_days: Days | None = None
    not_within_days: Days | None = None

    @model_validator(mode="after")
    def _one_time(self) -> "_When":
        if (self.within_days is None) == (self.not_within_days is None):
            raise PydanticCustomError("one_time", "give exactly one of within_days, not_within_days")
        return self


class First(_When):
    """The first time the person ever did it was within the last days, or longer ago."""

    first: str


class Last(_When):
    """The last time the person did it was within the last days, or longer ago."""

    last: str


class Sequence(_Strict):
    """The person did the second thing after the first and within so many days of it; the first within the last days."""

    sequence: tuple[Step, Step]
    within_days: Days
    in_last_days: Days | None = None


class InSegment(_Strict):
    """The person is in another segment."""

    segment: str


class InList(_Strict):
    """The person is on the list that a segment names, unless it has ended; no document says this under `rules`."""

    segment: str
    file: str
    expires_date: date | None = None

    def has_ended(self, as_of: date) -> bool:
        return self.expires_date is not None and as_of > self.expires_date


class InModel(_Strict):
    """The person is in the dbt model that a segment names; no document says this under `rules`."""

    segment: str
    table: str


class And(_Strict):
    """All of the clauses hold."""

    clauses: "list[Clause]" = Field(alias="and", min_length=1)


class Or(_Strict):
    """At least one of the clauses holds."""

    clauses: "list[Clause]" = Field(alias="or", min_length=1)


class Not(_Strict):
    """The clause does not hold."""

    clause: "Clause" = Field(alias="not")


KINDS: dict[str, type[_Strict]] = {
    "and": And,
    "or": Or,
    "not": Not,
    "attribute": Attribute,
    "feature": Feature,
    "score": Score,
    "did": Did,
    "did_not": DidNot,
    "first": First,
    "last": Last,
    "sequence": Sequence,
    "segment": InSegment,
}


def kind(value: Any) -> str | None:
    """Which kind of clause a mapping or a parsed clause is; None when it is none."""
    if isinstance(value, dict):
        return next((name for name in KINDS if name in value), None)
    return next((name for name, shape in KINDS.items() if type(value) is shape), None)


def _recognised(value: Any) -> Any:
    if isinstance(value, tuple(KINDS.values())):
        return value
    if not isinstance(value, dict) or not value:
        raise PydanticCustomError("clause", f"a clause is a mapping that names one of {', '.join(KINDS)}")
    named = [name for name in KINDS if name in value]
    if len(named) > 1:
        raise PydanticCustomError(
            "clause", f"{' and '.join(named)} stand in one clause: make each an item of `and` or `or`"
        )
    if not named:
        near = get_close_matches(str(next(iter(value))), KINDS, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(KINDS)}"
        raise PydanticCustomError("clause", f"unknown clause '{next(iter(value))}': {hint}")
    return value


Clause = Annotated[
    Annotated[And, Tag("and")]
    | Annotated[Or, Tag("or")]
    | Annotated[Not, Tag("not")]
    | Annotated[Attribute, Tag("attribute")]
    | Annotated[Feature, Tag("feature")]
    | Annotated[Score, Tag("score")]
    | Annotated[Did, Tag("did")]
    | Annotated[DidNot, Tag("did_not")]
    | Annotated[First, Tag("first")]
    | Annotated[Last, Tag("last")]
    | Annotated[Sequence, Tag("sequence")]
    | Annotated[InSegment, Tag("segment")],
    Discriminator(kind),
    BeforeValidator(_recognised),
]
for _shape in (And, Or, Not):
    _shape.model_rebuild()


def inner(clause: Any) -> list[tuple[tuple[str | int, ...], Any]]:
    """The clauses right inside `and`, `or` and `not`, each with its path in the document; none inside any other."""
    if isinstance(clause, And | Or):
        return [((kind(clause), index), part) for index, part in enumerate(clause.clauses)]
    return [(("not",), clause.clause)] if isinstance(clause, Not) else []


def leaves(clause: Any, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], Any]]:
    """Every clause that holds no other, with its path in the document, in the document's order."""
    parts = inner(clause)
    return [leaf for step, part in parts for leaf in leaves(part, (*path, *step))] if parts else [(path, clause)]

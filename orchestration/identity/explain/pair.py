"""Two records or people: are they one, and what decided it, from what was served and the pair weighed anew."""

from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from orchestration.errors import TesseraError
from orchestration.identity import model
from orchestration.identity.explain import evidence, served
from orchestration.identity.explain.evidence import PairEvidence
from orchestration.identity.explain.served import Link, Side
from orchestration.settings import Settings
from orchestration.warehouse import engine

_MOST_PAIRS = 2_500


class SamePersonError(TesseraError):
    """Both names are of one person, and of no two records."""


@dataclass(frozen=True)
class Between:
    """Every pair of contacts across two people: how many, vetoed, the mean of their clipped weights, and the least
    mean at which the model joins two groups.
    """

    count_pairs: int
    count_vetoed: int
    mean_weight: float
    join_weight: float


@dataclass(frozen=True)
class Explanation:
    """What is known of two names. `decided_by`: steward, identifier, score, others, veto, weight, mean, key or contact.

    `pair` is the pair asked about, or the strongest across two people; `path` the links that lead from one record to
    the other; `between` is of two people; `decisions` are stewards'; `too_common` identifiers that both carry;
    `join_weight` the mean at which groups join.
    """

    left: Side
    right: Side
    decided_by: str
    pair: PairEvidence | None = None
    path: list[Link] = field(default_factory=list)
    between: Between | None = None
    decisions: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    too_common: list[tuple[str, str, str]] = field(default_factory=list)
    join_weight: float = 0.0

    @property
    def is_one(self) -> bool:
        return self.left.person_id == self.right.person_id


def explain(settings: Settings, name: str, other: str) -> Explanation:
    """Why two records or people are one person, or why not. Raises UnknownIdError, SamePersonError."""
    with engine.reading(settings) as con:
        left, right = served.side(con, name), served.side(con, other)
        if left.person_id == right.person_id and not (left.is_record and right.is_record and name != other):
            raise SamePersonError(
                f"{name} and {other} are both {left.person_id}: `tessera why {left.person_id}` lists its records and "
                "what holds them together; name two of these to see why they are one person"
            )
        told = Explanation(
            left, right, "", decisions=served.decided(con, left, right), too_common=served.too_common(con, left, right)
        )
        path = served.path(served.links(con, left.person_id), name, other) if told.is_one else []
    with evidence.bench(settings) as (con, trained):
        weighed = evidence.weigh(con, trained, _pairs(told))
        asked = tuple(sorted((name, other))) if left.is_record and right.is_record else None
        shown = next((pair for pair in weighed if pair.record_ids == asked), None)
        if shown is None and asked is None and weighed:
            shown = max(weighed, key=lambda pair: (pair.veto is None, pair.match_weight))
        if shown is not None:
            keys = evidence.shared_keys(con, trained, shown.record_ids)
            shown = replace(shown, keys=keys, count_keys=len(trained["keys"]))
    told = replace(told, pair=shown, path=path, between=None if told.is_one else _between(weighed, trained))
    told = replace(told, join_weight=evidence.join_weight(trained))
    return replace(told, decided_by=_one(told) if told.is_one else _two(told))


def _pairs(told: Explanation) -> list[tuple[str, str]]:
    asked = [(told.left.asked, told.right.asked)] if told.left.is_record and told.right.is_record else []
    if told.is_one:
        return asked
    return asked + [*product(told.left.record_ids, told.right.record_ids)][:_MOST_PAIRS]


def _between(weighed: list[PairEvidence], trained: dict[str, Any]) -> Between | None:
    """As the linkage counts them: sums of dependent fields are clipped, a veto weighs what a veto does."""
    if not weighed:
        return None
    clipped = [
        model.VETO_WEIGHT if pair.veto else min(max(pair.match_weight, model.CLIP_LOW_WEIGHT), model.CLIP_HIGH_WEIGHT)
        for pair in weighed
    ]
    return Between(
        len(weighed),
        sum(pair.veto is not None for pair in weighed),
        sum(clipped) / len(clipped),
        evidence.join_weight(trained),
    )


def _one(told: Explanation) -> str:
    if any(decision == "must" for decision, *_ in told.decisions):
        return "steward"
    if len(told.path) == 1 and told.path[0].link_type == "deterministic":
        return "identifier"
    return "score" if told.pair and told.pair.match_weight >= told.join_weight else "others"


def _two(told: Explanation) -> str:
    if any(decision == "cannot" for decision, *_ in told.decisions):
        return "steward"
    if told.pair is None or told.between is None:
        return "contact"
    if told.pair.veto:
        return "veto"
    if told.pair.match_weight < model.LEAST_LINK_WEIGHT:
        return "weight"
    return "mean" if told.between.mean_weight < told.between.join_weight else "key"

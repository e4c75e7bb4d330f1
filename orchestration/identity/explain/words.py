"""Weights in words, masked values, and explanations as lines for a terminal."""

import math
import re

from orchestration.identity.explain.evidence import FieldWeight, PairEvidence
from orchestration.identity.explain.pair import Explanation
from orchestration.identity.explain.person import Person
from orchestration.identity.explain.served import Link

_MASK = "•••"
_EVEN = 0.3
_MOST = 40


def odds(weight: float) -> str:
    """A match weight (log2 odds) as a bet: 12.9 is about 7,600 to 1."""
    if abs(weight) < _EVEN:
        return "about even"
    if abs(weight) > _MOST:
        return "more than a trillion to 1"
    ratio = 2 ** abs(weight)
    digits = 1 if ratio < 10 else -(math.floor(math.log10(ratio)) - 1)
    return f"about {round(ratio, digits):,.{max(digits, 0)}f} to 1"


def verdict(weight: float) -> str:
    """What the odds of a match weight are odds of."""
    if abs(weight) < _EVEN:
        return odds(weight)
    return f"{odds(weight)} that they are {'one person' if weight > 0 else 'two people'}"


def factor(weight: float) -> str:
    """What one field says: how much likelier it is for one person than for two strangers, or the other way round."""
    if abs(weight) < _EVEN:
        return "as likely for strangers"
    times = odds(weight).removeprefix("about ").removesuffix(" to 1")
    return f"{times} times likelier for {'one person' if weight > 0 else 'strangers'}"


def masked(value: str | None, *, show: bool) -> str:
    """A personal value: enough to see that two are alike, too little to know them."""
    if value is None:
        return "-"
    return value if show else re.sub(r"(\w)\w*", rf"\1{_MASK}", value)


def label(name: str) -> str:
    return name.replace("_", " ")


def lines(told: Explanation, *, show_values: bool = False) -> list[str]:
    """The whole explanation."""
    left, right = told.left, told.right
    one = f"{left.asked} and {right.asked} are one person, {left.person_id}"
    two = f"{left.asked} and {right.asked} are two people, {left.person_id} and {right.person_id}"
    found = [one if told.is_one else two, *_reason(told), *_pending(told)]
    if told.is_one and len(told.path) > 1:
        found += ["", "the strongest chain of links between them:"]
        found += [f"  {link(step, show=show_values)}" for step in told.path]
    if told.pair:
        found += ["", *_weights(told.pair, show=show_values), "", *keys(told.pair)]
    found += [f"both carry {label(kind)} {masked(value, show=show_values)}, which is no evidence: {why}"
              for kind, value, why in told.too_common]  # fmt: skip
    return found


def person_lines(person: Person, *, show_values: bool = False) -> list[str]:
    """A person's records and what holds them together, weakest link last."""
    own = person.side
    found = [f"{own.person_id}: {len(own.record_ids)} records, {len(person.holding)} links hold them together"]
    found += [f"  {record}  (confidence {share(person.confidence[record])})" for record in own.record_ids]
    if person.holding:
        found += ["", "held together by, strongest first:"]
        found += [f"  {link(one, show=show_values)}" for one in person.holding]
    if person.others:
        found.append(f"and by {len(person.others)} more links between the same records")
    weakest = person.weakest
    if weakest and weakest.match_weight is not None:
        one, other = person.parts_without(weakest)
        found += [
            "",
            f"the weakest place: {weakest.match_weight:+.1f} ({verdict(weakest.match_weight)}) between {one} and "
            f"{other} records; `tessera why {' '.join(weakest.record_ids)}` weighs it",
        ]
    return found


def _pending(told: Explanation) -> list[str]:
    """Decisions that what is served does not follow yet."""
    return [f"{who} has decided otherwise since: {low} and {high} {kind} be one person ({why}); the next run applies it"
            for kind, low, high, who, why in told.decisions if (kind == "cannot") == told.is_one]  # fmt: skip


def _reason(told: Explanation) -> list[str]:
    """What decided, in a sentence or two."""
    pair, between = told.pair, told.between
    if told.decided_by == "steward":
        return [f"decided by {who}: {low} and {high} {kind} be one person ({why})"
                for kind, low, high, who, why in told.decisions if (kind == "must") == told.is_one]  # fmt: skip
    weight = "" if pair is None else f"{pair.match_weight:+.1f}, {verdict(pair.match_weight)}"
    reasons = {
        "identifier": lambda: f"decided by an identifier: {link(told.path[0], show=False)}",
        "score": lambda: f"decided by their score: {weight}; joining needs {told.join_weight:+.1f}",
        "others": lambda: (
            "decided by other records of the person: by themselves the two "
            + (f"weigh {weight}" if pair else "cannot be compared")
            + f"; joining needs {told.join_weight:+.1f}, on the mean over all pairs between two groups of records"
        ),
        "contact": lambda: (
            "one of them has identifiers only, no name or address to compare, and no identifier of its "
            "own leads to the other"
        ),
        "veto": lambda: f"decided by a veto: {pair.veto}; without it the weight were {weight}",
        "weight": lambda: f"decided by their score: {weight}; joining needs {told.join_weight:+.1f}",
        "mean": lambda: (
            f"the pair weighs {weight}, but over all {between.count_pairs} pairs between the two people the "
            f"mean is {between.mean_weight:+.1f}, and joining needs {between.join_weight:+.1f}"
            + (f"; a veto parts {between.count_vetoed} of them" if between.count_vetoed else "")
        ),
        "key": lambda: f"the weight would be {weight}, but the run did not compare enough pairs between the two people",
    }
    return [reasons[told.decided_by]()]


def link(one: Link, *, show: bool) -> str:
    """A link in one line."""
    low, high = one.record_ids
    if one.link_type == "deterministic":
        what = "a steward joined them" if one.rule == "steward" else f"same {label(one.rule)}"
        return f"{low} with {high}: {what}" + (f" {masked(one.shared, show=show)}" if one.shared else "")
    fields = sorted((name, value) for name, value in one.evidence.items() if name not in {"prior", "household"})
    told = ", ".join(f"{label(name)} {value:+.1f}" for name, value in sorted(fields, key=lambda pair: -pair[1]))
    return f"{low} with {high}: {one.match_weight:+.1f}, {verdict(one.match_weight)}" + (f" ({told})" if told else "")


def _weights(pair: PairEvidence, *, show: bool) -> list[str]:
    head = f"{pair.record_ids[0]} beside {pair.record_ids[1]}, in log2 odds:"
    rows = [("before looking", pair.prior, pair_rate(pair.prior), ""), *(_row(one, show=show) for one in pair.fields)]
    rows.append(("together", pair.against_strangers, f"against two strangers, {odds(pair.against_strangers)}", ""))
    if pair.household < -0.05:
        rows.append(("household", pair.household, "what two people of one household explain as well", ""))
    rows.append(
        ("match weight", pair.match_weight, f"{verdict(pair.match_weight)} ({share(pair.match_probability)})", "")
    )
    return [head, *(f"  {name:<16}{weight:>+7.1f}  {told}{f'   {values}' if values else ''}".rstrip()
                    for name, weight, told, values in rows if name)]  # fmt: skip


def pair_rate(prior: float) -> str:
    """How many compared at random are one person."""
    return f"1 pair in {round(1 + 2**-prior):,} is one person"


def _row(one: FieldWeight, *, show: bool) -> tuple[str, float, str, str]:
    if one.level == "missing":
        return ("", 0.0, "", "")
    differs = abs(one.against_household - one.against_strangers) > 0.05
    rival = f"; {one.against_household:+.1f} against a household" if differs else ""
    values = " | ".join(masked(value, show=show) for value in one.values)
    return (label(one.name), one.against_strangers, f"{one.level}: {factor(one.against_strangers)}{rival}", values)


def share(probability: float) -> str:
    """A probability that never says 100 % where it is not."""
    return f"{min(probability, 0.9999):.2%}" if probability > 0.0001 else "less than 0.01%"


def keys(pair: PairEvidence) -> list[str]:
    """Which blocking keys the two records share, and how many records each brings together."""
    used = [f"{key.name} ({key.count_records})" for key in pair.keys if key.is_used]
    crowded = [f"{key.name} ({key.count_records} records)" for key in pair.keys if not key.is_used]
    found = [f"compared because they share {len(used)} of {pair.count_keys} blocking keys: {', '.join(used)}"]
    if not used:
        found = [f"none of the {pair.count_keys} blocking keys brings them together: a run compares them only when "
                 "other records lead from one to the other"]  # fmt: skip
    return found + ([f"shared by too many to be compared for: {', '.join(crowded)}"] if crowded else [])

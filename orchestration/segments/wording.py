"""Clauses in words, for explanations and for the reasons in the ledger."""

from typing import Any

from orchestration.segments import rules

_WORDS = {
    "eq": "is",
    "ne": "is not",
    "gt": "is more than",
    "gte": "is at least",
    "lt": "is less than",
    "lte": "is at most",
    "between": "is between",
    "in": "is one of",
    "contains": "contains",
    "starts_with": "starts with",
}


def text(clause: Any) -> str:
    """A clause in words."""
    match clause:
        case rules.And():
            return "all of"
        case rules.Or():
            return "at least one of"
        case rules.Not():
            return "not"
        case rules.InSegment():
            return f"in segment {clause.segment}"
        case rules.InList():
            ends = f", which ends after {clause.expires_date}" if clause.expires_date else ""
            return f"on list {clause.file}{ends}"
        case rules.InModel():
            return f"in model {clause.table}"
        case rules.Sequence():
            first, second = (_act(step.did, step.where) for step in clause.sequence)
            recent = f", {first} in the last {clause.in_last_days} days" if clause.in_last_days else ""
            return f"{second} within {clause.within_days} days after {first}{recent}"
    return _simple(clause)


def _simple(clause: Any) -> str:
    kind = rules.kind(clause)
    name = getattr(clause, kind)
    if isinstance(clause, rules.Comparison):
        return f"{name} {_compared(clause)}"
    within = f" within {clause.within_days} days" if clause.within_days else ""
    if kind == "did":
        return f"{_act(name, clause.where)}{_often(clause)}{within}"
    if kind == "did_not":
        return f"no {_act(name, clause.where)}{within}"
    return f"{kind} {_act(name, clause.where)}{within or f' more than {clause.not_within_days} days ago'}"


def _often(clause: rules.Did) -> str:
    if clause.at_most is not None:
        return f" at most {clause.at_most} times"
    return f" at least {clause.at_least} times" if (clause.at_least or 1) > 1 else ""


def _act(name: str, where: rules.Filters) -> str:
    narrowed = ", ".join(f"{column} {_compared(compared)}" for column, compared in where.items())
    return f"{name} ({narrowed})" if narrowed else name


def _compared(compared: rules.Comparison) -> str:
    if compared.operator == "is_null":
        return "is missing" if compared.value else "is known"
    values = compared.value if isinstance(compared.value, list | tuple) else [compared.value]
    words = [f"{one.days_ago} days ago" if isinstance(one, rules.DaysAgo) else str(one) for one in values]
    joined = " and ".join(words) if compared.operator == "between" else ", ".join(words)
    return f"{_WORDS[compared.operator]} {joined}"

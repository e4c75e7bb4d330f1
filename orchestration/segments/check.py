"""Whether a rule names only what exists and compares like with like. The shape of rules is in `rules`."""

from collections.abc import Mapping
from datetime import date
from difflib import get_close_matches
from typing import Any

from orchestration.segments import rules
from orchestration.segments.catalogue import Catalogue

Path = tuple[str | int, ...]
Problem = tuple[Path, str]
_ORDERED = {"gt", "gte", "lt", "lte", "between"}
_TEXTUAL = {"contains", "starts_with"}


def problems(clause: Any, catalogue: Catalogue) -> list[Problem]:
    """Every name that is not in the catalogue and every value of the wrong type, each with its path in the rule."""
    return [
        (path + inside, message) for path, leaf in rules.leaves(clause) for inside, message in _leaf(leaf, catalogue)
    ]


def references(clause: Any) -> list[tuple[Path, str]]:
    """The segments that a rule names, each with its path."""
    return [
        ((*path, "segment"), leaf.segment) for path, leaf in rules.leaves(clause) if isinstance(leaf, rules.InSegment)
    ]


def unknown(what: str, name: str, known: Any) -> str:
    """The sentence for a name that is not among the known ones, with the nearest."""
    near = get_close_matches(name, list(known), n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(sorted(known))}"
    return f"there is no {what} '{name}': {hint}"


def _leaf(leaf: Any, catalogue: Catalogue) -> list[Problem]:
    kind = rules.kind(leaf)
    if isinstance(leaf, rules.Comparison):
        return _compared(kind, getattr(leaf, kind), leaf, catalogue.of(kind))
    if isinstance(leaf, rules.Sequence):
        return [
            (("sequence", index, *path), message)
            for index, step in enumerate(leaf.sequence)
            for path, message in _activity("did", step.did, step.where, catalogue)
        ]
    if kind == "segment":
        return []
    twice = isinstance(leaf, rules.Did) and leaf.at_least is not None and leaf.at_most is not None
    both = [(("at_most",), "give at_least or at_most, not both")] if twice else []
    return both + _activity(kind, getattr(leaf, kind), leaf.where, catalogue)


def _compared(what: str, name: str, comparison: rules.Comparison, known: Mapping[str, str]) -> list[Problem]:
    if name not in known:
        return [((what,), unknown(what, name, known))]
    return [((comparison.operator,), message) for message in _mismatches(name, known[name], comparison)]


def _activity(key: str, name: str, where: rules.Filters, catalogue: Catalogue) -> list[Problem]:
    if name not in catalogue.activities:
        return [((key,), unknown("activity", name, catalogue.activities))]
    known = catalogue.activities[name].columns
    found: list[Problem] = []
    for column, comparison in where.items():
        if column not in known:
            found.append((("where", column), unknown(f"{name} column", column, known)))
        else:
            found += [(("where", column), message) for message in _mismatches(column, known[column], comparison)]
    return found


def _mismatches(name: str, kind: str, comparison: rules.Comparison) -> list[str]:
    operator, value = comparison.operator, comparison.value
    if operator == "is_null":
        return []
    if operator in _TEXTUAL and kind != "text":
        return [f"{operator} compares text, and {name} is a {kind}"]
    if operator in _ORDERED and kind in {"text", "boolean"}:
        return [f"{operator} compares numbers and dates, and {name} is {kind}"]
    values = value if isinstance(value, list | tuple) else [value]
    return [f"{name} is a {kind}, and {one!r} is not" for one in values if not _fits(kind, one)]


def _fits(kind: str, value: Any) -> bool:
    match kind:
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "date":
            return isinstance(value, date | rules.DaysAgo)
    return isinstance(value, str) and "\0" not in value

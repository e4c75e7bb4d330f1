"""Why a person is in a segment or not: every clause by itself, with the value it looked at. Writes nothing."""

from difflib import get_close_matches
from pathlib import Path
from typing import Any

import duckdb
from sqlglot import exp

from orchestration.errors import TesseraError
from orchestration.segments import rules
from orchestration.segments.compile import Evaluation, condition, query, value
from orchestration.segments.document import FOLDER, InvalidDocumentError, SegmentDocument, load_documents
from orchestration.segments.preview import features_day
from orchestration.settings import Settings
from orchestration.warehouse import engine

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


class NobodyError(TesseraError):
    """There is no such person."""


def why(settings: Settings, person_id: str, segment: str, folder: Path = FOLDER) -> dict[str, Any]:
    """Each clause of the segment for one person, on the day that the features look from.

    Keys: segment, person_id (the survivor, if the person was merged), as_of, is_member, entered_date (of the present
    stay, else null), clauses. A clause has `where` (its path in the rules), `clause` (as text), `is_true` and `value`
    (what was looked at; null for `and`, `or`, `not`). Raises InvalidDocumentError and NobodyError.
    """
    document, everything = _documents(segment, folder)
    with engine.reading(settings) as con:
        as_of = features_day(con, settings)
        person = _person(con, person_id)
        evaluation = Evaluation(as_of, {one.name: one for one in everything})
        clauses = [((), document.rules), *_all(document.rules)]
        columns: dict[str, exp.Expression] = {}
        for number, (_, clause) in enumerate(clauses):
            columns[f"t{number}"] = condition(clause, evaluation)
            columns[f"v{number}"] = exp.null() if rules.inner(clause) else value(clause, evaluation)
        chosen = query(columns, evaluation).where(exp.column("person_id", table="people").eq(person))
        row = con.execute(chosen.sql(dialect="duckdb")).fetchall()[0][1:]
        return {
            "segment": segment,
            "person_id": person,
            "as_of": as_of,
            "is_member": row[0],
            "entered_date": _entered(con, person, segment),
            "clauses": [
                {"where": dotted(path), "clause": text(clause), "is_true": row[2 * i], "value": row[2 * i + 1]}
                for i, (path, clause) in enumerate(clauses)
            ],
        }


def _documents(segment: str, folder: Path) -> tuple[SegmentDocument, list[SegmentDocument]]:
    everything, errors = load_documents(folder)
    for document in everything:
        if document.name == segment:
            return document, everything
    own = [str(error) for error in errors if error.file.stem == segment]
    names = [document.name for document in everything]
    near = get_close_matches(segment, names, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(sorted(names))}"
    raise InvalidDocumentError("\n".join(own) or f"there is no segment '{segment}': {hint}")


def _person(con: duckdb.DuckDBPyConnection, person_id: str) -> str:
    """The id itself, or that of the person it was merged into."""
    survivors = []
    if engine.table_exists(con, "identity", "aliases", catalog="state"):
        survivors = con.execute(
            "select survivor_id from state.identity.aliases where person_id = ?", [person_id]
        ).fetchall()
    person = survivors[0][0] if survivors else person_id
    if not con.execute("select 1 from profile.people where person_id = ?", [person]).fetchall():
        raise NobodyError(f"there is no person '{person_id}': look the id up in marts.customer_identifiers")
    return person


def _entered(con: duckdb.DuckDBPyConnection, person: str, segment: str) -> Any:
    if not engine.table_exists(con, "segments", "membership"):
        return None
    found = con.execute(
        "select entered_date from segments.membership where person_id = ? and segment = ? and left_date is null",
        [person, segment],
    ).fetchall()
    return found[0][0] if found else None


def _all(clause: Any, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], Any]]:
    """Every clause inside `clause` with its path, outer before inner."""
    return [
        found for step, part in rules.inner(clause) for found in [((*path, *step), part), *_all(part, (*path, *step))]
    ]


def dotted(path: tuple[str | int, ...]) -> str:
    """A path in the rules as text, such as `rules.and[0]`."""
    return "rules" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)


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
        case rules.Sequence():
            first, second = (_act(step.did, step.where) for step in clause.sequence)
            recent = f", {first} in the last {clause.in_last_days} days" if clause.in_last_days else ""
            return f"{second} within {clause.within_days} days after {first}{recent}"
    return _simple(clause)


def _simple(clause: Any) -> str:
    kind = rules.kind(clause)
    name = getattr(clause, kind)
    if kind in {"attribute", "feature"}:
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


def why_text(settings: Settings, person_id: str, segment: str) -> str:
    """The explanation as lines to read, inner clauses set in. Raises as `why` does."""
    seen = why(settings, person_id, segment)
    since = f" since {seen['entered_date']}" if seen["entered_date"] else ""
    verdict = f"is in {segment}{since}" if seen["is_member"] else f"is not in {segment}"
    lines = [f"{seen['person_id']} {verdict}, as of {seen['as_of']}"]
    for clause in seen["clauses"]:
        indent = "  " * (1 + clause["where"].count("[") + clause["where"].count(".not"))
        value = "" if clause["value"] is None else f"  ({clause['value']})"
        lines.append(f"{'yes' if clause['is_true'] else 'no':<3} {indent}{clause['clause']}{value}")
    return "\n".join(lines)

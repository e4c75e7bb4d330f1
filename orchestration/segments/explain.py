"""Why a person is in a segment or not: every clause by itself, with the value it looked at. Writes nothing."""

from difflib import get_close_matches
from pathlib import Path
from typing import Any

import duckdb
from sqlglot import exp

from orchestration.errors import TesseraError
from orchestration.segments import rules
from orchestration.segments.compile import Evaluation, condition, query, value
from orchestration.segments.declaration import SegmentDocument
from orchestration.segments.document import FOLDER, InvalidDocumentError, load_documents
from orchestration.segments.members import gates, lacking, membership_query, prepare
from orchestration.segments.viewpoint import NothingToPreviewError, features_day
from orchestration.segments.wording import text
from orchestration.settings import Settings
from orchestration.warehouse import engine


class NobodyError(TesseraError):
    """There is no such person."""


def why(settings: Settings, person_id: str, segment: str, folder: Path = FOLDER) -> dict[str, Any]:
    """Each clause of the segment for one person, on the day that the features look from.

    Keys: segment, person_id (the survivor, if the person was merged), as_of, is_member (by rules, exclusions and
    priorities; whether or not the segment is in use), entered_date (of the present stay, else null), clauses, gates
    (exclusions and earlier segments of its group that take the person), stays (entered_date, left_date and why of
    each, the newest first). A clause has `where` (its path in the rules), `clause` (as text), `is_true` and `value`
    (what was looked at; null for `and`, `or`, `not`). Raises InvalidDocumentError and NobodyError.
    """
    document, everything = _documents(segment, folder)
    with engine.reading(settings) as con:
        as_of = features_day(con, settings)
        if missing := lacking(con, document, everything):
            raise NothingToPreviewError(missing)
        person = _person(con, person_id)
        con.execute("create or replace temp table asked as select ?::varchar as person_id", [person])
        prepare(con, [document], everything)
        is_member = con.execute(
            f"select s0 from ({membership_query([document], everything, as_of, only='asked')}) as evaluated"
        ).fetchall()[0][0]
        stays = _stays(con, person, segment)
        return {
            "segment": segment,
            "person_id": person,
            "as_of": as_of,
            "is_member": is_member,
            "entered_date": next((stay["entered_date"] for stay in stays if stay["left_date"] is None), None),
            "clauses": _clauses(con, document, everything, as_of),
            "gates": _closed(con, document, everything, as_of),
            "stays": stays,
        }


def _clauses(
    con: duckdb.DuckDBPyConnection, document: SegmentDocument, everything: list[SegmentDocument], as_of: Any
) -> list[dict[str, Any]]:
    """Every clause with its truth and its value for the person asked about."""
    evaluation = Evaluation(as_of, {one.name: one for one in everything})
    clauses = [((), document.definition), *_all(document.definition)]
    columns: dict[str, exp.Expression] = {}
    for number, (_, clause) in enumerate(clauses):
        looks = not (rules.inner(clause) or isinstance(clause, rules.InSegment | rules.InList | rules.InModel))
        columns[f"t{number}"] = condition(clause, evaluation)
        columns[f"v{number}"] = value(clause, evaluation) if looks else exp.null()
    row = con.execute(query(columns, evaluation, only="asked").sql(dialect="duckdb")).fetchall()[0][1:]
    return [
        {"where": dotted(path), "clause": text(clause), "is_true": row[2 * i], "value": row[2 * i + 1]}
        for i, (path, clause) in enumerate(clauses)
    ]


def _closed(
    con: duckdb.DuckDBPyConnection, document: SegmentDocument, everything: list[SegmentDocument], as_of: Any
) -> list[str]:
    """What takes the person asked about out of the segment, or would if the rules fitted."""
    judges = gates(document, everything)
    named = [*judges.exclusions, *judges.earlier]
    if not named:
        return []
    query_of_gates = membership_query(named, everything, as_of, only="asked")
    row = con.execute(f"select * exclude (person_id) from ({query_of_gates}) as evaluated").fetchall()[0]
    told = [f"excluded by {one.name}" for one in judges.exclusions]
    told += [f"in {one.name}, which comes first in {one.priority_group}" for one in judges.earlier]
    return [words for words, is_in in zip(told, row, strict=True) if is_in]


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


def _stays(con: duckdb.DuckDBPyConnection, person: str, segment: str) -> list[dict[str, Any]]:
    if not engine.table_exists(con, "segments", "membership"):
        return []
    found = con.execute(
        "select entered_date, left_date, entered_because, left_because from segments.membership "
        "where person_id = ? and segment = ? order by entered_date desc",
        [person, segment],
    ).fetchall()
    return [dict(zip(("entered_date", "left_date", "entered_because", "left_because"), row, strict=True))
            for row in found]  # fmt: skip


def _all(clause: Any, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], Any]]:
    """Every clause inside `clause` with its path, outer before inner."""
    return [
        found for step, part in rules.inner(clause) for found in [((*path, *step), part), *_all(part, (*path, *step))]
    ]


def dotted(path: tuple[str | int, ...]) -> str:
    """A path in the rules as text, such as `rules.and[0]`."""
    return "rules" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)


def why_text(settings: Settings, person_id: str, segment: str, folder: Path = FOLDER) -> str:
    """The explanation as lines to read, inner clauses set in. Raises as `why` does."""
    seen = why(settings, person_id, segment, folder)
    since = f" since {seen['entered_date']}" if seen["entered_date"] else ""
    verdict = f"is in {segment}{since}" if seen["is_member"] else f"is not in {segment}"
    lines = [f"{seen['person_id']} {verdict}, as of {seen['as_of']}"]
    for clause in seen["clauses"]:
        indent = "  " * (1 + clause["where"].count("[") + clause["where"].count(".not"))
        value = "" if clause["value"] is None else f"  ({clause['value']})"
        lines.append(f"{'yes' if clause['is_true'] else 'no':<3} {indent}{clause['clause']}{value}")
    lines += [f"out   {gate}" for gate in seen["gates"]]
    for stay in seen["stays"]:
        lines.append(f"came {stay['entered_date']}: {stay['entered_because'] or 'reason not kept'}")
        if stay["left_date"]:
            lines.append(f"left {stay['left_date']}: {stay['left_because'] or 'reason not kept'}")
    return "\n".join(lines)

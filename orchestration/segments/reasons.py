"""Why people came and went: the clauses that are otherwise than in the snapshot of the run before, or what happened.

Set by set, for those who changed only. Texts of people are not kept, numbers and days are: a reason is no place for an
address. Who changed is found in `stays`.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
from sqlglot import exp

from orchestration.segments import rules
from orchestration.segments.compile import Evaluation, condition, query, value
from orchestration.segments.declaration import SegmentDocument
from orchestration.segments.layout import SNAPSHOT
from orchestration.segments.members import gates
from orchestration.segments.wording import text
from orchestration.warehouse import engine

NEW_SEGMENT = "the segment is new"
_UNKNOWN = "not known: there is no earlier run to compare with"
_EDITED = "its document changed"
_CORRECTED = "data of earlier days were corrected"


_Look = tuple[str, exp.Expression, exp.Expression]


@dataclass(frozen=True)
class Run:
    """What was evaluated as of a day: segments in use, in the order of `judged`; why the others have nobody."""

    active: Sequence[SegmentDocument]
    everything: Sequence[SegmentDocument]
    ended: dict[str, str]
    as_of: date


@dataclass(frozen=True)
class _Part:
    """One thing that can keep a person in or out: its clause, what to say of it, whether the last run knew it."""

    clause: Any
    now: str
    no_longer: str
    shows_value: bool = False
    was_known: bool = True


def definition(segment: SegmentDocument, everything: Sequence[SegmentDocument]) -> str:
    """What decides about a segment, to compare the next run with: a hash of what it says, the names of its gates."""
    by_name = {one.name: one for one in everything}
    said, waiting = [], [segment]
    while waiting:
        one = waiting.pop()
        said.append(one.model_dump_json(include={"name", "rules", "file", "model"}))
        named = [leaf.segment for _, leaf in rules.leaves(one.definition) if isinstance(leaf, rules.InSegment)]
        waiting += [by_name[name] for name in named]
    digest = hashlib.md5("".join(said).encode(), usedforsecurity=False).hexdigest()
    return " ".join([digest, *_gate_names(segment, everything)])


def _gate_names(segment: SegmentDocument, everything: Sequence[SegmentDocument]) -> list[str]:
    judges = gates(segment, everything)
    return [one.name for one in (*judges.exclusions, *judges.earlier)]


def give(con: duckdb.DuckDBPyConnection, run: Run, before: date | None) -> None:
    """Give temporary table `changed` a column `because`.

    Reads `judged`, the warehouse by bare names, the ledger as catalog `state` and, unless `before` is null, the
    snapshot of that day as catalog `snapshot`.
    """
    earlier = dict(
        con.execute("select segment, arg_max(definition, as_of) from state.segments.runs group by 1").fetchall()
    )
    moved = {place for (place,) in con.execute("select distinct place from changed").fetchall()}
    simple = {len(run.active) + at: why for at, why in enumerate(run.ended.values())}
    simple |= {at: why for at, one in enumerate(run.active) if (why := _of_the_document(one, run, earlier, before))}
    compared = {at: one for at, one in enumerate(run.active) if at in moved and at not in simple}
    branches = []
    if compared and before:
        try:
            branches = _compared(con, run, compared, before, earlier)
        except (duckdb.CatalogException, duckdb.BinderException):
            # The snapshot is of before a table or column was there: no reason to stop the run.
            simple |= dict.fromkeys(compared, _UNKNOWN)
    con.execute("create or replace temp table simple (place bigint, because varchar)")
    if simple:
        con.executemany("insert into simple values (?, ?)", list(simple.items()))
    branches.append("select place, person_id, is_member, because from changed inner join simple using (place)")
    con.execute(f"create or replace temp table explained as {' union all '.join(branches)}")
    con.execute("drop table changed")
    con.execute("alter table explained rename to changed")


def _of_the_document(
    segment: SegmentDocument, run: Run, earlier: dict[str, str | None], before: date | None
) -> str | None:
    """The reason that holds for everybody of a segment; None when each person has one of their own."""
    if segment.name not in earlier:
        return NEW_SEGMENT
    known = earlier[segment.name]
    if before is None or known is None:
        return _UNKNOWN
    return None if known.split()[0] == definition(segment, run.everything).split()[0] else _EDITED


def _compared(
    con: duckdb.DuckDBPyConnection,
    run: Run,
    segments: dict[int, SegmentDocument],
    before: date,
    earlier: dict[str, str],
) -> list[str]:
    """A query per segment of place, person_id, is_member, because; makes temporary tables `looks`, `looks_before`."""
    by_name = {one.name: one for one in run.everything}
    now, then = Evaluation(run.as_of, by_name), Evaluation(before, by_name, SNAPSHOT)
    looks: dict[str, _Look] = {}
    branches = []
    for place, segment in segments.items():
        known = set(earlier[segment.name].split()[1:])
        said = []
        for part in _parts(segment, run, known):
            names = [_look(looks, made, part.clause, now, then) for made in _wanted(part)]
            said.append(_said(part, names))
        branches.append(_branch(place, said, sorted(known - set(_gate_names(segment, run.everything)))))
    _make_looks(con, list(segments), looks.values(), now, then)
    con.execute("create or replace temp table merged (person_id varchar)")
    if engine.table_exists(con, "identity", "aliases", catalog="state"):
        con.execute("insert into merged select distinct survivor_id from state.identity.aliases")
    return branches


def _make_looks(
    con: duckdb.DuckDBPyConnection, places: list[int], looks: Iterable[_Look], now: Evaluation, then: Evaluation
) -> None:
    """What each person who changed is and was: temporary tables `looks` and `looks_before`, by person_id."""
    con.execute(
        "create or replace temp table moved as select distinct person_id from changed "
        f"where place in ({', '.join(map(str, places))})"
    )
    con.execute("create or replace temp table moved_before as select number from snapshot.main.people "
                "where person_id in (select person_id from moved)")  # fmt: skip
    columns = list(looks)
    today = query({name: made for name, made, _ in columns}, now, only="moved")
    past = query({name: made for name, _, made in columns}, then, only="moved_before")
    con.execute(f"create or replace temp table looks as {today.sql(dialect='duckdb')}")
    con.execute(
        "create or replace temp table looks_before as select people.person_id, past.* exclude (number) "
        f"from ({past.sql(dialect='duckdb')}) as past inner join snapshot.main.people as people using (number)"
    )


def _parts(segment: SegmentDocument, run: Run, known: set[str]) -> Iterator[_Part]:
    for _, leaf in rules.leaves(segment.definition):
        words = text(leaf)
        ended = isinstance(leaf, rules.InList) and leaf.has_ended(run.as_of)
        no_longer = f"list {leaf.file} ended on {leaf.expires_date}" if ended else f"no longer {words}"
        shows = not isinstance(leaf, rules.Attribute | rules.InSegment | rules.InList | rules.InModel)
        yield _Part(leaf, f"now {words}", no_longer, shows)
    judges = gates(segment, run.everything)
    for one in judges.exclusions:
        yield _Part(one.definition, f"excluded by {one.name}", f"no longer excluded by {one.name}",
                    was_known=one.name in known)  # fmt: skip
    for one in judges.earlier:
        words = f"in {one.name}, which comes first in {one.priority_group}"
        yield _Part(one.definition, words, f"no longer {words}", was_known=one.name in known)


def _wanted(part: _Part) -> list[Any]:
    return [condition, value] if part.shows_value else [condition]


def _look(looks: dict[str, Any], made: Any, clause: Any, now: Evaluation, then: Evaluation) -> str:
    """The column of a look, equal ones once."""
    today = made(clause, now)
    key = today.sql(dialect="duckdb")
    if key not in looks:
        looks[key] = (f"x{len(looks)}", today, made(clause, then))
    return looks[key][0]


def _said(part: _Part, names: list[str]) -> str:
    """SQL of what a part says of a person, null when it is as it was."""
    holds = f"looks.{names[0]}"
    held = f"looks_before.{names[0]}" if part.was_known else "false"
    values = ""
    if part.shows_value:
        is_now, was = (f"coalesce({table}.{names[1]}::varchar, 'none')" for table in ("looks", "looks_before"))
        values = f" || ' (' || {is_now} || ', was ' || {was} || ')'"
    return (
        f"case when {holds} and not {held} then {_literal(part.now)}{values} "
        f"when {held} and not {holds} then {_literal(part.no_longer)}{values} end"
    )


def _branch(place: int, said: list[str], gone: list[str]) -> str:
    removed = f"when is_member and {bool(gone)} then {_literal('no longer kept out by ' + ', '.join(gone))} "
    return (
        "select changed.place, changed.person_id, is_member, case "
        "when looks.person_id is null then 'the person is gone' "
        "when looks_before.person_id is null then 'the person is new' "
        f"when concat_ws('; ', {', '.join(said)}) <> '' then concat_ws('; ', {', '.join(said)}) {removed}"
        "when changed.person_id in (select person_id from merged) then 'merged with another person' "
        f"else {_literal(_CORRECTED)} end as because "
        "from changed left join looks using (person_id) left join looks_before using (person_id) "
        f"where changed.place = {place}"
    )


def _literal(words: str) -> str:
    return exp.Literal.string(words).sql(dialect="duckdb")

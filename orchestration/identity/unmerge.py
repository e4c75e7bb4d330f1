"""Taking one person apart by a steward's word: what is decided, what it does, and proof that it was done.

The person is two people when `unmerge` returns, in identity and in profile; nothing is resolved anew for that, because
what a steward decided is what the next run finds. What it would change is measured in `blast_radius`.
"""

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from orchestration.errors import TesseraError
from orchestration.identity import apply, decisions, history, hypothesis, state
from orchestration.identity.apply import Change
from orchestration.identity.state import Run
from orchestration.settings import Settings
from orchestration.warehouse import engine

# Every record of one side against every record of the other.
_MOST_PAIRS = 200_000
_STAYING, _LEAVING = 0, 1


class UnmergeError(TesseraError):
    """The person cannot be taken apart like this, or was not: says what to do."""


@dataclass(frozen=True)
class Unmerge:
    """A person, the records that are to be somebody else, and what that changes; together since `since_run`."""

    person_id: str
    staying: list[str]
    leaving: list[str]
    change: Change
    since_run: int


def prepare(settings: Settings, name: str, records: list[str]) -> Unmerge:
    """Check what is asked and put the change together; writes nothing. Raises UnmergeError, UnknownIdError."""
    leaving = sorted(set(records))
    with engine.writing_state(settings) as con:
        state.create_tables(con)
        person = history.current_person(con, name)
        rows = con.execute(
            "select record_id, from_no from identity.membership where person_id = ? and to_no is null order by 1",
            [person],
        ).fetchall()
        last = apply.last_run(con)
        _refuse_steward_links(con, [row[0] for row in rows], leaving)
        ids = {_STAYING: person} | _former_id(con, person, leaving)
    _require_shown(settings, last)
    members = dict(rows)
    strangers = [record for record in leaving if record not in members]
    if strangers:
        raise UnmergeError(
            f"{', '.join(strangers)}: no record of {person}; its records are {', '.join(list(members)[:20])}"
        )
    staying = [record for record in members if record not in set(leaving)]
    if not leaving or not staying:
        raise UnmergeError(f"name some of the {len(members)} records of {person}, not all: the others stay")
    if len(staying) * len(leaving) > _MOST_PAIRS:
        raise UnmergeError(f"{person} has {len(members)} records: take fewer of them away at a time")
    partition = pa.table(
        {"record_id": staying + leaving, "person": [_STAYING] * len(staying) + [_LEAVING] * len(leaving)}
    )
    nobody = pa.table({"record_id": pa.array([], pa.string())})
    wanted = pa.table({"part": list(ids), "person_id": list(ids.values())})
    change = Change(partition, apply.links_within(settings, partition), gone=nobody, wanted=wanted)
    together = max(min(members[record] for record in side) for side in (staying, leaving))
    return Unmerge(person, staying, leaving, change, together)


def unmerge(settings: Settings, asked: Unmerge, *, who: str, why: str, run_id: str) -> list[str]:
    """Decide it, for good, and make two people of the one; returns their ids, first the one that keeps the id.

    Raises UnmergeError when identity or profile do not show two people afterwards.
    """
    with engine.writing_state(settings) as con:
        last = apply.last_run(con)
        version = con.execute("select model_version from identity.runs where run_no = ?", [last.run_no]).fetchall()[0][
            0
        ]
        con.execute("begin transaction")
        _decide(con, asked, who=who, why=why)
        con.execute("commit")
    # Not the fingerprint of any input: the next run looks at everything again.
    run = Run(run_id, version, last.as_of, f"unmerge {run_id}", "unmerge", who, why)
    applied = apply.register(settings, asked.change, run, found={"records": len(asked.staying) + len(asked.leaving)},
                             is_approved=True)  # fmt: skip
    apply.serve(settings, asked.change, applied, run)
    ids = dict(zip(*(applied.ids[name].to_pylist() for name in ("record_id", "person_id")), strict=True))
    people = [asked.person_id, *sorted(set(ids.values()) - {asked.person_id})]
    hypothesis.refresh_profiles(settings, pa.table({"person_id": pa.array(people, pa.string())}))
    verify(settings, asked)
    return people


def verify(settings: Settings, asked: Unmerge) -> None:
    """Look at what is served: two people, each with exactly its records, each with a profile. Raises UnmergeError."""
    with engine.reading(settings) as con:
        sides = [_people_of(con, side) for side in (asked.staying, asked.leaving)]
        served = [person for side in sides for person in side]
        wrong = len(served) != 2 or served[0] == served[1]
        for person, records in zip(served, (asked.staying, asked.leaving), strict=False):
            rows = con.execute("select record_id from identity.person_records where person_id = ?", [person]).fetchall()
            wrong = wrong or {row[0] for row in rows} != set(records)
        lacking = []
        if engine.table_exists(con, "profile", "people", "warehouse"):
            known = con.execute(
                "select person_id from profile.people where list_contains(?::varchar[], person_id)", [served]
            ).fetchall()
            lacking = sorted(set(served) - {row[0] for row in known})
    if wrong or lacking:
        what = f"no profile of {', '.join(lacking)}" if lacking else f"served are {', '.join(served)}"
        raise UnmergeError(
            f"{asked.person_id} is decided to be two people, but is not served as two ({what}): run "
            "`tessera run daily`, and look again; nothing was sent"
        )


def _former_id(con: duckdb.DuckDBPyConnection, person: str, leaving: list[str]) -> dict[int, str]:
    """The id that most of the leaving records had before it was merged into this person, if any: they get it back."""
    rows = con.execute(
        "select person_id from identity.membership as m inner join identity.aliases as a using (person_id) "
        "where a.survivor_id = ? and list_contains(?::varchar[], m.record_id) "
        "group by 1 order by count(*) desc, 1 limit 1",
        [person, leaving],
    ).fetchall()
    return {_LEAVING: rows[0][0]} if rows else {}


def _people_of(con: duckdb.DuckDBPyConnection, records: list[str]) -> list[str]:
    rows = con.execute(
        "select distinct person_id from identity.person_records where list_contains(?::varchar[], record_id) "
        "order by 1",
        [records],
    ).fetchall()
    return [row[0] for row in rows]


def _require_shown(settings: Settings, last: history.PastRun) -> None:
    """The warehouse must show the last run: a part of it is about to be replaced."""
    with engine.reading(settings) as con:
        is_there = engine.table_exists(con, "identity", "current_run", "warehouse")
        shown = con.execute("select max(run_id) from warehouse.identity.current_run").fetchall() if is_there else []
    if not shown or shown[0][0] != last.run_id:
        raise UnmergeError("the warehouse does not show the last run of identity: run `tessera run hourly` first")


def _refuse_steward_links(con: duckdb.DuckDBPyConnection, members: list[str], leaving: list[str]) -> None:
    for decision, low, high, who, *_, origin in decisions.listed(con):
        crosses = {low, high} <= set(members) and (low in leaving) != (high in leaving)
        if crosses and decision == "must" and origin == "steward":
            raise UnmergeError(
                f"{who} decided that {low} and {high} are one person: withdraw that first, "
                f"`tessera decide withdraw {low} {high} --why ...`"
            )


def _decide(con: duckdb.DuckDBPyConnection, asked: Unmerge, *, who: str, why: str) -> None:
    """No record of one side with any of the other; and each side together, as it was when the steward looked at it.

    What an earlier unmerge kept together across the new cut is overruled.
    """
    before = decisions.standing(con)
    pairs = [(staying, leaving, "cannot") for staying in asked.staying for leaving in asked.leaving]
    for side in (asked.staying, asked.leaving):
        pairs += [(side[0], record, "must") for record in side[1:]]
    decided = [pair for pair in pairs if before.get(tuple(sorted(pair[:2]))) != pair[2]]
    decisions.add(con, decided, origin="unmerge", who=who, why=why)

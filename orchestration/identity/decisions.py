"""What stewards decided about pairs of records; outranks the model in every run, and nothing but a withdrawal ends it.

How a decision bends the partition is in `people`; taking one person apart is in `unmerge`.
"""

from collections import deque
from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise

import duckdb

from orchestration.errors import TesseraError
from orchestration.identity import state

KINDS = ("must", "cannot")
_WITHDRAWN = "withdrawn"


class DecisionError(TesseraError):
    """A decision that cannot stand: says which records or decisions are in its way, and what to do."""


def record(
    con: duckdb.DuckDBPyConnection,
    record_id_l: str,
    record_id_r: str,
    *,
    decision: str,
    who: str,
    decided_at: datetime | None = None,
    why: str,
) -> bool:
    """Add a decision (`must` or `cannot`) to the state database; False when it stands already.

    Raises DecisionError for the same record twice, records nobody knows, and what contradicts a standing decision.
    """
    if decision not in KINDS:
        raise DecisionError(f"decision '{decision}' is neither of: {', '.join(KINDS)}")
    low, high = sorted((record_id_l, record_id_r))
    if low == high:
        raise DecisionError(f"a decision needs two records, got '{low}' twice: name another one")
    state.create_tables(con)
    _require_known(con, (low, high))
    found = standing(con)
    if found.get((low, high)) == decision:
        return False
    _refuse_contradiction(found, low, high, decision)
    add(con, [(low, high, decision)], origin="steward", who=who, why=why, decided_at=decided_at)
    return True


def withdraw(con: duckdb.DuckDBPyConnection, record_id_l: str, record_id_r: str, *, who: str, why: str) -> str:
    """End the standing decision on a pair; returns what it was. Raises DecisionError when there is none."""
    state.create_tables(con)
    low, high = sorted((record_id_l, record_id_r))
    decided = standing(con).get((low, high))
    if decided is None:
        raise DecisionError(f"nothing is decided about {low} and {high}: `tessera decide list` shows what is")
    add(con, [(low, high, _WITHDRAWN)], origin="steward", who=who, why=why)
    return decided


def add(
    con: duckdb.DuckDBPyConnection,
    pairs: Iterable[tuple[str, str, str]],
    *,
    origin: str,
    who: str,
    why: str,
    decided_at: datetime | None = None,
) -> int:
    """Write decisions (record, record, kind) as they are, unchecked; returns how many. `origin`: steward or unmerge."""
    rows = [(*sorted(pair[:2]), pair[2]) for pair in pairs]
    low, high, kinds = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    con.execute(
        "insert into identity.decisions select (select coalesce(max(decision_no), 0) from identity.decisions) "
        "+ generate_subscripts(?::varchar[], 1), unnest(?::varchar[]), unnest(?::varchar[]), unnest(?::varchar[]), "
        "?, ?, ?, ?",
        [low, low, high, kinds, origin, who, decided_at or state.now(), why],
    )
    return len(rows)


def standing_sql(decisions: str) -> str:
    """The decision that holds for each pair, smaller record first: record_id_l, record_id_r, decision."""
    return (
        "select record_id_l, record_id_r, latest as decision from (select record_id_l, record_id_r, "
        f"arg_max(decision, decision_no) as latest from {decisions} group by all) where latest <> '{_WITHDRAWN}' "
        "order by all"
    )


def standing(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    """Pair of records, smaller first -> must or cannot."""
    rows = con.execute(standing_sql("identity.decisions")).fetchall()
    return {(low, high): decision for low, high, decision in rows}


def listed(con: duckdb.DuckDBPyConnection) -> list[tuple]:
    """Standing decisions, newest first: decision, record_id_l, record_id_r, who, decided_at, why, origin."""
    state.create_tables(con)
    return con.execute(
        f"with standing as ({standing_sql('identity.decisions')}) "
        "select d.decision, d.record_id_l, d.record_id_r, d.who, d.decided_at, d.why, d.origin "
        "from identity.decisions as d semi join standing as s using (record_id_l, record_id_r) "
        "qualify row_number() over (partition by record_id_l, record_id_r order by decision_no desc) = 1 "
        "order by decision_no desc"
    ).fetchall()


def _require_known(con: duckdb.DuckDBPyConnection, records: tuple[str, ...]) -> None:
    for name in records:
        if con.execute("select 1 from identity.membership where record_id = ? limit 1", [name]).fetchall():
            continue
        own = con.execute(
            "select record_id from identity.membership where to_no is null and person_id = coalesce("
            "(select survivor_id from identity.aliases where person_id = $id), $id) order by 1 limit 3",
            {"id": name},
        ).fetchall()
        if own:
            few = ", ".join(row[0] for row in own)
            raise DecisionError(f"'{name}' is a person, and decisions are about records: name one of its own ({few})")
        raise DecisionError(
            f"no record '{name}': its id is <source>:<object>:<id>, as in identity.person_records; "
            "a record that landed just now is known after the next run"
        )


def _refuse_contradiction(found: dict[tuple[str, str], str], low: str, high: str, decision: str) -> None:
    must = [pair for pair, kind in found.items() if kind == "must"]
    if decision == "cannot":
        chain = _chain(must, low, high)
        if chain:
            raise DecisionError(
                f"{low} and {high} must be one person: {_told(chain)}. Withdraw one of these first: "
                f"`tessera decide withdraw {chain[0]} {chain[1]} --why ...`"
            )
        return
    together = [*must, (low, high)]
    for left, right in (pair for pair, kind in found.items() if kind == "cannot"):
        chain = _chain(together, left, right)
        if chain:
            raise DecisionError(
                f"{left} and {right} cannot be one person, and this would join them: {_told(chain)}. If they are one "
                f"after all, withdraw that first: `tessera decide withdraw {left} {right} --why ...`"
            )


def _told(chain: list[str]) -> str:
    return "; ".join(f"{a} with {b}" for a, b in pairwise(chain))


def _chain(pairs: list[tuple[str, str]], start: str, end: str) -> list[str]:
    """The shortest chain of records from `start` to `end`; empty when there is none."""
    near: dict[str, list[str]] = {}
    for a, b in pairs:
        near.setdefault(a, []).append(b)
        near.setdefault(b, []).append(a)
    came_from, waiting = {start: start}, deque([start])
    while waiting:
        here = waiting.popleft()
        if here == end:
            chain = [end]
            while chain[-1] != start:
                chain.append(came_from[chain[-1]])
            return chain[::-1]
        for there in sorted(near.get(here, [])):
            if there not in came_from:
                came_from[there] = here
                waiting.append(there)
    return []

"""What the last run left about chosen people: their records, links, stewards' decisions, shared identifiers."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

import duckdb

from orchestration.identity import decisions
from orchestration.identity.explain.evidence import NothingResolvedError
from orchestration.identity.history import UnknownIdError
from orchestration.warehouse import engine

# Stronger than any score: an identifier, or a steward.
_SURE_WEIGHT = 1e6


@dataclass(frozen=True)
class Side:
    """One of the two asked about: a person by any of its ids, or a record; with all records of the person."""

    asked: str
    person_id: str
    record_ids: tuple[str, ...]
    is_record: bool


@dataclass(frozen=True)
class Link:
    """A row of `identity.links`; `evidence` is what each field added, `shared` the value of an identifier."""

    record_ids: tuple[str, str]
    link_type: str
    rule: str
    match_weight: float | None
    match_probability: float
    evidence: dict[str, float] = field(default_factory=dict)
    shared: str | None = None

    @property
    def strength(self) -> float:
        return _SURE_WEIGHT if self.match_weight is None else self.match_weight


def side(con: duckdb.DuckDBPyConnection, name: str) -> Side:
    """Who is asked about. Raises NothingResolvedError, UnknownIdError."""
    if not engine.table_exists(con, "identity", "person_records", "warehouse"):
        raise NothingResolvedError("nobody was resolved yet: run `tessera run daily` first")
    rows = con.execute(
        "select person_id, true from identity.person_records where record_id = $1 union all "
        "select person_id, false from identity.people where person_id = $1 union all "
        "select survivor_id, false from identity.aliases where person_id = $1",
        [name],
    ).fetchall()
    if not rows:
        raise UnknownIdError(
            f"no person and no record of today is '{name}': ids of people begin with p_, those of records are "
            "<source>:<object>:<id>, as in marts.customer_identifiers"
        )
    person_id, is_record = rows[0]
    own = con.execute(
        "select record_id from identity.person_records where person_id = ? order by 1", [person_id]
    ).fetchall()
    return Side(name, person_id, tuple(row[0] for row in own), is_record)


def links(con: duckdb.DuckDBPyConnection, person_id: str) -> list[Link]:
    """The links inside a person, strongest first."""
    columns = [row[0] for row in con.execute("select column_name from (describe identity.links)").fetchall()]
    evidence = "evidence" if "evidence" in columns else "null"
    rows = con.execute(
        f"with inside as (select links.*, {evidence} as told from identity.links as links "
        "inner join identity.person_records as p on p.record_id = record_id_l and p.person_id = ?) "
        "select record_id_l, record_id_r, link_type, rule, match_weight, match_probability, told, "
        "(select min(a.identifier_value) from conformed.identifiers as a inner join conformed.identifiers as b "
        "using (identifier_type, identifier_value) where a.record_id = record_id_l and b.record_id = record_id_r "
        "and a.identifier_type = rule) as shared from inside order by match_weight desc nulls first, 1, 2, 4",
        [person_id],
    ).fetchall()
    return [Link(row[:2], *row[2:6], json.loads(row[6] or "{}"), row[7]) for row in rows]


def path(found: list[Link], start: str, end: str) -> list[Link]:
    """The chain of links between two records whose weakest link is as strong as can be; empty when there is none.

    A sure link between the two themselves is a chain of one.
    """
    direct = [link for link in found if set(link.record_ids) == {start, end} and link.match_weight is None]
    if direct:
        return direct[:1]
    chosen = strongest_tree(found)
    came_from = _walk(chosen, start)
    if end not in came_from:
        return []
    chain: list[Link] = []
    while end != start:
        end, link = came_from[end]
        chain.append(link)
    return chain[::-1]


def strongest_tree(found: list[Link]) -> list[Link]:
    """The links that hold all together, each of them needed and none replaceable by a stronger one."""
    root: dict[str, str] = {}

    def top(name: str) -> str:
        while root.setdefault(name, name) != name:
            name = root[name]
        return name

    kept = []
    for link in sorted(found, key=lambda link: (-link.strength, link.record_ids, link.rule)):
        a, b = (top(end) for end in link.record_ids)
        if a != b:
            root[max(a, b)] = min(a, b)
            kept.append(link)
    return kept


def reached(tree: Iterable[Link], start: str) -> set[str]:
    """Every record that links lead to, with the one they start from."""
    return {start, *_walk(tree, start)}


def _walk(tree: Iterable[Link], start: str) -> dict[str, tuple[str, Link]]:
    """Record -> the one before it and the link between, from `start` on, which leads to itself nowhere."""
    near: dict[str, list[tuple[str, Link]]] = {}
    for link in tree:
        for a, b in (link.record_ids, link.record_ids[::-1]):
            near.setdefault(a, []).append((b, link))
    came_from: dict[str, tuple[str, Link]] = {}
    waiting = [start]
    for here in waiting:
        for there, link in near.get(here, []):
            if there != start and there not in came_from:
                came_from[there] = (here, link)
                waiting.append(there)
    return came_from


def decided(con: duckdb.DuckDBPyConnection, left: Side, right: Side) -> list[tuple[str, str, str, str, str]]:
    """Standing decisions between records of the two sides: must or cannot, the records, who, why; newest first."""
    if not engine.table_exists(con, "identity", "decisions", "state"):
        return []
    ends = [list(own.record_ids) for own in (left, right)]
    if left.person_id == right.person_id:
        ends = [[own.asked] if own.is_record else list(own.record_ids) for own in (left, right)]
    return con.execute(
        f"with standing as ({decisions.standing_sql('state.identity.decisions')}) "
        "select d.decision, d.record_id_l, d.record_id_r, d.who, d.why from state.identity.decisions as d "
        "semi join standing as s using (record_id_l, record_id_r, decision) "
        "where (list_contains($1, record_id_l) and list_contains($2, record_id_r)) "
        "or (list_contains($2, record_id_l) and list_contains($1, record_id_r)) "
        "qualify row_number() over (partition by record_id_l, record_id_r order by decision_no desc) = 1 "
        "order by decision_no desc",
        ends,
    ).fetchall()


def too_common(con: duckdb.DuckDBPyConnection, left: Side, right: Side) -> list[tuple[str, str, str]]:
    """Identifiers that both carry and that are no evidence: type, value, why not; a record has its own only."""
    own = [[side.asked] if side.is_record else list(side.record_ids) for side in (left, right)]
    return con.execute(
        "with carried as (select distinct identifier_type, identifier_value from conformed.identifiers "
        "where list_contains($1, record_id) intersect select distinct identifier_type, identifier_value "
        "from conformed.identifiers where list_contains($2, record_id)) "
        "select identifier_type, identifier_value, reason from identity.skipped_identifiers "
        "semi join carried using (identifier_type, identifier_value) order by all",
        own,
    ).fetchall()

"""Everything a preview counts its people by, as bits: 64 people a word, a column per segment, consent, channel, state.

All overlaps of a segment then cost one look at a small table, instead of a join with everybody in every segment.
"""

import duckdb

from orchestration.segments import catalogue
from orchestration.segments.layout import of_snapshot
from orchestration.warehouse import engine

_WORD, _BITS = "(number // 64)::uinteger", "bit_or(1::ubigint << (number % 64)::ubigint)"
_CHANNEL = "recency_days_"
_REACHABLE = {
    "email": "is_email_consented",
    "sms": "is_sms_consented",
    "any": "is_email_consented or is_sms_consented",
}


def channels(there: set[str]) -> dict[str, str]:
    """Channel to the feature that says when a person was last seen on it, of those that are there."""
    features = catalogue.read().features
    return {name.removeprefix(_CHANNEL): name for name in features if name.startswith(_CHANNEL) and name in there}


def make(con: duckdb.DuckDBPyConnection) -> None:
    """Tables facets (place, kind, name, count_people) and bits (word, f0, f1, ...), after the snapshot's people."""
    there = {row[0] for row in con.execute("describe snapshot.main.people").fetchall()}
    seen = channels({name.removeprefix("features_") for name in there})
    rows = [("reachable", name, f"from snapshot.people where {test}") for name, test in _REACHABLE.items()]
    rows += [("channel", name, f"from snapshot.people where {of_snapshot('features', column)} is not null")
             for name, column in seen.items()]  # fmt: skip
    parts = [f"select '{kind}' as kind, '{name}' as name, number {source}" for kind, name, source in rows]
    parts.append("select 'state', coalesce(state, 'unknown'), number from snapshot.people")
    if engine.table_exists(con, "segments", "membership"):
        parts.append(
            "select 'segment', segment, number from segments.membership inner join snapshot.people using (person_id) "
            "where left_date is null"
        )
    con.execute(
        f"create or replace temp table facet_words as select kind, name, {_WORD} as word, {_BITS} as bits "
        f"from ({' union all '.join(parts)}) group by all"
    )
    con.execute(
        "create table snapshot.facets as select row_number() over (order by kind, name) - 1 as place, kind, name, "
        "sum(bit_count(bits))::bigint as count_people from facet_words group by kind, name"
    )
    count = con.execute("select count(*) from snapshot.facets").fetchall()[0][0]
    columns = "".join(f", bit_or(bits) filter (place = {place}) as f{place}" for place in range(count))
    con.execute(
        f"create table snapshot.bits as select word{columns} from facet_words inner join snapshot.facets "
        "using (kind, name) group by word"
    )


def count(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, tuple[int, int]]]:
    """By kind and name: how many people have it, and how many of temporary table `members` (number)."""
    facets = con.execute("select kind, name, count_people from snapshot.main.facets order by place").fetchall()
    found: dict[str, dict[str, tuple[int, int]]] = {}
    if not facets:
        return found
    each = ", ".join(f"sum(bit_count(f{at} & mine.bits))" for at in range(len(facets)))
    shared = con.execute(
        f"select {each} from snapshot.main.bits as bits inner join "
        f"(select {_WORD} as word, {_BITS} as bits from members group by 1) as mine using (word)"
    ).fetchall()[0]
    for (kind, name, size), count_shared in zip(facets, shared, strict=True):
        found.setdefault(kind, {})[name] = (size, int(count_shared or 0))
    return found

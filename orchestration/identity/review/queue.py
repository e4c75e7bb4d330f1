"""Which pairs a steward should look at: the most uncertain ones, of many kinds, and some of every weight to measure by.

Pairs only, no values: those are in `sheet`.
"""

import duckdb
import pyarrow as pa

MOST_PAIRS = 200
# Pairs farther from the weight at which groups join are not uncertain.
_WINDOW = 6.0
# One more pair that agrees and differs alike is worth as much as one that is this much farther from the boundary.
_SAMENESS = 0.5
# One in so many pairs is taken at any weight: a model is not measured by hard pairs alone.
_SAMPLE_SHARE = 4
_BIN = 4.0
_COLUMNS = "record_id_l, record_id_r, person_l, person_r, match_weight, match_probability"


def chosen(
    con: duckdb.DuckDBPyConnection, *, join_weight: float, settled: pa.Table, most: int = MOST_PAIRS
) -> pa.Table:
    """At most `most` pairs of table `judged`, best first; none of `settled` (record_id_l, record_id_r).

    place, record_id_l, record_id_r, person_id_l, person_id_r, is_one_person, match_weight, match_probability, reason.
    A record comes once, and so do two people.
    """
    con.register("settled_in", settled)
    con.execute(
        "create or replace temp table open_pairs as select *, abs(match_weight - ?) as distance from judged "
        "anti join settled_in using (record_id_l, record_id_r) where veto is null",
        [join_weight],
    )
    con.unregister("settled_in")
    con.execute(f"create or replace temp table near_pairs as {_NEAR}", [_WINDOW])
    samples = most // _SAMPLE_SHARE
    con.execute(
        "create or replace temp table picked as "
        f"select {_COLUMNS}, 'near the decision' as reason, score as rank, 0 as kind from near_pairs "
        "order by score, record_id_l, record_id_r limit ?",
        [most - samples],
    )
    con.execute(
        f"insert into picked select {_COLUMNS}, 'to measure by', place, 1 from ({_SAMPLE}) order by place, bin limit ?",
        [_BIN, samples],
    )
    return con.execute(
        "select row_number() over (order by kind, rank, record_id_l, record_id_r) as place, record_id_l, record_id_r, "
        "person_l as person_id_l, person_r as person_id_r, person_l = person_r as is_one_person, match_weight, "
        "match_probability, reason from picked order by place"
    ).to_arrow_table()


def _once(column: str, order: str) -> str:
    return f"qualify row_number() over (partition by {column} order by {order}) = 1"


_ORDER = "distance, record_id_l, record_id_r"
_NEAR = f"""
    with near as (select * from open_pairs where distance <= ?),
    by_people as (select * from near {_once("least(person_l, person_r), greatest(person_l, person_r)", _ORDER)}),
    by_left as (select * from by_people {_once("record_id_l", _ORDER)}),
    by_right as (select * from by_left {_once("record_id_r", _ORDER)}),
    alike as (select *, row_number() over (partition by pattern order by {_ORDER}) as nth from by_right)
    select *, distance + {_SAMENESS} * (nth - 1) as score from alike
    anti join (select record_id_r as record_id_l from by_right) using (record_id_l)
"""
_SAMPLE = """
    select open_pairs.*, floor(match_weight / ?) as bin, row_number() over (
        partition by bin order by md5(open_pairs.record_id_l || ' ' || open_pairs.record_id_r)
    ) as place
    from open_pairs
    anti join picked using (record_id_l, record_id_r)
"""

"""Is what `tessera link` says of its own sureness true: chances against how often they hold, and what gates buy.

Reads tables `found` (record_id, person_id, match_confidence), `truth` (record_id, person_id) and `links` (record_id_l,
record_id_r, link_type) of a connection.
"""

import duckdb

from orchestration.identity.metrics import partition_metrics

GATES = (0.5, 0.9, 0.95, 0.99, 0.998)
_BINS = 10


def calibration(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, float]]:
    """What is said to be the chance, and how often it holds: of links, of records among others, of people of several.

    A link is as sure as its less sure end, and holds if both records are of one true person; a record holds to the
    share of its fellows that are, a person if all of its records are.
    """
    con.execute(
        "create or replace temp table judged as select found.person_id as found_id, truth.person_id as true_id, "
        "found.record_id, match_confidence, count(*) over (partition by found_id) as size, "
        "count(*) over (partition by found_id, true_id) as alike from found inner join truth using (record_id)"
    )
    queries = {
        "links": "select least(a.match_confidence, b.match_confidence) as said, (a.true_id = b.true_id)::int as holds "
        "from links inner join judged as a on a.record_id = record_id_l "
        "inner join judged as b on b.record_id = record_id_r "
        "where link_type = 'probabilistic'",
        "records": "select match_confidence as said, (alike - 1) / (size - 1) as holds from judged where size > 1",
        "people": "select min(match_confidence) as said, (count(distinct true_id) = 1)::int as holds from judged "
        "where size > 1 group by found_id",
    }
    told = {}
    for name, query in queries.items():
        count, said, holds, error = con.execute(
            f"with bins as (select count(*) as n, sum(said) as said, sum(holds) as holds from ({query}) "
            f"group by least(floor(said * {_BINS}), {_BINS - 1})) "
            "select sum(n), sum(said) / sum(n), sum(holds) / sum(n), sum(abs(said - holds)) / sum(n) from bins"
        ).fetchall()[0]
        if count:
            told[name] = {"count": int(count), "said": said, "holds": holds, "error": error}
    return told


def gates(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, float]]:
    """By least confidence: of the people that pass, the share that holds two true ones; recall, others taken apart."""
    told = {}
    for gate in GATES:
        con.execute(
            "create or replace temp table gated as select record_id, case when min(match_confidence) over "
            f"(partition by person_id) >= {gate} then person_id end as passed, "
            "coalesce(passed, 'alone ' || record_id) as person_id from found"
        )
        con.execute(
            "create or replace temp view passing as select record_id, person_id from gated where passed is not null"
        )
        passing = partition_metrics(con, "passing", "truth")
        told[f"{gate:g}"] = {
            "over_merged": passing["share_over_merged"],
            "people": passing["count_people"],
            "recall": partition_metrics(con, "gated", "truth")["recall"],
        }
    return told

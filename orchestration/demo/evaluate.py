"""What the warehouse found against what is true: the only reader of the demo's truth, outside the graph.

How scores are computed belongs in `identity.metrics`; the groupings to compare with are in `baselines`.
"""

from pathlib import Path
from typing import Any

import duckdb

from orchestration.demo import baselines
from orchestration.errors import TesseraError
from orchestration.identity.metrics import partition_metrics, trap_metrics
from orchestration.settings import Settings
from orchestration.warehouse import engine

_TRUTH = ("records", "events", "traps")
# Bare Splink compares all that share a first name: quadratic, and no news beyond this size.
_MAX_RECORDS_FOR_SPLINK = 100_000


class TruthMissingError(TesseraError):
    """The folder holds no truth of a generated population."""


def evaluate(truth: Path, settings: Settings) -> dict[str, Any]:
    """Scores of `identity.person_records` and of two baselines, over the contacts that the truth knows.

    `tessera`, `exact_keys`, `bare_splink`: dicts of `partition_metrics` (the last is absent above 100,000 records).
    `traps`: by trap, the share of cases that Tessera told apart or joined rightly; `trap_cases`: by method and trap,
    the counts of `trap_metrics`. `true_people`: true people behind the records that Tessera resolved. `browsers`,
    `orders`: `count`, `share_known`, `share_right` of anonymous browsers and of orders: how many got a person, and of
    these the right one.
    """
    with engine.reading(settings) as con:
        for name in _TRUTH:
            path = truth / f"{name}.parquet"
            if not path.exists():
                raise TruthMissingError(f"{path} is missing: give the folder `truth` that `tessera generate` wrote")
            con.execute(f"create temp table truth_{name} as from read_parquet('{path}')")
        _take(con)
        return _scores(con)


def _take(con: duckdb.DuckDBPyConnection) -> None:
    """Tables `contacts`, `every_record`, `resolved` (its contacts), `meant`: the true person of each resolved one."""
    # What we sent to a system and got back is no evidence of its own.
    con.execute(
        "create temp table contacts as select contacts.* from conformed.contacts as contacts "
        "inner join truth_records using (record_id) where not coalesce(is_suppressed_evidence, false)"
    )
    con.execute("create temp table every_record as select record_id, person_id from identity.person_records")
    con.execute(
        "create temp table resolved as select every_record.* from every_record inner join contacts using (record_id)"
    )
    con.execute(
        "create temp table meant as select resolved.person_id, truth_records.person_id as true_id "
        "from resolved inner join truth_records using (record_id) group by 1, 2 "
        "qualify row_number() over ("
        "partition by resolved.person_id order by count(*) desc, truth_records.person_id) = 1"
    )


def _scores(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    grouped = {"tessera": "resolved", "exact_keys": "by_exact_keys"}
    baselines.exact_keys(con, "contacts", "by_exact_keys")
    if con.execute("select count(*) from contacts").fetchall()[0][0] <= _MAX_RECORDS_FOR_SPLINK:
        baselines.bare_splink(con, "contacts", "by_bare_splink")
        grouped["bare_splink"] = "by_bare_splink"
    scores: dict[str, Any] = {name: partition_metrics(con, table, "truth_records") for name, table in grouped.items()}
    cases = {name: trap_metrics(con, table, "truth_records", "truth_traps") for name, table in grouped.items()}
    return scores | {
        "traps": {trap: counts["count_right"] / counts["count_cases"] for trap, counts in cases["tessera"].items()},
        "trap_cases": cases,
        "true_people": con.execute(
            "select count(distinct truth_records.person_id) "
            "from every_record inner join truth_records using (record_id)"
        ).fetchall()[0][0],
        "browsers": _browsers(con),
        "orders": _orders(con),
    }


def _browsers(con: duckdb.DuckDBPyConnection) -> dict[str, float]:
    return _attribution(
        con,
        "select truth_records.person_id as true_id, meant.true_id as found_id from truth_records "
        "inner join every_record using (record_id) left join meant on meant.person_id = every_record.person_id "
        "where record_id like 'segment:anonymous:%' and truth_records.person_id not like 'visitor%'",
    )


def _orders(con: duckdb.DuckDBPyConnection) -> dict[str, float]:
    return _attribution(
        con,
        "select truth_events.person_id as true_id, meant.true_id as found_id from conformed.orders as orders "
        "inner join truth_events on truth_events.event_id = orders.order_id "
        "left join every_record using (record_id) left join meant on meant.person_id = every_record.person_id",
    )


def _attribution(con: duckdb.DuckDBPyConnection, query: str) -> dict[str, float]:
    count, known, right = con.execute(
        f"select count(*), count(found_id), count(*) filter (where found_id = true_id) from ({query})"
    ).fetchall()[0]
    return {
        "count": count,
        "share_known": known / count if count else 0.0,
        "share_right": right / known if known else 0.0,
    }

"""From contacts, identifiers and stewards' decisions to a partition with its evidence.

Nothing here knows of ids that last, of the warehouse or of state: the same for the pipeline and for any other table.
The partition is a function of the inputs and the model; what an earlier run left in a store only saves work.
"""

import time
from pathlib import Path
from typing import Any

import duckdb

from orchestration.identity import (
    changes,
    clustering,
    identifiers,
    incremental,
    link,
    linkage_store,
    model,
    records,
    versions,
)
from orchestration.identity.links import links_sql

_SEED = 1
# Pairs that weigh less than this in training are not scored again: no rounding brings them over the limit.
_ROUNDING = 0.5


def solve(
    con: duckdb.DuckDBPyConnection,
    inputs: dict[str, Any],
    *,
    model_path: Path | None,
    retrain: bool = False,
    duplicate_free: frozenset[str] = frozenset(),
    store: Path | None = None,
    since: int | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Partition, links and skipped identifiers of the inputs (ids not yet given), and figures of the run.

    `inputs`: Arrow tables, or queries of `con`. `duplicate_free` sources know each person once, so that no person gets
    two of their records. With a `store` of an earlier run only what changed is looked at; when that run's partition is
    the one of registered run number `since`, the result is only of the persons that may differ, and `gone` has the
    records that are no more (None: the result is whole).
    """
    _offer(con, inputs)
    seconds: dict[str, float] = {}
    trained = link.load(con, model_path, _count(con, "contacts_in")) if model_path and not retrain else None
    known_as = linkage_store.signature(versions.of(model_path), duplicate_free) if trained else None
    with linkage_store.attached(con, store, known_as) as is_kept:
        is_whole = not is_kept or since is None or linkage_store.run_no(con) != since
        step = time.monotonic()
        changes.find(con)
        seconds["changes"], step = _since(step), time.monotonic()
        trained = _take_records(con, trained, model_path, is_first=not is_kept)
        seconds["records"], step = _since(step), time.monotonic()
        _score(con, trained, is_first=not is_kept)
        seconds["link"], step = _since(step), time.monotonic()
        incremental.find_touched(con, is_whole=is_whole)
        clustering.make_clusters(con, trained, duplicate_free)
        seconds["cluster"], step = _since(step), time.monotonic()
        solved = _solved(con, trained, is_whole=is_whole)
        found = _figures(con, solved)
        _keep_scores(con)
        if store:
            incremental.write(con, linkage_store.signature(versions.of(model_path), duplicate_free))
            seconds["store"] = _since(step)
    return solved, found | {"decisions": _count(con, "decisions_in"), "seconds": seconds}


def _offer(con: duckdb.DuckDBPyConnection, inputs: dict[str, Any]) -> None:
    for name in ("contacts", "identifiers", "decisions"):
        if isinstance(inputs[name], str):
            con.execute(f"create or replace temp view {name}_in as {inputs[name]}")
        else:
            con.register(f"{name}_in", inputs[name])


def _take_records(
    con: duckdb.DuckDBPyConnection, trained: dict[str, Any] | None, model_path: Path | None, *, is_first: bool
) -> dict[str, Any]:
    """The model, trained where there is none, and the changed records as it compares them."""
    if trained is None:
        trained = link.train(con, "changed_contacts", path=model_path, seed=_SEED)
    else:
        con.execute("create or replace temp table scored (n_l bigint, n_r bigint, match_weight double, veto varchar)")
        records.prepare(con, "changed_contacts", trained["known"])
    incremental.take_records(con, trained, is_first=is_first)
    return trained


def _score(con: duckdb.DuckDBPyConnection, trained: dict[str, Any], *, is_first: bool) -> None:
    """Table `found`: new and changed pairs that weigh enough; `weak`: those that training already saw do not."""
    incremental.find_candidates(con, trained, is_first=is_first)
    con.execute("drop table records")
    con.execute(
        "create or replace temp table weak as select n_l, n_r, match_weight, veto from scored "
        "semi join candidates using (n_l, n_r) where match_weight < ?",
        [trained["component"] - _ROUNDING],
    )
    con.execute("create or replace temp table candidates as from candidates anti join weak using (n_l, n_r)")
    incremental.score(con, trained, "candidates", "found", least=trained["component"])


def _keep_scores(con: duckdb.DuckDBPyConnection) -> None:
    """Table `scored` of the pairs that this run looked at, with the weights of fields; `weak` ones without those."""
    con.execute(
        "create or replace temp table scored as from found union all by name from completed union all by name from weak"
    )


def _solved(con: duckdb.DuckDBPyConnection, trained: dict[str, Any], *, is_whole: bool) -> dict[str, Any]:
    con.execute(
        "create or replace temp view persons_now as select n, person, is_known from solved_nodes union all "
        "select n, person, is_known from nodes_now where n not in (from touched)"
    )
    identifiers.report(con, is_whole=is_whole)
    gone = con.execute(
        "select record_id from gone union select record_id from linkage.unsettled anti join nodes_now using (record_id)"
    ).to_arrow_table()
    return {
        "partition": con.execute("select record_id, person from solved_nodes order by record_id").to_arrow_table(),
        "links": con.execute(links_sql(trained["join"])).to_arrow_table(),
        "skipped_identifiers": con.execute(_skipped_sql()).to_arrow_table(),
        "gone": None if is_whole else gone,
    }


def _skipped_sql() -> str:
    return (
        "select rule as identifier_type, block_key as identifier_value, count_records, null::bigint as count_people, "
        "'too many records to compare' as reason from skipped_blocks union all "
        "select identifier_type, identifier_value, count_records, count_people, reason from common union all "
        "(from linkage.common_identifiers anti join reported using (identifier_type, identifier_value)) order by all"
    )


def _figures(con: duckdb.DuckDBPyConnection, solved: dict[str, Any]) -> dict[str, Any]:
    """Figures of the whole partition, and of what this run looked at."""
    sizes = "select count(*) as size from persons_now group by person"
    records_, people, singletons, largest = con.execute(
        "select coalesce(sum(size), 0)::bigint, count(*), count(*) filter (size = 1), coalesce(max(size), 0) "
        f"from ({sizes})"
    ).fetchall()[0]
    return {
        "records": records_,
        "pairs_scored": sum(_count(con, table) for table in ("weak", "candidates", "missing")),
        "people": people,
        "singletons": singletons,
        "largest_person": largest,
        "skipped_identifiers": solved["skipped_identifiers"].num_rows,
        "changed_records": changes.count_records(con),
        "touched_records": solved["partition"].num_rows,
        "model_version": model.VERSION,
    }


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    return con.execute(f"select count(*) from {table}").fetchall()[0][0]


def _since(start: float) -> float:
    return round(time.monotonic() - start, 2)

"""From contacts, identifiers and stewards' decisions to a partition with its evidence, in memory.

Nothing here knows of ids that last, of the warehouse or of state: the same for the pipeline and for any other table.
"""

import time
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.identity import identifiers, model, people, tables, training
from orchestration.identity.link import link

_SEED = 1


def solve(
    con: duckdb.DuckDBPyConnection,
    inputs: dict[str, Any],
    *,
    model_path: Path | None,
    retrain: bool = False,
    duplicate_free: frozenset[str] = frozenset(),
) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """Partition, links and skipped identifiers of the inputs (ids not yet given), and figures of the run.

    `duplicate_free` sources know each person once, so that no person gets two of their records.
    """
    seconds: dict[str, float] = {}
    for name in ("contacts", "identifiers", "decisions"):
        con.register(f"{name}_in", inputs[name])
    step = time.monotonic()
    trained = link(con, "contacts_in", model_path=model_path, seed=_SEED, retrain=retrain)
    seconds["link"] = _since(step)
    step = time.monotonic()
    identifiers.prepare(con, "identifiers_in")
    _make_decided(con)
    con.register("sure_in", identifiers.sure_links(con))
    con.execute("create or replace table sure as select i_l, i_r, rule from sure_in")
    _cluster(con, duplicate_free, trained["join"])
    identifiers.attach(con)
    seconds["cluster"] = _since(step)
    partition = con.execute(
        "select record_id, person from clusters inner join nodes using (i) order by i"
    ).to_arrow_table()
    solved = {
        "partition": partition,
        "links": con.execute(tables.links_sql([field.name for field in training.fields(trained)])).to_arrow_table(),
        "skipped_identifiers": con.execute("select * from skipped_identifiers order by all").to_arrow_table(),
    }
    sizes = np.unique(partition["person"].to_numpy(), return_counts=True)[1]
    return solved, {
        "records": partition.num_rows,
        "pairs_scored": con.execute("select count(*) from scored").fetchall()[0][0],
        "people": len(sizes),
        "singletons": int((sizes == 1).sum()),
        "largest_person": int(sizes.max(initial=0)),
        "skipped_identifiers": solved["skipped_identifiers"].num_rows,
        "decisions": inputs["decisions"].num_rows,
        "model_version": model.VERSION,
        "seconds": seconds,
    }


def _make_decided(con: duckdb.DuckDBPyConnection) -> None:
    """Tables `apart` and `together` (i_l, i_r): stewards' decisions on records that are there."""
    for table, decision in (("apart", "cannot"), ("together", "must")):
        con.execute(
            f"create or replace table {table} as select l.i as i_l, r.i as i_r from decisions_in "
            "inner join nodes as l on l.record_id = record_id_l inner join nodes as r on r.record_id = record_id_r "
            f"where decision = '{decision}' order by all"
        )


def _cluster(con: duckdb.DuckDBPyConnection, duplicate_free: frozenset[str], join: float) -> None:
    """Table `clusters` (i, person): the partition before thin records are attached."""
    count = con.execute("select count(*) from nodes").fetchall()[0][0]
    pairs = _edges(
        con,
        f"select l.i, r.i, case when veto is null then match_weight else {model.VETO_WEIGHT} end from scored "
        "inner join records as a on a.n = n_l inner join nodes as l on l.record_id = a.record_id "
        "inner join records as b on b.n = n_r inner join nodes as r on r.record_id = b.record_id order by 1, 2",
    )
    sure = _edges(con, "select i_l, i_r, 1 from sure union all select i_l, i_r, 2 from together order by all")
    apart = _edges(con, "select i_l, i_r, 0 from apart order by all")
    person = people.partition(count, pairs, sure, apart, only_one=_only_one(con, duplicate_free), join=join)
    con.register("clusters_in", pa.table({"i": pa.array(range(count), pa.int64()), "person": person}))
    con.execute("create or replace table clusters as select i, person from clusters_in")
    con.unregister("clusters_in")


def _only_one(con: duckdb.DuckDBPyConnection, duplicate_free: frozenset[str]) -> np.ndarray | None:
    """A bit for each duplicate-free source, by record `i`; None where no source is."""
    if not duplicate_free:
        return None
    bits = pa.table({"source": sorted(duplicate_free), "bit": [1 << place for place in range(len(duplicate_free))]})
    con.register("only_one_in", bits)
    read = con.execute(
        "select cast(coalesce(bit, 0) as ubigint) as bit from nodes left join records using (record_id) "
        "left join only_one_in using (source) order by i"
    ).fetchnumpy()["bit"]
    con.unregister("only_one_in")
    return read.astype(np.uint64)


def _edges(con: duckdb.DuckDBPyConnection, query: str) -> people.Edges:
    left, right, weight = con.execute(query).fetchnumpy().values()
    return people.Edges(left.astype(np.int64), right.astype(np.int64), weight.astype(np.float64))


def _since(start: float) -> float:
    return round(time.monotonic() - start, 2)

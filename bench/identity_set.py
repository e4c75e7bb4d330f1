"""One set with known truth through `tessera link`, and what came out against that truth: a process of its own.

`python -m bench.identity_set SET.parquet FOLDER SOURCES`: figures as JSON in the last line printed. Other tools are
in `identity_splink` and `identity_ecm`.
"""

import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
import numpy as np
import pyarrow as pa

from bench import identity_confidence
from orchestration.demo import baselines
from orchestration.identity import identifiers, people, records
from orchestration.identity.any_table import run
from orchestration.identity.metrics import partition_metrics

# Never evidence: what the set's makers know.
ANSWERS = ("truth_id", "match_type")
JOINS = np.arange(12.0, -6.5, -0.5)
_LINKS = "record_id_l, record_id_r, link_type"
_RECORDS = (
    "first_name", "last_name", "birth_date", "email", "phone", "national_id", "city", "postal_code", "street",
    "company", "job_title", "occupation", "birth_place",
)  # fmt: skip


class _Silent:
    def roles(self, guesses: list[Any]) -> None: ...

    def say(self, text: str) -> None: ...


def measured(path: Path, folder: Path, duplicate_free: list[str]) -> dict[str, Any]:
    """Figures of the set; in the folder `truth.parquet`, and `records.parquet` as the engine compares them."""
    con = duckdb.connect()
    read = f"from read_parquet('{path}')"
    given = [row[0] for row in con.execute(f"describe {read}").fetchall()]
    known = ", ".join(name for name in ANSWERS if name in given)
    con.execute(f"copy (select * exclude ({known}) {read}) to '{folder}/set.parquet'")
    con.execute(f"create table truth as select trim(record_id::varchar) as record_id, truth_id as person_id {read}")
    con.execute("create table links (record_id_l varchar, record_id_r varchar, link_type varchar)")
    con.execute(f"copy truth to '{folder}/truth.parquet'")
    request = run.Request(folder / "set.parquet", folder / "people.parquet", duplicate_free=duplicate_free)
    with _watched(con, folder) as seen:
        figures = run.link_table(request, _Silent())
    con.execute(
        "create table found as select trim(record_id::varchar) as record_id, person_id, match_confidence "
        f"from read_parquet('{request.output}')"
    )
    scores = partition_metrics(con, "found", "truth")
    if "curve" in seen and abs(seen["curve"][f"{figures['model']['join']:g}"]["pair_f1"] - scores["pair_f1"]) > 1e-9:
        sys.exit(f"{path}: looking at the engine changed what it does, or it cut elsewhere than its model says")
    return {
        "records": figures["records"],
        "pairs_scored": figures["pairs_scored"],
        "seconds": figures["seconds"]["total"] - seen.pop("aside"),
        "megabytes": seen.pop("megabytes", _megabytes()),
        "is_trained": figures["model"].get("is_trained", False),
        "model_version": figures["model_version"],
        "tessera": scores,
        "calibration": identity_confidence.calibration(con),
        "gates": identity_confidence.gates(con),
        "exact_keys": _exact_keys(con, folder),
        **seen,
    }


@contextmanager
def _watched(truth: duckdb.DuckDBPyConnection, folder: Path) -> Iterator[dict[str, Any]]:
    """The engine as it is, looked at where its tables are there: records as compared, and its pairs cut elsewhere too.

    What it gives does not change; `aside` is the time that looking took.
    """
    seen: dict[str, Any] = {"aside": 0.0}
    given: dict[str, Any] = {}
    prepare, cut, attach, solve = records.prepare, people.partition, identifiers.attach, run.solve

    def watched_prepare(con: duckdb.DuckDBPyConnection, *args: Any) -> Any:
        made = prepare(con, *args)
        with _aside(seen):
            _keep_records(con, folder)
        return made

    def watched_cut(*args: Any, **options: Any) -> np.ndarray:
        given.update(args=args, options=options)
        return cut(*args, **options)

    def watched_attach(con: duckdb.DuckDBPyConnection) -> Any:
        with _aside(seen):
            con.register("truth_in", truth.execute("from truth").to_arrow_table())
            con.execute("create or replace temp table truth_of as from truth_in")
            curve = _curve(con, given, cut, attach)
            seen.update({"join": given["options"]["join"], "curve": curve, "blocking_recall": _blocking_recall(con)})
            _put_clusters(con, cut(*given["args"], **given["options"]))
        return attach(con)

    def watched_solve(*args: Any, **options: Any) -> tuple[dict[str, Any], Any]:
        solved, figures = solve(*args, **options)
        seen["megabytes"] = _megabytes()
        truth.register("links_in", solved["links"])
        truth.execute(f"insert into links select {_LINKS} from links_in")
        return solved, figures

    with (
        patch.object(records, "prepare", watched_prepare),
        patch.object(people, "partition", watched_cut),
        patch.object(identifiers, "attach", watched_attach),
        patch.object(run, "solve", watched_solve),
    ):
        yield seen


@contextmanager
def _aside(seen: dict[str, Any]) -> Iterator[None]:
    started = time.monotonic()
    yield
    seen["aside"] += time.monotonic() - started


def _keep_records(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """The records as the engine compares them, for the other tools: they are not worse off for being less clean."""
    there = [row[0] for row in con.execute("describe records").fetchall()]
    kept = ", ".join(["record_id", *(name if name in there else f"null::varchar as {name}" for name in _RECORDS)])
    for kind in ("parquet", "csv"):
        con.execute(f"copy (select {kept} from records order by record_id) to '{folder}/records.{kind}'")


def _put_clusters(con: duckdb.DuckDBPyConnection, label: np.ndarray) -> None:
    con.register("cut_in", pa.table({"i": pa.array(range(len(label)), pa.int64()), "person": label}))
    con.execute("create or replace temp table clusters as from cut_in")
    con.unregister("cut_in")


def _curve(con: duckdb.DuckDBPyConnection, given: dict[str, Any], cut: Any, attach: Any) -> dict[str, dict[str, float]]:
    """Pair F1 by threshold: what the engine's pairs would give had it cut them there.

    Thresholds fall, so each cut begins where the one before ended, leftovers aside: for a mean that is the same as from
    the beginning.
    """
    count, pairs, sure, apart = given["args"]
    options = given["options"]
    curve, begun = {}, sure
    for join in sorted({*JOINS.tolist(), float(options["join"])}, reverse=True):
        label = cut(count, pairs, begun, apart, **(options | {"join": join, "join_leftovers": False}))
        begun = people.Edges(
            np.concatenate([sure.left, np.arange(count)]),
            np.concatenate([sure.right, label]),
            np.concatenate([sure.weight, np.ones(count)]),
        )
        if options["join_leftovers"]:
            label = cut(count, pairs, begun, apart, **(options | {"join": join}))
        _put_clusters(con, label)
        if con.execute("select count(*) from nodes where is_thin").fetchall()[0][0]:
            attach(con)
        con.execute(
            "create or replace temp table cut_found as select record_id, coalesce(person::varchar, 'alone ' || "
            "record_id) as person_id from truth_of left join (nodes inner join clusters using (i)) using (record_id)"
        )
        scores = partition_metrics(con, "cut_found", "truth_of")
        curve[f"{join:g}"] = {name: scores[name] for name in ("pair_f1", "precision", "recall")}
    return curve


def _blocking_recall(con: duckdb.DuckDBPyConnection) -> float | None:
    """The share of true pairs that were looked at; None where this engine keeps no such tables."""
    tables = {row[0] for row in con.execute("select distinct table_name from duckdb_tables()").fetchall()}
    if not {"candidates", "weak", "missing", "nodes"} <= tables:
        return None
    looked = " union ".join(f"select n_l, n_r from {table}" for table in ("candidates", "weak", "missing"))
    return con.execute(
        "with numbered as (select n, person_id from truth_of inner join nodes using (record_id)), "
        f"found as (select count(*) as pairs from ({looked}) inner join numbered as l on l.n = n_l "
        "inner join numbered as r on r.n = n_r where l.person_id = r.person_id), "
        "every as (select sum(size * (size - 1) / 2) as pairs from "
        "(select count(*) as size from truth_of group by person_id)) "
        "select found.pairs / every.pairs from found, every"
    ).fetchall()[0][0]


def _exact_keys(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, float]:
    """Equal e-mail, phone, national id, or name and birth date, cleaned as the engine cleans them."""
    con.execute(
        "create temp view keyed as select record_id, email as email_std, phone as phone_std, national_id as "
        "loyalty_number, first_name || ' ' || last_name as full_name_std, birth_date from "
        f"truth left join read_parquet('{folder}/records.parquet') using (record_id)"
    )
    baselines.exact_keys(con, "keyed", "by_exact_keys")
    return partition_metrics(con, "by_exact_keys", "truth")


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    print(json.dumps(measured(Path(sys.argv[1]), Path(sys.argv[2]), [name for name in sys.argv[3].split(",") if name])))

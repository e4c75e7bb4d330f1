"""Figures of every run, kept in the state database, and served with the review queue; one measurement a partition.

What is counted is in `measures`, `symptoms` and `labels`.
"""

import hashlib
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.identity import serving, state, versions
from orchestration.identity.explain import evidence
from orchestration.identity.quality import limits, measures, pairs, symptoms
from orchestration.identity.quality.measures import Figure
from orchestration.identity.review import labels, queue
from orchestration.settings import Settings
from orchestration.warehouse import engine

_TABLES = """
    create table if not exists identity.quality_runs (
        run_no bigint, run_id varchar, as_of date, model_version varchar, mark varchar, recorded_at timestamp
    );
    create table if not exists identity.quality (
        run_id varchar, measure varchar, bucket varchar, bucket_no bigint, value double, limit_low double,
        limit_high double, is_within boolean
    );
"""
_SERVED = (
    "select run_no, run_id, as_of as as_of_date, model_version, recorded_at, measure, meaning, bucket, bucket_no, "
    "value, limit_low, limit_high, is_within from identity.quality inner join identity.quality_runs using (run_id) "
    "inner join meanings_in using (measure) order by run_no, measure, bucket_no nulls first"
)
TABLES = ("quality", "review_queue")


@dataclass(frozen=True)
class Measured:
    """The figures of the partition that is served; `is_new` when they were counted just now."""

    run_id: str
    figures: list[Figure]
    is_new: bool


def measure(settings: Settings, *, as_of: date | None) -> Measured:
    """Measure the partition that is served and choose the review queue; nothing is done twice for one partition.

    Raises NothingResolvedError before the first run.
    """
    with engine.reading(settings) as con:
        run = serving.current_run(con)
        if run is None:
            raise evidence.NothingResolvedError("nobody was resolved yet: run `tessera run daily` first")
        mark = _mark(con, run[1])
        if all(engine.table_exists(con, "identity", name, "warehouse") for name in TABLES):
            known = _known(con, run[0], mark)
            if known:
                return Measured(run[0], known, is_new=False)
        figures, answers, settled = measures.changed(con, run[0]), labels.read(con), _settled(con)
    with pairs.judged(settings) as (con, trained, share):
        join_weight = evidence.join_weight(trained)
        figures += (
            measures.measured(con, share)
            + symptoms.symptoms(con, join_weight, share)
            + symptoms.estimated(trained)
            + labels.measured(con, trained, answers)
        )
        chosen = queue.chosen(con, join_weight=join_weight, settled=settled)
    with engine.writing_state(settings) as con:
        con.execute("begin transaction")
        figures = _write(con, (run[0], as_of, versions.of(versions.path(settings)), mark), figures)
        con.register("meanings_in", _meanings())
        served = con.execute(_SERVED).to_arrow_table()
        con.execute("commit")
    serving.serve(settings, {"quality": served, "review_queue": chosen})
    return Measured(run[0], figures, is_new=True)


def _meanings() -> pa.Table:
    told = {name: limit.what for name, limit in limits.MEASURES.items()}
    return pa.table({"measure": list(told), "meaning": list(told.values())})


def _mark(con: duckdb.DuckDBPyConnection, fingerprint: str) -> str:
    """What a measurement depends on: the partition, labels, decisions, and how it is made."""
    numbers = [
        con.execute(f"select max({column}) from state.identity.{table}").fetchall()[0][0]
        if engine.table_exists(con, "identity", table, "state")
        else None
        for table, column in (("labels", "label_no"), ("decisions", "decision_no"))
    ]
    return f"{fingerprint} {numbers} {_code()}"


@lru_cache(maxsize=1)
def _code() -> str:
    """What counts and chooses: an upgrade measures anew."""
    here = Path(__file__).parent
    files = sorted([*here.glob("*.py"), *(here.parent / "review").glob("*.py")])
    return hashlib.md5(b"".join(file.read_bytes() for file in files)).hexdigest()[:10]


def _known(con: duckdb.DuckDBPyConnection, run_id: str, mark: str) -> list[Figure]:
    if not engine.table_exists(con, "identity", "quality_runs", "state"):
        return []
    return con.execute(
        "select measure, bucket, value from state.identity.quality semi join (select run_id from "
        "state.identity.quality_runs where run_id = ? and mark = ?) using (run_id) order by measure, bucket_no",
        [run_id, mark],
    ).fetchall()


def _settled(con: duckdb.DuckDBPyConnection) -> pa.Table:
    """Pairs that a steward has looked at: labels and decisions."""
    settled = set(labels.read(con))
    if engine.table_exists(con, "identity", "decisions", "state"):
        settled |= set(con.execute("select record_id_l, record_id_r from state.identity.decisions").fetchall())
    schema = pa.schema({"record_id_l": pa.string(), "record_id_r": pa.string()})
    return pa.Table.from_pylist([dict(zip(schema.names, pair, strict=True)) for pair in sorted(settled)], schema)


def _write(con: duckdb.DuckDBPyConnection, run: tuple[str, date | None, str, str], found: list[Figure]) -> list[Figure]:
    """Replace what was measured of this run (id, business day, model version, mark), and add how it differs from the
    run before; returns all figures.
    """
    run_id = run[0]
    state.create_tables(con)
    con.execute(_TABLES)
    con.execute("delete from identity.quality where run_id = ?", [run_id])
    con.execute("delete from identity.quality_runs where run_id = ?", [run_id])
    before = con.execute(
        "select value from identity.quality inner join identity.quality_runs using (run_id) "
        "where measure = 'people' order by run_no desc limit 1"
    ).fetchall()
    now = {measure: value for measure, bucket, value in found if bucket is None}
    if before and before[0][0] and now.get("people"):
        found = [*found, ("people_change", None, now["people"] / before[0][0] - 1)]
    con.execute(
        "insert into identity.quality_runs select coalesce(max(run_no), 0) + 1, ?, ?, ?, ?, ? "
        "from identity.quality_runs",
        [*run, state.now()],
    )
    places: dict[str, int] = {}
    for name, bucket, value in found:
        places[name] = places.get(name, 0) + 1
        limit = limits.MEASURES[name]
        con.execute(
            "insert into identity.quality values (?, ?, ?, ?, ?, ?, ?, ?)",
            [run_id, name, bucket, places[name] if bucket else None, value, limit.low, limit.high,
             measures.judgement(found, name, bucket, value)],
        )  # fmt: skip
    return found

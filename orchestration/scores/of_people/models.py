"""Where trained scores are kept: a file a version beside the warehouse, and what is known of it in the state database.

A model is trusted as code is: it is written by this program and read by nobody else.
"""

import hashlib
import json
import os
import pickle
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from orchestration.scores.of_people.learned import Learned
from orchestration.settings import Settings
from orchestration.warehouse import engine

# models: one row per version, the latest of a score is in use. measures, tenths: how good each was. runs: what a
# version said on a day, by column that is watched.
TABLES = """
    create schema if not exists scores;
    create table if not exists scores.models (
        score varchar, model_version varchar, trained_date date, first_day date, count_cases bigint, methods varchar,
        notes varchar, library varchar, run_id varchar, recorded_at timestamp
    );
    create table if not exists scores.measures (
        score varchar, model_version varchar, target varchar, method varchar, is_baseline boolean, is_used boolean,
        measure varchar, value double, holdout_date date, horizon_days integer, count_cases bigint
    );
    create table if not exists scores.tenths (
        score varchar, model_version varchar, target varchar, tenth integer, count_people bigint, said double,
        came double, lift double
    );
    create table if not exists scores.runs (
        score varchar, model_version varchar, target varchar, as_of date, count_people bigint, mean double,
        stability_index double, run_id varchar
    );
"""


@dataclass(frozen=True)
class Kept:
    """A model in use and its version."""

    version: str
    learned: Learned


def library() -> str:
    """What a kept model needs to be read: another version of it may not understand the file."""
    import sklearn

    return f"scikit-learn {sklearn.__version__}"


def _file(settings: Settings, score: str, version: str) -> Path:
    return settings.root / "scores" / "models" / f"{score}-{version}.pickle"


def keep(settings: Settings, score: str, learned: Learned, run_id: str) -> Kept:
    """Keep a model and make it the one in use."""
    content = pickle.dumps(learned)
    version = f"{learned.last_day:%Y%m%d}-{hashlib.md5(content).hexdigest()[:8]}"
    file = _file(settings, score, version)
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".tmp")
    unfinished.write_bytes(content)
    os.replace(unfinished, file)
    with engine.writing_state(settings) as con:
        con.execute(TABLES)
        con.execute("begin")
        for table in ("models", "measures", "tenths"):
            con.execute(f"delete from scores.{table} where score = ? and model_version = ?", [score, version])
        con.execute(
            "insert into scores.models values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [score, version, learned.last_day, learned.first_day, learned.count_cases, json.dumps(learned.chosen),
             "; ".join(learned.notes), library(), run_id, datetime.now(UTC).replace(tzinfo=None)],
        )  # fmt: skip
        _record(con, score, version, learned)
        con.execute("commit")
    return Kept(version, learned)


def _record(con: duckdb.DuckDBPyConnection, score: str, version: str, learned: Learned) -> None:
    if learned.measures:
        con.executemany(
            "insert into scores.measures values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [[score, version, *vars(one).values()] for one in learned.measures],
        )
    rows = [[score, version, target, *row] for target, tenths in learned.tenths.items() for row in tenths]
    if rows:
        con.executemany("insert into scores.tenths values (?, ?, ?, ?, ?, ?, ?, ?)", rows)


def in_use(settings: Settings, score: str) -> Kept | None:
    """The latest model; None when there is none, or its file is gone or of another library version."""
    if not settings.state.exists():
        return None
    with engine.writing_state(settings) as con:
        con.execute(TABLES)
        found = con.execute(
            "select model_version, library from scores.models where score = ? order by recorded_at desc limit 1",
            [score],
        ).fetchall()
    if not found or found[0][1] != library() or not _file(settings, score, found[0][0]).exists():
        return None
    return Kept(found[0][0], pickle.loads(_file(settings, score, found[0][0]).read_bytes()))


def age_days(kept: Kept, as_of: date) -> int:
    """Days since the model was trained."""
    return (as_of - kept.learned.last_day).days

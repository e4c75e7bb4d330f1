"""Pairs of records and how likely each is one person: candidates, a model trained by Splink, scores.

Says how likely two records are one person; which records become one person is decided in `people`.
"""

import json
import os
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.identity import blocking, comparisons, model, records, scoring, training
from orchestration.identity.components import components


def link(
    con: duckdb.DuckDBPyConnection, contacts_relation: str, *, model_path: Path | None, seed: int, retrain: bool = False
) -> dict[str, Any]:
    """Make table `scored`: n_l, n_r, match_weight (log2 odds), match_probability, veto (text or null),
    weight_<field> (what each field adds against strangers; 0 where a value is missing). Returns the model.

    `con` must be an in-memory connection: Splink leaves tables in it. The model at `model_path` is used when it is
    there and `retrain` is not asked; else it is trained without labels and saved there. Table `records` stays in
    `con`.
    """
    records.prepare(con, contacts_relation)
    count = con.execute("select count(*) from records").fetchall()[0][0]
    scoring.make_frequencies(con, comparisons.fields(records.filled_columns(con)))
    trained = _load(model_path, count) if model_path and not retrain else None
    if trained is None:
        trained = _train(con, seed)
        if model_path and count:
            _save(trained, model_path)
    else:
        blocking.make_blocks(con, trained["keys"])
        blocking.make_candidates(con)
        scoring.score(con, trained, "candidates", is_new=True)
    _make_missing(con, count)
    scoring.score(con, trained, "missing")
    return trained


def _train(con: duckdb.DuckDBPyConnection, seed: int) -> dict[str, Any]:
    """A model of table `records`; leaves `blocks`, `candidates` and `scored` as this model has them."""
    keys = blocking.chosen_keys(con)
    blocking.make_blocks(con, keys)
    blocking.make_candidates(con)
    trained = training.train(con, seed=seed)
    scoring.score(con, trained, "candidates", is_new=True)
    if trained["is_trained"]:
        before, trained = trained, training.fit_households(con, trained)
        scoring.weigh_again(con, before, trained)
    trained["keys"] = blocking.useful_keys(con, keys)
    if len(trained["keys"]) < len(keys):
        blocking.make_blocks(con, trained["keys"])
        blocking.make_candidates(con)
    # Not by changing the weights at hand: a saved model is to give the same to the last digit.
    scoring.score(con, trained, "candidates", is_new=True)
    return trained


def _load(path: Path, count: int) -> dict[str, Any] | None:
    """The saved model; None if there is none of this version, or it never learned and now could."""
    if not path.exists():
        return None
    saved = json.loads(path.read_text(encoding="utf-8"))
    if saved["version"] != model.VERSION or (not saved["is_trained"] and count >= model.MIN_TRAINING_RECORDS):
        return None
    return saved


def _save(trained: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps({"version": model.VERSION} | trained, indent=1, sort_keys=True), encoding="utf-8")
    os.replace(unfinished, path)


def _make_missing(con: duckdb.DuckDBPyConnection, count: int) -> None:
    """Table `missing`: pairs inside one component that no blocking key brought together."""
    edges = con.execute(
        "select n_l, n_r from scored where match_weight >= ? and veto is null", [model.COMPONENT_MATCH_WEIGHT]
    ).fetchnumpy()
    label = components(count + 1, edges["n_l"], edges["n_r"])
    con.register("labels_in", pa.table({"n": pa.array(range(count + 1)), "component": label}))
    con.execute(
        "create or replace temp table members as select n, component from labels_in "
        "where n > 0 qualify count(*) over (partition by component) between 2 and ?",
        [model.MAX_COMPLETED_COMPONENT],
    )
    con.unregister("labels_in")
    con.execute(
        "create or replace table missing as select '0' as match_key, l.n as join_key_l, r.n as join_key_r "
        "from members as l join members as r on l.component = r.component and l.n < r.n "
        "anti join candidates as c on c.join_key_l = l.n and c.join_key_r = r.n"
    )

"""The model of a table of contacts: trained by Splink and kept as a file, and the records it is trained on.

Says how likely two records are one person; which records become one person is decided in `people`.
"""

import json
import os
from pathlib import Path
from typing import Any

import duckdb

from orchestration.identity import (
    blocking,
    comparisons,
    dictionaries,
    frequencies,
    model,
    namesakes,
    records,
    sampling,
    scoring,
    three_classes,
    thresholds,
    training,
)


def load(con: duckdb.DuckDBPyConnection, path: Path, count: int) -> dict[str, Any] | None:
    """The saved model, and its table `dictionary`; None if there is none of this version, or it could now learn.

    `count` is the number of contacts there are.
    """
    if not path.exists():
        return None
    saved = json.loads(path.read_text(encoding="utf-8"))
    could_learn = not saved["is_trained"] and count >= model.MIN_TRAINING_RECORDS
    is_whole = (path.parent / saved.get("dictionary", "missing")).exists()
    if saved["version"] != model.VERSION or could_learn or not is_whole:
        return None
    dictionaries.load(con, path.parent / saved["dictionary"])
    return saved


def train(con: duckdb.DuckDBPyConnection, relation: str, *, path: Path | None, seed: int) -> dict[str, Any]:
    """A model of a relation of contacts, saved at the path; leaves tables `records` and `dictionary`.

    `con` must be an in-memory connection: Splink leaves tables in it.
    """
    dictionaries.begin(con)
    known = records.prepare(con, relation)
    usual = comparisons.frequency_columns(comparisons.fields(records.filled_columns(con)))
    rare = frequencies.learn(con, usual)
    frequencies.rate(con, {"rare": rare, "lifts": {}}, "records", "rated")
    frequencies.make_lookups(con, rare)
    keys = blocking.chosen_keys(con)
    relation = f"(select n, {', '.join(blocking.hashes(keys))} from records)"
    blocking.make_blocks(con, keys, relation, None)
    share = sampling.draw(con)
    blocking.make_candidates(con, "drawn" if share < 1 else None)
    trained = training.train(con, seed=seed)
    scoring.score(con, trained, "candidates", "scored")
    if trained["is_trained"]:
        trained = namesakes.lifted(con, trained)
        frequencies.rate(con, trained | {"rare": rare}, "records", "rated")
        frequencies.make_lookups(con, rare)
        scoring.score(con, trained, "candidates", "scored")
        before, trained = trained, three_classes.fit(con, trained, share)
        scoring.weigh_again(con, before, trained)
        if share < 1:
            sampling.complete(con, trained)
        trained["join"], trained["estimated_f1"] = thresholds.chosen(con, trained)
    trained["component"] = model.component_weight(trained["join"], join_leftovers=trained["join_leftovers"])
    keys = blocking.useful_keys(con, keys, trained["component"])
    trained |= {"keys": keys, "known": known, "rare": rare, "version": model.VERSION}
    if path and trained["count_records"]:
        _save(con, trained, path)
    return trained


def _save(con: duckdb.DuckDBPyConnection, trained: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    trained["dictionary"] = dictionaries.save(con, path.parent)
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(trained, indent=1, sort_keys=True), encoding="utf-8")
    os.replace(unfinished, path)

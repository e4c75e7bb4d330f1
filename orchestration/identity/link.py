"""Scores of pairs of records, by Splink, in the caller's in-memory connection.

Says how likely two records are one person; which records become one person is decided in `people`.
"""

import json
import logging
import os
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.identity import frequencies, model, records
from orchestration.identity.components import components

_log = logging.getLogger(__name__)
# Rounding makes a trained model the same file on engines that add in another order.
_DIGITS = 9
_PRIOR_DIGITS = 12
# Rounds of fitting the prior, and how far it may go from the first guess.
_PRIOR_ROUNDS = 30
_PRIOR_FACTOR = 8.0


def link(
    con: duckdb.DuckDBPyConnection, contacts_relation: str, *, model_path: Path | None, seed: int, retrain: bool = False
) -> pa.Table:
    """Every scored pair: record_id_l < record_id_r, match_weight (log2 odds), match_probability, veto (text or null),
    weight_<field> (what each field adds to match_weight; 0 where a value is missing).

    `con` must be an in-memory connection: Splink leaves tables in it. The model at `model_path` is used when it is
    there and `retrain` is not asked; else it is trained without labels and saved there. Table `records` stays in
    `con`.
    """
    records.prepare(con, contacts_relation)
    count = con.execute("select count(*) from records").fetchall()[0][0]
    _make_candidates(con)
    settings = _load(model_path, count) if model_path and not retrain else None
    if settings is None:
        settings = train(con, seed=seed)
        if model_path and count:
            _save(settings, count, model_path)
    linker = _linker(con, settings)
    con.execute("drop table if exists scored")
    _score(con, linker, "candidates")
    _make_missing(con, count)
    _score(con, linker, "missing")
    return con.execute(
        "select l.record_id as record_id_l, r.record_id as record_id_r, scored.* exclude (n_l, n_r) from scored "
        "join records as l on scored.n_l = l.n join records as r on scored.n_r = r.n order by n_l, n_r"
    ).to_arrow_table()


def train(con: duckdb.DuckDBPyConnection, *, seed: int) -> dict[str, Any]:
    """Splink settings with probabilities learned from table `records`; no labels, the same for a seed."""
    from splink import block_on

    prior = _prior(con)
    linker = _linker(con, _settings(prior))
    if con.execute("select count(*) from records").fetchall()[0][0] < model.MIN_TRAINING_RECORDS:
        return linker.misc.save_model_to_json()
    linker.training.estimate_u_using_random_sampling(
        max_pairs=model.MAX_TRAINING_PAIRS, seed=seed, min_count_per_level=None, num_chunks=1
    )
    for columns in model.TRAINING_BLOCKS:
        if not _has_pairs(con, columns):
            _log.info("identity model: no two records share %s; nothing to learn from it", " and ".join(columns))
            continue
        linker.training.estimate_parameters_using_expectation_maximisation(
            block_on(*columns), estimate_without_term_frequencies=True, max_pairs=model.MAX_TRAINING_PAIRS
        )
    return _with_fitted_prior(con, _settled(linker.misc.save_model_to_json(), prior))


def _with_fitted_prior(con: duckdb.DuckDBPyConnection, settings: dict[str, Any]) -> dict[str, Any]:
    """The settings with the share of matches that the scores of all candidates imply, instead of the first guess."""
    con.execute("drop table if exists scored")
    _score(con, _linker(con, settings), "candidates")
    weight = con.execute("select match_weight from scored where veto is null").fetchnumpy()["match_weight"]
    count = con.execute("select count(*) from records").fetchall()[0][0]
    first = settings["probability_two_random_records_match"]
    bayes_factor = np.exp2(weight) * (1 - first) / first
    share = first
    for _ in range(_PRIOR_ROUNDS):
        matches = (bayes_factor * share / (bayes_factor * share + 1 - share)).sum()
        share = float(matches / (count * (count - 1) / 2))
    bounded = min(max(share, first / _PRIOR_FACTOR), first * _PRIOR_FACTOR, 0.5)
    return settings | {"probability_two_random_records_match": round(bounded, _PRIOR_DIGITS)}


def _has_pairs(con: duckdb.DuckDBPyConnection, columns: tuple[str, ...]) -> bool:
    keys = ", ".join(columns)
    filled = " and ".join(f"{column} is not null" for column in columns)
    shared = f"select 1 from records where {filled} group by {keys} having count(*) > 1"
    return con.execute(f"select count(*) from ({shared})").fetchall()[0][0] > 0


def _prior(con: duckdb.DuckDBPyConnection) -> float:
    """The chance that two random records are one person, from pairs that surely are and a guess of their share."""
    pairs = " union ".join(
        f"select l.n as l, r.n as r from (select n, {key} as k from records) as l "
        f"join (select n, {key} as k from records) as r on l.k = r.k and l.n < r.n"
        for key in model.PRIOR_KEYS.values()
    )
    sure = con.execute(f"select count(*) from ({pairs})").fetchall()[0][0]
    count = con.execute("select count(*) from records").fetchall()[0][0]
    return min(max(sure, 1) / model.DETERMINISTIC_RECALL / max(count * (count - 1) / 2, 1), 0.5)


def _settings(prior: float) -> Any:
    from splink import SettingsCreator, block_on

    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="n",
        linker_uid="identity",
        probability_two_random_records_match=prior,
        comparisons=model.comparisons(),
        blocking_rules_to_generate_predictions=[block_on("email")],
        retain_intermediate_calculation_columns=True,
        retain_matching_columns=False,
    )


def _linker(con: duckdb.DuckDBPyConnection, settings: Any) -> Any:
    from splink import DuckDBAPI, Linker

    logging.getLogger("splink").setLevel(logging.ERROR)
    api = DuckDBAPI(connection=con)
    linker = Linker(api.register(con.sql("select * from records")), settings, log_level=None, validate_settings=False)
    for column, query in frequencies.queries(con):
        linker.table_management.register_term_frequency_lookup(api.register(con.sql(query)), column)
    return linker


def _settled(trained: dict[str, Any], prior: float) -> dict[str, Any]:
    """Trained settings without excesses: each probability stays within a factor of what people data looks like.

    A level that few pairs reach would else be learned from noise.
    """
    usual = _settings(prior).create_settings_dict(sql_dialect_str="duckdb")
    for comparison, usual_comparison in zip(trained["comparisons"], usual["comparisons"], strict=True):
        for level, usual_level in zip(
            comparison["comparison_levels"], usual_comparison["comparison_levels"], strict=True
        ):
            for name in ("m_probability", "u_probability"):
                if name in level:
                    if name == "u_probability":
                        # Among the pairs sampled for chance agreement are a few of one person.
                        level[name] = (level[name] - prior * level["m_probability"]) / (1 - prior)
                    low = usual_level[name] / model.MAX_TRAINED_FACTOR
                    high = min(usual_level[name] * model.MAX_TRAINED_FACTOR, 0.9999)
                    level[name] = round(min(max(level[name], low), high), _DIGITS)
    return trained


def _load(path: Path, count: int) -> dict[str, Any] | None:
    """The saved model, its prior moved to today's number of records; None if there is none for this version."""
    if not path.exists():
        return None
    saved = json.loads(path.read_text(encoding="utf-8"))
    if saved["version"] != model.VERSION:
        return None
    settings = saved["settings"]
    # A record has as many partners as before, but more strangers to be mistaken for them.
    prior = settings["probability_two_random_records_match"] * saved["count_records"] / max(count, 1)
    settings["probability_two_random_records_match"] = min(prior, 0.5)
    return settings


def _save(settings: dict[str, Any], count: int, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    saved = {"version": model.VERSION, "count_records": count, "settings": settings}
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(saved, indent=1, sort_keys=True), encoding="utf-8")
    os.replace(unfinished, path)


def _make_candidates(con: duckdb.DuckDBPyConnection) -> None:
    """Table `candidates`: pairs that share a blocking key, each once, in Splink's form."""
    con.execute(
        "create or replace table candidates as "
        "select distinct '0' as match_key, l.n as join_key_l, r.n as join_key_r from blocks as l "
        "join blocks as r on l.rule_no = r.rule_no and l.block_key = r.block_key and l.n < r.n"
    )


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


def _score(con: duckdb.DuckDBPyConnection, linker: Any, pairs: str) -> None:
    """Append the pairs of a table to table `scored`, with the veto that holds for each."""
    exists = con.execute("select count(*) from information_schema.tables where table_name = 'scored'").fetchall()[0][0]
    if exists and not con.execute(f"select count(*) from {pairs}").fetchall()[0][0]:
        return
    linker.table_management.register_blocked_pairs_for_predict(linker._db_api.register(pairs, table_name=pairs))
    predicted = linker.inference.predict(warning_mode="never")
    given = _columns(con, predicted.physical_name)
    adjusted = {field: f" + p.mw_tf_adj_{field}" if f"mw_tf_adj_{field}" in given else "" for field in model.fields()}
    evidence = ", ".join(f"cast(p.mw_{field}{more} as real) as weight_{field}" for field, more in adjusted.items())
    select = (
        f"with judged as (select p.n_l, p.n_r, round(p.match_weight, 4) as weight, {veto()} as veto, {evidence} "
        f"from {predicted.physical_name} as p join records as l on p.n_l = l.n join records as r on p.n_r = r.n), "
        f"bounded as (select *, case when {model.is_household_only()} then least(weight, "
        f"{model.HOUSEHOLD_MATCH_WEIGHT}) "
        "else weight end as match_weight from judged) "
        "select n_l, n_r, match_weight, 1 / (1 + pow(2, -match_weight)) as match_probability, "
        "bounded.* exclude (n_l, n_r, match_weight, weight) from bounded"
    )
    con.execute(f"insert into scored {select}" if exists else f"create table scored as {select}")
    predicted.drop_table_from_database_and_remove_from_cache()


def veto() -> str:
    """The name of the veto that holds between records `l` and `r`, or null, as SQL."""
    return "case " + " ".join(f"when {condition} then '{name}'" for name, condition in model.vetoes().items()) + " end"


def _columns(con: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return [column for (column,) in con.execute(f"select column_name from (describe {table})").fetchall()]

"""The model of a table of records: probabilities of agreement learned without labels.

Agreement of one person and of strangers is Splink's: chance agreement from random pairs, the rest by expectation
maximisation in sessions. What it becomes beside a third class, the household, is in `three_classes`.
"""

import logging
from typing import Any

import duckdb
import numpy as np

from orchestration.identity import comparisons, model, records

_log = logging.getLogger(__name__)
# Rounding makes a trained model the same file on engines that add in another order.
DIGITS = 9
# However alike, of two records of a tiny table not every other pair is one person.
MOST_SHARE = 0.02
# How many pairs the usual probabilities count for.
USUAL_PAIRS = 20.0
# No level of agreement is impossible.
LEAST = 1e-7
# Pairs of one household for each pair of one person, to begin with; where nothing can be learned as many.
_HOUSEHOLDS = 0.25
_UNTRAINED_HOUSEHOLDS = 1.0
# However few are seen, there are some.
LEAST_HOUSEHOLDS = 0.002
# From fewer pairs that share an identifier nothing is learned.
_LEAST_SURE_PAIRS = 300


def train(con: duckdb.DuckDBPyConnection, *, seed: int) -> dict[str, Any]:
    """A model from table `records` and its `candidates`; no labels, the same for a seed.

    `splink`: Splink's settings; `is_trained`: whether there were enough records to learn from; `join`: least mean
    weight at which groups join; `household`: {field: [share of each level]}; `households`: log2 of how many pairs of
    one person there are for one of a household; `lifts`: see `namesakes`; `count_records`.
    """
    count = con.execute("select count(*) from records").fetchall()[0][0]
    compared = comparisons.fields(records.filled_columns(con))
    prior = _prior(con)
    splink = _linker_settings(compared, prior)
    if count >= model.MIN_TRAINING_RECORDS:
        splink = _settled(_trained(con, compared, splink, seed), compared, prior, count)
    trained = {"splink": splink, "count_records": count, "is_trained": count >= model.MIN_TRAINING_RECORDS}
    households = _HOUSEHOLDS if trained["is_trained"] else _UNTRAINED_HOUSEHOLDS
    trained["households"] = -float(np.log2(households if tells_apart(compared) else LEAST_HOUSEHOLDS))
    trained["join"] = model.JOIN_MEAN_WEIGHT if trained["is_trained"] else model.UNTRAINED_JOIN_MEAN_WEIGHT
    trained["join_leftovers"] = False
    trained["lifts"] = {}
    trained["household"] = {
        field.name: [level.household for level in field.levels]
        for field in compared
        if any(level.household is not None for level in field.levels)
    }
    return trained


def fields(trained: dict[str, Any]) -> list[comparisons.Field]:
    """The fields that a model compares."""
    names = [comparison["output_column_name"] for comparison in trained["splink"]["comparisons"]]
    columns = [column for name in names for column in ([name] if name.startswith("other_") else [])]
    known = {field.name: field for field in comparisons.every_field()} | {
        field.name: field for field in comparisons.fields(columns)
    }
    return [known[name] for name in names]


def tells_apart(compared: list[comparisons.Field]) -> bool:
    """Whether any field tells people of one household apart; else who looks like one may as well be one person."""
    return any(field.is_personal for field in compared)


def linker(con: duckdb.DuckDBPyConnection, settings: Any, compared: list[comparisons.Field]) -> Any:
    """Splink's linker over table `records`, with the frequencies of its values."""
    from splink import DuckDBAPI, Linker

    logging.getLogger("splink").setLevel(logging.ERROR)
    api = DuckDBAPI(connection=con)
    made = Linker(api.register(con.sql("select * from records")), settings, log_level=None, validate_settings=False)
    for column in comparisons.frequency_columns(compared):
        made.table_management.register_term_frequency_lookup(api.register(con.sql(f"from tf_{column}")), column)
    return made


def _linker_settings(compared: list[comparisons.Field], prior: float) -> dict[str, Any]:
    from splink import SettingsCreator, block_on

    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="n",
        linker_uid="identity",
        probability_two_random_records_match=prior,
        comparisons=comparisons.creators(compared),
        blocking_rules_to_generate_predictions=[block_on("n")],
        retain_intermediate_calculation_columns=True,
        retain_matching_columns=False,
    ).create_settings_dict(sql_dialect_str="duckdb")


def _trained(
    con: duckdb.DuckDBPyConnection, compared: list[comparisons.Field], settings: dict[str, Any], seed: int
) -> dict[str, Any]:
    """Settings with chance agreement from random pairs and one person's agreement averaged over the sessions.

    Each session has a linker of its own: one that fails, because all its pairs agree alike, leaves the others whole.
    """
    made = linker(con, settings, compared)
    made.training.estimate_u_using_random_sampling(
        max_pairs=model.MAX_TRAINING_PAIRS, seed=seed, min_count_per_level=None, num_chunks=1
    )
    settings = made.misc.save_model_to_json()
    sessions = [_session(con, compared, settings, columns) for columns in model.TRAINING_BLOCKS]
    for place, comparison in enumerate(settings["comparisons"]):
        for level_place, level in enumerate(comparison["comparison_levels"][1:], start=1):
            learned = [
                (session[place]["comparison_levels"][level_place]["m_probability"], columns)
                for session, columns in zip(sessions, model.TRAINING_BLOCKS, strict=True)
                if session and session[place] is not None
            ]
            # Who shares an identifier is seldom a namesake: where such sessions speak, the others are not asked.
            sure = [m for m, columns in learned if columns in model.SURE_TRAINING_BLOCKS]
            if learned:
                level["m_probability"] = float(np.mean(sure or [m for m, _ in learned]))
                level["is_sure"] = bool(sure)
    return settings


def _session(
    con: duckdb.DuckDBPyConnection,
    compared: list[comparisons.Field],
    settings: dict[str, Any],
    columns: tuple[str, ...],
) -> list[dict[str, Any] | None] | None:
    """The comparisons as learned from pairs that agree on the columns; None for those that look at these columns."""
    from splink import block_on

    least = _LEAST_SURE_PAIRS if columns in model.SURE_TRAINING_BLOCKS else 1
    if _pairs(con, columns) < least or all(_looks_at(field, columns) for field in compared):
        _log.info("identity model: no two records share %s; nothing to learn from it", " and ".join(columns))
        return None
    made = linker(con, settings, compared)
    try:
        made.training.estimate_parameters_using_expectation_maximisation(
            block_on(*columns), estimate_without_term_frequencies=True, max_pairs=model.MAX_TRAINING_PAIRS
        )
    except ValueError as error:
        _log.info("identity model: nothing to learn from %s: %s", " and ".join(columns), error)
        return None
    return [
        comparison if not _looks_at(field, columns) else None
        for comparison, field in zip(made.misc.save_model_to_json()["comparisons"], compared, strict=True)
    ]


def _looks_at(field: comparisons.Field, columns: tuple[str, ...]) -> bool:
    conditions = " ".join([field.missing, *(level.condition or "" for level in field.levels)])
    return any(f"{column}_l" in conditions for column in columns)


def _pairs(con: duckdb.DuckDBPyConnection, columns: tuple[str, ...]) -> int:
    """Pairs of records that agree on the columns."""
    keys = ", ".join(columns)
    filled = " and ".join(f"{column} is not null" for column in columns)
    sizes = f"select count(*) as size from records where {filled} group by {keys}"
    return int(con.execute(f"select coalesce(sum(size * (size - 1) / 2), 0) from ({sizes})").fetchall()[0][0])


def _prior(con: duckdb.DuckDBPyConnection) -> float:
    """The chance that two random records are one person, from pairs that surely are and a guess of their share."""
    pairs = " union ".join(
        f"select l.n as l, r.n as r from (select n, {key} as k from records) as l "
        f"join (select n, {key} as k from records) as r on l.k = r.k and l.n < r.n"
        for key in model.PRIOR_KEYS.values()
    )
    sure = con.execute(f"select count(*) from ({pairs})").fetchall()[0][0]
    count = con.execute("select count(*) from records").fetchall()[0][0]
    return min(max(sure, 1) / model.DETERMINISTIC_RECALL / max(count * (count - 1) / 2, 1), MOST_SHARE)


def _settled(trained: dict[str, Any], compared: list[comparisons.Field], prior: float, count: int) -> dict[str, Any]:
    """Trained settings drawn towards what people data usually looks like, the more the fewer pairs there were to learn.

    A level that few pairs reach would else be learned from noise.
    """
    every_pair = count * (count - 1) / 2
    seen = {"m_probability": prior * every_pair, "u_probability": min(every_pair, model.MAX_TRAINING_PAIRS)}
    for comparison, field in zip(trained["comparisons"], compared, strict=True):
        for level, usual in zip(comparison["comparison_levels"][1:], field.levels, strict=True):
            m = level.get("m_probability", usual.m)
            # Among the pairs sampled for chance agreement are a few of one person.
            u = max((level.get("u_probability", usual.u) - prior * m) / (1 - prior), 0.0)
            for name, value, usual_value in (("m_probability", m, usual.m), ("u_probability", u, usual.u)):
                drawn = (value * seen[name] + usual_value * USUAL_PAIRS) / (seen[name] + USUAL_PAIRS)
                level[name] = round(min(max(drawn, LEAST), 1 - LEAST), DIGITS)
            if usual.is_neutral:
                level["u_probability"] = level["m_probability"]
    return trained

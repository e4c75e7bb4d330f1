"""One person, one household and strangers: what scored candidates say of the shares of each and of their agreement.

The household is people who share last name, address, phone or e-mail, and whom a sum of agreements takes for one
person. Expectation maximisation without labels, begun from what `training` learned.
"""

import copy
from typing import Any

import duckdb
import numpy as np

from orchestration.identity import comparisons, model
from orchestration.identity.training import (
    DIGITS,
    LEAST,
    LEAST_HOUSEHOLDS,
    MOST_SHARE,
    USUAL_PAIRS,
    fields,
    tells_apart,
)

_PRIOR_DIGITS = 12
_ROUNDS = 40
# Rounds in which one person's agreement is learned too; more of them drift to another kind of pairs.
_AGREEMENT_ROUNDS = (20, 30)
# How far the share of matches may go from the first guess.
_PRIOR_FACTOR = 8.0
# How far differing in what is personal may go beyond what is usual.
_DIFFERENCE_FACTOR = 5.0
# The same beyond what pairs that share an identifier show.
_SURE_DIFFERENCE_FACTOR = 1.5
# Most candidates are surely strangers: of those a few stand for all.
_LIKELY_PAIRS = (
    "select *, if(match_weight < -10, 8.0, 1.0) as factor from scored "
    "where veto is null and (match_weight >= -10 or (n_l * 31 + n_r) % 8 = 0)"
)
# As many pairs of one household as this for one of one person, at most.
_MOST_HOUSEHOLDS = 10.0


def fit(con: duckdb.DuckDBPyConnection, trained: dict[str, Any], share: float) -> dict[str, Any]:
    """The model as the scored candidates imply: shares of matches and of households, and what each agrees on.

    Expectation maximisation over one person, one household and strangers; what strangers agree on stays as it is.
    `scored` holds the weights of all candidates under the model as it is, or of those of a share of the records.
    """
    trained = copy.deepcopy(trained)
    compared = {comparison["output_column_name"]: comparison for comparison in trained["splink"]["comparisons"]}
    compared_fields = fields(trained)
    usual = {field.name: np.array([level.m for level in field.levels])[::-1] for field in compared_fields}
    neutral = {field.name: np.array([level.is_neutral for level in field.levels])[::-1] for field in compared_fields}
    most = {field.name: _most(field, compared[field.name]) for field in compared_fields}
    read = con.execute(_LIKELY_PAIRS).fetchnumpy()
    count = con.execute("select count(*) from records").fetchall()[0][0]
    # Either end may be one of the records that were drawn.
    every_pair = max(count * (count - 1) / 2 * (1 - (1 - share) ** 2), 1)
    first = trained["splink"]["probability_two_random_records_match"]
    level_of = {name: read[f"gamma_{name}"].astype(int) for name in compared}
    begun = {name: _shares(comparison) for name, comparison in compared.items()}
    persons = dict(begun)
    shared = {name: np.array(shares[::-1], dtype=float) for name, shares in trained["household"].items()}
    usual_shared = dict(shared)
    evidence = np.sum([read[f"weight_{name}"] for name in compared], axis=0, dtype=float)
    most_households = _MOST_HOUSEHOLDS if tells_apart(compared_fields) else LEAST_HOUSEHOLDS
    person, household = first, first * 2.0 ** -trained["households"]
    for turn in range(_ROUNDS):
        change = np.sum([_of_level(np.log2(persons[n] / begun[n]), level_of[n]) for n in compared], axis=0)
        over_household = change.copy()
        for name, shares in shared.items():
            own = read[f"weight_{name}"] + _of_level(np.log2(persons[name] / begun[name]), level_of[name])
            against = _of_level(np.log2(persons[name] / shares), level_of[name])
            is_shared = _of_level((~np.isnan(shares)).astype(float), level_of[name]) > 0
            over_household += np.where(is_shared, against - own, 0.0)
        odds_stranger = person / (1 - person) * np.exp2(evidence + change)
        odds_household = person / household * np.exp2(evidence + over_household)
        is_person = 1 / (1 + 1 / odds_stranger + 1 / odds_household)
        is_household = is_person / odds_household * read["factor"]
        is_person *= read["factor"]
        person = min(max(is_person.sum() / every_pair, first / _PRIOR_FACTOR), first * _PRIOR_FACTOR, MOST_SHARE)
        household = min(max(is_household.sum() / every_pair, person * LEAST_HOUSEHOLDS), person * most_households)
        if turn in _AGREEMENT_ROUNDS:
            for name in compared:
                refitted = np.minimum(_refitted(usual[name], level_of[name], is_person), most[name])
                persons[name] = np.where(neutral[name], begun[name], refitted)
        for name in shared:
            if name != "birth_date":
                shared[name] = _refitted(usual_shared[name], level_of[name], is_household)
    for name, comparison in compared.items():
        usual_levels = next(field for field in compared_fields if field.name == name).levels
        for level, usual_level, m in zip(
            comparison["comparison_levels"][1:], usual_levels, persons[name][::-1], strict=True
        ):
            if not usual_level.is_neutral:
                level["m_probability"] = round(float(m), DIGITS)
    trained["splink"]["probability_two_random_records_match"] = round(float(person), _PRIOR_DIGITS)
    trained["join_leftovers"] = bool(1 + person * (count - 1) >= model.LEAST_RECORDS_FOR_LEFTOVERS)
    trained["households"] = round(float(np.log2(person / household)), 6)
    trained["household"] = {
        name: [None if np.isnan(value) else round(float(value), DIGITS) for value in shares[::-1]]
        for name, shares in shared.items()
    }
    return trained


def _most(field: comparisons.Field, comparison: dict[str, Any]) -> np.ndarray:
    """How large one person's shares may become, by gamma: who differs in what is personal is seldom one person.

    Without that bound the class drifts to namesakes, to people of one birth date, or of one house.
    """
    bounds = []
    for level, learned in zip(field.levels, comparison["comparison_levels"][1:], strict=True):
        most = 1.0
        if level.m < level.u and field.is_personal:
            most = min(most, level.m * _DIFFERENCE_FACTOR)
        if level.m < level.u and learned.pop("is_sure", False):
            most = min(most, learned["m_probability"] * _SURE_DIFFERENCE_FACTOR)
        learned.pop("is_sure", None)
        bounds.append(most)
    return np.array(bounds)[::-1]


def _shares(comparison: dict[str, Any]) -> np.ndarray:
    """One person's shares of the levels, by gamma (0: the rest)."""
    return np.array([level["m_probability"] for level in comparison["comparison_levels"][1:]])[::-1]


def _of_level(values: np.ndarray, level: np.ndarray) -> np.ndarray:
    """The value of each pair's level; 0 where the field is missing or the value is."""
    return np.where(level >= 0, np.nan_to_num(values)[np.maximum(level, 0)], 0.0)


def _refitted(usual: np.ndarray, level: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Shares of the levels among pairs that count `weight` each, drawn towards what is usual; NaN stays."""
    known = level >= 0
    counted = np.bincount(level[known], weights=weight[known], minlength=len(usual))
    whole = np.nansum(usual)
    return np.maximum((counted + USUAL_PAIRS * usual) / (counted.sum() + USUAL_PAIRS * whole), LEAST)

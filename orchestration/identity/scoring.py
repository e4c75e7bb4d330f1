"""Weights of pairs under a trained model: Splink's sum of match weights, and the same against a household.

The SQL is written once for a model, so that a small batch does not pay for planning. That it gives what Splink's own
`predict` gives is tested.
"""

import math
import re
from typing import Any

import duckdb

from orchestration.identity import model


def score(
    con: duckdb.DuckDBPyConnection, trained: dict[str, Any], pairs: str, made: str, *, least: float | None = None
) -> None:
    """Table `made` from a table of pairs (n_l, n_r) of table `rated`; with `least` only those that weigh that much.

    It has: n_l, n_r, match_weight (log2 odds), match_probability, veto (text or null), weight_<field> (what each field
    adds against strangers; 0 where a value is missing), gamma_<field> (level of agreement, -1 where missing),
    weight_against_strangers, weight_against_household.
    """
    kept = "" if least is None else f" where match_weight >= {least}"
    con.execute(f"create or replace temp table {made} as from ({scored_sql(trained, pairs)}){kept}")


def weigh_again(con: duckdb.DuckDBPyConnection, before: dict[str, Any], trained: dict[str, Any]) -> None:
    """Weigh the pairs of `scored` under a model that differs from the one before in all but `u` and frequencies."""
    if not trained["splink"]["comparisons"]:
        return
    weights, names = [], []
    for old, new in zip(before["splink"]["comparisons"], trained["splink"]["comparisons"], strict=True):
        name = new["output_column_name"]
        changes = " ".join(
            f"when {gamma} then {math.log2(level['m_probability'] / old_level['m_probability']):.9f}"
            for (gamma, level), (_, old_level) in zip(_levels(new)[1:], _levels(old)[1:], strict=True)
        )
        names.append(name)
        weights.append(f"cast(weight_{name} + case gamma_{name} {changes} else 0 end as real) as weight_{name}")
    kept = ", ".join(f"gamma_{name}" for name in names)
    con.execute(
        f"create or replace temp table scored as with weighed as (select n_l, n_r, veto, {', '.join(weights)}, {kept} "
        f"from scored) {_judged_sql(trained, 'weighed')}"
    )


def scored_sql(trained: dict[str, Any], pairs: str) -> str:
    """The query of `score`, over table `rated` and a table of pairs."""
    compared = trained["splink"]["comparisons"]
    names = [comparison["output_column_name"] for comparison in compared]
    columns = sorted({column for comparison in compared for column in _needed(comparison)})
    frequency_columns = sorted({column for comparison in compared for column in _frequencies(comparison)})
    sides = ", ".join(f"l.{column} as {column}_l, r.{column} as {column}_r" for column in columns)
    rarities = ", ".join(f"greatest(l.tf_{c}, r.tf_{c}) as tf_{c}" for c in frequency_columns)
    if not names:
        return (
            "select n as n_l, n as n_r, 0.0 as match_weight, 0.0 as match_probability, cast(null as varchar) as veto, "
            "0.0 as weight_against_strangers, 0.0 as weight_against_household from rated where false"
        )
    gammas = ", ".join(
        f"{_gamma_sql(comparison)} as gamma_{name}" for comparison, name in zip(compared, names, strict=True)
    )
    weights = ", ".join(
        f"cast({_weight_sql(comparison)} as real) as weight_{name}"
        for comparison, name in zip(compared, names, strict=True)
    )
    return f"""
        with sides as (
            select l.n as n_l, r.n as n_r, {veto()} as veto, {sides}{", " + rarities if rarities else ""}
            from {pairs} inner join rated as l on n_l = l.n inner join rated as r on n_r = r.n
        ),
        compared as (select n_l, n_r, veto, {gammas}{"".join(f", tf_{c}" for c in frequency_columns)} from sides),
        weighed as (select n_l, n_r, veto, {weights}, {", ".join(f"gamma_{name}" for name in names)} from compared)
        {_judged_sql(trained, "weighed")}
    """


def needed_columns(trained: dict[str, Any]) -> list[str]:
    """Columns of records, without frequencies, that `scored_sql` reads."""
    compared = {column for comparison in trained["splink"]["comparisons"] for column in _needed(comparison)}
    return sorted({"n"} | compared | veto_columns())


def _judged_sql(trained: dict[str, Any], weighed: str) -> str:
    """Pairs with weights by field, judged: the weight against strangers and households together."""
    compared = trained["splink"]["comparisons"]
    names = [comparison["output_column_name"] for comparison in compared]
    prior = trained["splink"]["probability_two_random_records_match"]
    strangers = " + ".join([f"{math.log2(prior / (1 - prior)):.9f}", *(f"weight_{name}" for name in names)])
    household = " + ".join(
        [f"{trained['households'] - model.HOUSEHOLD_CAUTION_WEIGHT:.9f}", *(f"weight_{name}" for name in names)]
        + [_household_sql(comparison, trained["household"]) for comparison in compared]
    )
    kept = ", ".join(f"weight_{name}, gamma_{name}" for name in names)
    weight = "least(ws, wh) - log2(1 + pow(2, -abs(ws - wh)))"
    telling = [f"coalesce(weight_{name}, 0) <= 0" for name in names if name not in model.COMMON_FIELDS]
    if not trained["is_trained"]:
        # What names alone are worth in this table nobody has learned.
        most = f"least({weight}, {model.MOST_BY_NAMES_WEIGHT})"
        weight = f"case when {' and '.join(telling or ['true'])} then {most} else {weight} end"
    return f"""
        select
            n_l, n_r,
            round({weight}, 4) as match_weight,
            1 / (1 + pow(2, -match_weight)) as match_probability,
            veto, {kept},
            cast(ws as real) as weight_against_strangers, cast(wh as real) as weight_against_household
        from (select *, {strangers} as ws, {household} as wh from {weighed}) as judged
    """


def _levels(comparison: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """Levels with their gamma, strongest first; missing is -1, the rest 0."""
    levels = comparison["comparison_levels"]
    return [(-1, levels[0]), *((len(levels) - 2 - place, level) for place, level in enumerate(levels[1:]))]


def _needed(comparison: dict[str, Any]) -> set[str]:
    conditions = " ".join(level["sql_condition"] for level in comparison["comparison_levels"])
    return set(re.findall(r"\b([a-z_0-9]+)_[lr]\b", conditions))


def _frequencies(comparison: dict[str, Any]) -> list[str]:
    return [
        level["tf_adjustment_column"] for level in comparison["comparison_levels"] if level.get("tf_adjustment_column")
    ]


def _gamma_sql(comparison: dict[str, Any]) -> str:
    cases = " ".join(f"when {level['sql_condition']} then {gamma}" for gamma, level in _levels(comparison)[:-1])
    return f"cast(case {cases} else 0 end as tinyint)"


def _weight_sql(comparison: dict[str, Any]) -> str:
    """Log2 of how much likelier a level is for one person than for strangers, rarer values more (Splink's formula)."""
    name = comparison["output_column_name"]
    cases = " ".join(f"when {gamma} then {level_weight(level)}" for gamma, level in _levels(comparison)[1:])
    return f"case gamma_{name} {cases} else 0 end"


def level_weight(level: dict[str, Any], frequency: str = "tf_{0}") -> str:
    """The weight of one level; `frequency` is how common a column's value is."""
    weight = f"{math.log2(level['m_probability'] / level['u_probability']):.9f}"
    if column := level.get("tf_adjustment_column"):
        weight += f" + coalesce(log2({level['u_probability']} / {frequency.format(column)}), 0)"
    return weight


def _household_sql(comparison: dict[str, Any], household: dict[str, list]) -> str:
    """What a field changes when the two may be of one household instead of strangers."""
    name = comparison["output_column_name"]
    shares = household.get(name)
    if not shares:
        return "0"
    cases = " ".join(
        f"when {gamma} then {math.log2(level['m_probability'] / share):.9f} - weight_{name}"
        for (gamma, level), share in zip(_levels(comparison)[1:], shares, strict=True)
        if share is not None
    )
    return f"case gamma_{name} {cases} else 0 end"


def veto() -> str:
    """The name of the veto that holds between records `l` and `r`, or null, as SQL."""
    return "case " + " ".join(f"when {condition} then '{name}'" for name, condition in model.vetoes().items()) + " end"


def veto_columns() -> set[str]:
    """Columns of records that vetoes look at."""
    return {column for condition in model.vetoes().values() for column in re.findall(r"\b[lr]\.(\w+)", condition)}

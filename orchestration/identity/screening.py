"""Which pairs can weigh enough at all: most candidates are told apart without looking at what costs most to compare.

A pair's weight is bounded from above: the costly fields count what they could at most, all others what they do. Who is
left is scored in full, so that weights and what is found are the same. The weights themselves are in `scoring`.
"""

import math
import re
from typing import Any

import duckdb

from orchestration.identity import scoring

# Fields that take longest to compare, and what in a level's condition takes so long.
_COSTLY_FIELDS = ("first_name", "birth_date", "phone")
_COSTLY = re.compile(r"damerau_levenshtein|jaro_winkler|list_|try_cast")
# Weights are rounded: what is so near is left to be scored.
_ROUNDING = 0.01
_NEVER = "-99"


def screen(con: duckdb.DuckDBPyConnection, trained: dict[str, Any], pairs: str, made: str, *, least: float) -> None:
    """Table `made` of those pairs (n_l, n_r) of table `rated` that may weigh at least so much."""
    compared = trained["splink"]["comparisons"]
    if not compared:
        con.execute(f"create or replace temp table {made} as from {pairs}")
        return
    prior = trained["splink"]["probability_two_random_records_match"]
    most = " + ".join([f"{math.log2(prior / (1 - prior)):.9f}", *(_most_sql(comparison) for comparison in compared)])
    columns = [column for column in scoring.needed_columns(trained) if column != "n"]
    levels = [level for comparison in compared for level in comparison["comparison_levels"]]
    columns += sorted({f"tf_{column}" for level in levels if (column := level.get("tf_adjustment_column"))})
    sides = ", ".join(f"l.{column} as {column}_l, r.{column} as {column}_r" for column in columns)
    con.execute(
        f"create or replace temp table {made} as select n_l, n_r from (select n_l, n_r, {sides} from {pairs} "
        f"inner join rated as l on n_l = l.n inner join rated as r on n_r = r.n) where {most} >= {least - _ROUNDING}"
    )


def _most_sql(comparison: dict[str, Any]) -> str:
    """The most that a field can add: the level it has, or a stronger one that was not looked at closely."""
    missing, *levels = comparison["comparison_levels"]
    is_costly = comparison["output_column_name"] in _COSTLY_FIELDS
    cases, open_weights = [f"when {missing['sql_condition']} then 0"], []
    for level in levels[:-1]:
        if is_costly and _COSTLY.search(level["sql_condition"]):
            needed = [part for part in _conjuncts(level["sql_condition"]) if not _COSTLY.search(part)]
            weight = _weight_sql(level)
            open_weights.append(f"if({' and '.join(needed)}, {weight}, {_NEVER})" if needed else weight)
        else:
            cases.append(f"when {level['sql_condition']} then {_greatest([*open_weights, _weight_sql(level)])}")
    return f"case {' '.join(cases)} else {_greatest([*open_weights, _weight_sql(levels[-1])])} end"


def _greatest(weights: list[str]) -> str:
    return f"greatest({', '.join(weights)})" if len(weights) > 1 else weights[0]


def _weight_sql(level: dict[str, Any]) -> str:
    return f"({scoring.level_weight(level, 'greatest(tf_{0}_l, tf_{0}_r)')})"


def _conjuncts(condition: str) -> list[str]:
    """The conditions of which each must hold; the whole where words outside of brackets do not let it be parted."""
    depth, parts = 0, [""]
    for word in re.split(r"(\(|\)|\s+)", condition):
        depth += (word == "(") - (word == ")")
        if depth == 0 and word.lower() in ("or", "between", "case"):
            return [condition]
        if depth == 0 and word.lower() == "and":
            parts.append("")
        else:
            parts[-1] += word
    return [part.strip() for part in parts]

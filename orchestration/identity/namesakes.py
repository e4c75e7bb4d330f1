"""What strangers of one first name agree on besides: a name says what country, language and gender say again.

Chance agreement is measured over random pairs; almost all pairs that could be one person have a name in common. Where
names and places go together, as in a table of several cultures, sums of weights are over-confident by bits. So chance
agreement of such fields is measured among pairs that share a first name and are strangers.
"""

import copy
from typing import Any

import duckdb
import numpy as np

from orchestration.identity import scoring

# Fields that a name may tell; what identifies a person or a house is none of them.
FIELDS = ("gender", "country", "locality", "area", "birth_place", "occupation", "company", "job_title")
# Neighbours, in an order that means nothing, with which each record of a first name is paired.
_NEIGHBOURS = 8
# Pairs that weigh more than this without the field are perhaps no strangers.
_STRANGERS_WEIGHT = -4.0
# As many pairs the random sample counts for; fewer than so many pairs say nothing.
_RANDOM_PAIRS = 200.0
_LEAST_PAIRS = 500
_LEAST = 1e-6


def lifted(con: duckdb.DuckDBPyConnection, trained: dict[str, Any]) -> dict[str, Any]:
    """The model with chance agreement as among namesakes; `lifts`: how much likelier a column's values are to agree.

    Needs tables `records` and `rated`. A lift is a ratio of odds.
    """
    trained = copy.deepcopy(trained)
    trained["lifts"] = {}
    compared = [
        comparison
        for comparison in trained["splink"]["comparisons"]
        if comparison["output_column_name"] in FIELDS or comparison["output_column_name"].startswith("other_")
    ]
    if not compared or "first_name" not in {c["output_column_name"] for c in trained["splink"]["comparisons"]}:
        return trained
    _pair(con)
    scoring.score(con, trained, "namesakes", "scored_namesakes")
    for comparison in compared:
        _lift(con, comparison, trained["lifts"])
    con.execute("drop table namesakes")
    con.execute("drop table scored_namesakes")
    return trained


def _pair(con: duckdb.DuckDBPyConnection) -> None:
    """Table `namesakes` (n_l, n_r): some pairs with one first name and last names that are not alike."""
    con.execute(
        "create or replace temp table in_line as select n, first_name, last_name, "
        "row_number() over (partition by first_name order by md5(cast(n as varchar))) as place "
        "from records where length(first_name) > 1 and last_name is not null"
    )
    con.execute(
        "create or replace temp table namesakes as select l.n as n_l, r.n as n_r from in_line as l inner join in_line "
        f"as r on l.first_name = r.first_name and r.place between l.place + 1 and l.place + {_NEIGHBOURS} "
        "where jaro_winkler_similarity(l.last_name, r.last_name) < 0.7"
    )


def _lift(con: duckdb.DuckDBPyConnection, comparison: dict[str, Any], lifts: dict[str, float]) -> None:
    """Chance agreement of one comparison, level by level."""
    name = comparison["output_column_name"]
    counted = dict(
        con.execute(
            f"select gamma_{name}, count(*) from scored_namesakes where veto is null and gamma_{name} >= 0 "
            f"and match_weight - weight_{name} < {_STRANGERS_WEIGHT} group by 1"
        ).fetchall()
    )
    whole = sum(counted.values())
    if whole < _LEAST_PAIRS:
        return
    levels = comparison["comparison_levels"][1:]
    random = np.array([level["u_probability"] for level in levels])
    seen = np.array([counted.get(gamma, 0) for gamma in range(len(levels) - 1, -1, -1)])
    share = np.clip((seen + _RANDOM_PAIRS * random / random.sum()) / (whole + _RANDOM_PAIRS), _LEAST, 1 - _LEAST)
    for level, before, after in zip(levels, random, share, strict=True):
        level["u_probability"] = round(float(after), 9)
        if column := level.get("tf_adjustment_column"):
            lifts[column] = round(float(after / (1 - after) / (before / (1 - before))), 6)

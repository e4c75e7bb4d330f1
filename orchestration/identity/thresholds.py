"""The least mean weight at which groups of a table's records join, found without labels: by fields held out.

A field that was not looked at says which pairs are one person: so many agree on it as one person's records do, and
those of two people nearly never. Clustered without the field, at each threshold, the share of agreement inside people
gives precision and recall of that threshold, up to noise. Each field that identifies gives a curve of F1; the fields
whose absence is felt least say most about the whole model. The idea is that of cross-validation; the estimate of the
share of true pairs from agreement on an independent field is Fellegi and Sunter's (1969) own.
"""

from typing import Any

import duckdb
import numpy as np

from orchestration.identity import model
from orchestration.identity.components import components
from orchestration.identity.people import Edges, joins, with_leftovers

# Thresholds looked at; lower ones would lie below what makes a component.
GRID = np.arange(-3.0, 3.01, 0.5)
# A field is a judge when one person's records often agree on it and strangers seldom do.
_LEAST_AGREEMENT = 0.3
_MOST_CHANCE = 0.05
# Shared within a household, so that its members would pass for one person; or said by other fields too.
_NO_JUDGES = (
    "street",
    "locality",
    "area",
    "organisation",
    "company",
    "last_name",
    "first_name",
    "middle_name",
    "email_year",
)
_LEAST_PAIRS = 200
# Without a field that leaves less than this, the table is another one.
_LEAST_F1 = 0.5
# What the F1 of a curve lacks is at least this: no curve is so sure that the others do not count.
_LEAST_LACK = 0.05
# Of thresholds that are as good up to this, the highest is taken, since a wrong merge hurts more; but not much
# beyond even odds unless what is good lies there.
_AS_GOOD = 0.001
_EVEN = 0.5
# Pairs that are not candidates of the model without the field.
_LEAST_WEIGHT = -9.0
# Beyond so many pairs a sample of components is looked at.
_MOST_PAIRS = 400_000


def chosen(con: duckdb.DuckDBPyConnection, trained: dict[str, Any]) -> tuple[float, dict[str, list[float]]]:
    """The least mean weight, and each judging field's estimated F1 over `GRID`; the usual one where no field judges.

    Needs table `scored` under the model. Duplicate-free sources are not looked at.
    """
    judges = [comparison for comparison in trained["splink"]["comparisons"] if _is_judge(comparison)]
    names = [comparison["output_column_name"] for comparison in judges]
    if not judges:
        return model.JOIN_MEAN_WEIGHT, {}
    columns = ", ".join(f"weight_{name}, gamma_{name}" for name in names)
    pairs = con.execute(
        f"select n_l, n_r, weight_against_strangers, weight_against_household, {columns} from scored "
        "where veto is null order by n_l, n_r"
    ).fetchnumpy()
    count = con.execute("select coalesce(max(n), -1) + 1 from records").fetchall()[0][0]
    held_out = {c["output_column_name"]: _without(pairs, c, trained["household"]) for c in judges}
    kept = _sample(count, pairs, held_out)
    curves = {}
    for comparison in judges:
        name = comparison["output_column_name"]
        known, says = _agreement(pairs, kept, comparison)
        edges = Edges(pairs["n_l"][kept], pairs["n_r"][kept], held_out[name][kept])
        curve = _curve(count, edges, known, says, join_leftovers=trained["join_leftovers"])
        if curve is not None:
            curves[name] = curve
    return _best(curves), {name: [round(float(value), 4) for value in curve] for name, curve in curves.items()}


def estimates(trained: dict[str, Any]) -> list[tuple[str, float, float, float]]:
    """Field held out, estimated pair F1 without it at the model's threshold, the best one and where that is."""
    told = []
    for name, curve in trained.get("estimated_f1", {}).items():
        at = int(np.argmin(np.abs(trained["join"] - GRID)))
        best = int(np.argmax(curve))
        told.append((name, min(curve[at], 1.0), min(curve[best], 1.0), float(GRID[best])))
    return sorted(told, key=lambda row: -row[1])


def _is_judge(comparison: dict[str, Any]) -> bool:
    top = comparison["comparison_levels"][1]
    return (
        comparison["output_column_name"] not in _NO_JUDGES
        and top["m_probability"] >= _LEAST_AGREEMENT
        and top["u_probability"] <= _MOST_CHANCE
    )


def _without(pairs: dict[str, np.ndarray], comparison: dict[str, Any], household: dict[str, list]) -> np.ndarray:
    """What pairs weigh without one field."""
    name = comparison["output_column_name"]
    levels = comparison["comparison_levels"][1:]
    own = pairs[f"weight_{name}"].astype(float)
    in_household = own.copy()
    for place, (level, share) in enumerate(zip(levels, household.get(name, []), strict=False)):
        if share is not None:
            at = pairs[f"gamma_{name}"] == len(levels) - 1 - place
            in_household[at] = np.log2(level["m_probability"] / share)
    strangers = pairs["weight_against_strangers"] - own
    others = pairs["weight_against_household"] - in_household
    return np.minimum(strangers, others) - np.log2(1 + np.exp2(-np.abs(strangers - others)))


def _sample(count: int, pairs: dict[str, np.ndarray], held_out: dict[str, np.ndarray]) -> np.ndarray:
    """Which pairs are looked at: those of a sample of components, so that people stay whole."""
    loosest = np.max(list(held_out.values()), axis=0)
    if len(loosest) <= _MOST_PAIRS:
        return np.ones(len(loosest), dtype=bool)
    linked = loosest >= model.LEAST_LINK_WEIGHT
    component = components(count, pairs["n_l"][linked], pairs["n_r"][linked])
    # Multiplicative hashing: components are numbered in the order of ids, which may mean something.
    place = (component.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)
    chosen_component = place < np.uint64((1 << 24) * _MOST_PAIRS / len(loosest))
    return chosen_component[pairs["n_l"]] & chosen_component[pairs["n_r"]]


def _agreement(
    pairs: dict[str, np.ndarray], kept: np.ndarray, comparison: dict[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Where the field is known, and by how much its agreement speaks for one person: 1 on average for those, else 0."""
    gamma = pairs[f"gamma_{comparison['output_column_name']}"][kept]
    top = comparison["comparison_levels"][1]
    agrees = gamma == len(comparison["comparison_levels"]) - 2
    return gamma >= 0, (agrees - top["u_probability"]) / (top["m_probability"] - top["u_probability"])


def _curve(count: int, pairs: Edges, known: np.ndarray, says: np.ndarray, *, join_leftovers: bool) -> np.ndarray | None:
    """Estimated pair F1 at each threshold of `GRID`; None where too few people are found without the field."""
    true = says[known & (pairs.weight > _LEAST_WEIGHT)].sum()
    if true < _LEAST_PAIRS:
        return None
    linked = pairs.weight >= model.LEAST_LINK_WEIGHT
    component = components(count, pairs.left[linked], pairs.right[linked])
    inside = component[pairs.left] == component[pairs.right]
    clipped = np.clip(pairs.weight[inside], model.CLIP_LOW_WEIGHT, model.CLIP_HIGH_WEIGHT)
    edges = Edges(pairs.left[inside], pairs.right[inside], clipped)
    rounds = list(joins(np.arange(count), edges, None, GRID[0]))
    if not rounds:
        return None
    a, b, mean = (np.concatenate(parts) for parts in zip(*rounds, strict=True))
    curve = []
    for threshold in GRID:
        person = components(count, a[mean >= threshold], b[mean >= threshold])
        if join_leftovers:
            person = with_leftovers(person, edges)
        together = known & (person[pairs.left] == person[pairs.right])
        curve.append(2 * says[together].sum() / (together.sum() + true))
    return np.array(curve) if max(curve) >= _LEAST_F1 else None


def _best(curves: dict[str, np.ndarray]) -> float:
    """The threshold that is best over the fields, each weighing more the better people are found without it."""
    if not curves:
        return model.JOIN_MEAN_WEIGHT
    weights = np.array([(max(1 - curve.max(), 0) + _LEAST_LACK) ** -2 for curve in curves.values()])
    mean = np.average(list(curves.values()), axis=0, weights=weights)
    as_good = GRID[mean >= mean.max() - _AS_GOOD]
    return float(max((at for at in as_good if at <= _EVEN), default=as_good[0]))

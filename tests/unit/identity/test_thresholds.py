"""A threshold without labels: the curve that a held-out field gives is the true one, and follows wrong weights."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from orchestration.identity import link, model, thresholds
from orchestration.identity.components import components
from tests.unit.identity import population
from tests.unit.identity.population import contact

PEOPLE = 1500
M, U = 0.8, 0.001
FIRST = ("anna", "ben", "carl", "dora", "emil", "fred", "gina", "hugo", "ida", "jan")


def scored(shift: float, seed: int = 1) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Pairs as training leaves them, judged by a birth date, and whose records they are; weights are off by `shift`."""
    chance = np.random.default_rng(seed)
    person = np.repeat(np.arange(PEOPLE), chance.integers(1, 4, PEOPLE))
    left, right = _pairs(person, chance)
    same = person[left] == person[right]
    agrees = chance.random(len(left)) < np.where(same, M, U)
    # Normal weights of equal spread whose log odds are themselves, for as many strangers as fellows.
    others = chance.normal(np.where(same, 4.0, -4.0), np.sqrt(8 / np.log(2))) + shift
    birth_date = np.log2(np.where(agrees, M / U, (1 - M) / (1 - U)))
    return {
        "n_l": left,
        "n_r": right,
        "weight_birth_date": birth_date,
        "gamma_birth_date": agrees.astype(np.int8),
        "weight_against_strangers": others + birth_date,
        "weight_against_household": others + birth_date + 40,
    }, person


def _pairs(person: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """The ends, smaller first, of all pairs of one person and of as many pairs of strangers."""
    fellows = [(a, a + step) for step in (1, 2) for a in range(len(person) - step) if person[a] == person[a + step]]
    strangers = np.sort(chance.integers(0, len(person), (2, len(fellows))), axis=0)
    ends = np.unique(np.concatenate([np.array(fellows).T, strangers], axis=1), axis=1)
    return ends[:, ends[0] < ends[1]]


TRAINED = {
    "splink": {
        "comparisons": [
            {
                "output_column_name": "birth_date",
                "comparison_levels": [
                    {},
                    {"m_probability": M, "u_probability": U},
                    {"m_probability": 1 - M, "u_probability": 1 - U},
                ],
            }
        ]
    },
    "household": {},
    "join_leftovers": False,
}


def chosen(pairs: dict[str, np.ndarray], count: int):
    with duckdb.connect() as con:
        con.register("pairs_in", pa.table(pairs))
        con.execute("create table scored as select *, null::varchar as veto from pairs_in")
        con.execute("create table records as select range as n from range(?)", [count])
        return thresholds.chosen(con, TRAINED)


def true_curve(pairs: dict[str, np.ndarray], person: np.ndarray) -> np.ndarray:
    """Pair F1 among the pairs when people are found without the birth date, at each threshold."""
    weight = pairs["weight_against_strangers"] - pairs["weight_birth_date"]
    same = person[pairs["n_l"]] == person[pairs["n_r"]]
    linked = weight >= model.LEAST_LINK_WEIGHT
    component = components(len(person), pairs["n_l"][linked], pairs["n_r"][linked])
    inside = component[pairs["n_l"]] == component[pairs["n_r"]]
    edges = thresholds.Edges(pairs["n_l"][inside], pairs["n_r"][inside], np.clip(weight[inside], -4, 8))
    curve = []
    for threshold in thresholds.GRID:
        label = np.arange(len(person))
        for a, b, _ in thresholds.joins(label.copy(), edges, None, threshold):
            new = np.arange(len(person))
            new[b] = a
            label = new[label]
        together = label[pairs["n_l"]] == label[pairs["n_r"]]
        curve.append(2 * (together & same).sum() / (together.sum() + same.sum()))
    return np.array(curve)


@pytest.mark.parametrize("shift", [-2.0, 0.0, 3.0])
def test_the_estimated_curve_is_the_true_one(shift):
    pairs, person = scored(shift)
    join, curves = chosen(pairs, len(person))
    true = true_curve(pairs, person)
    assert np.abs(np.array(curves["birth_date"]) - true).max() < 0.03
    assert true.max() - true[np.flatnonzero(join == thresholds.GRID)[0]] < 0.01


def test_the_threshold_follows_weights_that_are_off():
    low, high = (chosen(pairs, len(person))[0] for pairs, person in (scored(-1.0), scored(2.0)))
    assert 2.0 <= high - low <= 4.0


def test_without_a_field_that_can_judge_the_usual_threshold_is_taken():
    trained = TRAINED | {"splink": {"comparisons": []}}
    with duckdb.connect() as con:
        assert thresholds.chosen(con, trained) == (model.JOIN_MEAN_WEIGHT, {})


def test_a_field_without_which_nobody_is_found_is_no_judge():
    pairs, person = scored(-40.0)
    assert chosen(pairs, len(person)) == (model.JOIN_MEAN_WEIGHT, {})


def test_a_table_whose_people_only_their_email_tells_is_linked():
    rows = [
        contact(f"crm:contacts:{number}-{copy}", first_name=FIRST[number % 10], email_std=f"user{number}@example.com")
        for number in range(600)
        for copy in range(1 + number % 2)
    ]
    with duckdb.connect() as con:
        con.register("contacts_in", population.canonical(rows))
        trained = link.train(con, "contacts_in", path=None, seed=1)
    assert trained["is_trained"]
    assert trained["join"] == model.JOIN_MEAN_WEIGHT


def test_a_sample_of_components_chooses_alike(monkeypatch):
    pairs, person = scored(2.0)
    whole = chosen(pairs, len(person))[0]
    monkeypatch.setattr(thresholds, "_MOST_PAIRS", len(pairs["n_l"]) // 2)
    assert abs(chosen(pairs, len(person))[0] - whole) <= 1.0

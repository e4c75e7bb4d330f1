"""BG/NBD and Gamma-Gamma give what their papers publish for the CDNOW customers."""

import csv
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from orchestration.scores import purchase_value, repeat_purchases
from orchestration.scores.repeat_purchases import History

WEEKS = 39.0


@pytest.fixture(scope="module")
def cdnow():
    """Repeats, time of the last, age (weeks) and mean value of repeats of the 2,357 customers of the papers."""
    folder = Path(find_spec("lifetimes").submodule_search_locations[0])
    with (folder / "datasets" / "cdnow_customers_summary_with_transactions.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in ("x", "t_x", "T", "zbar")}


@pytest.fixture(scope="module")
def history(cdnow):
    return History(cdnow["x"], cdnow["t_x"], cdnow["T"])


@pytest.fixture(scope="module")
def repeats(history):
    return repeat_purchases.fit(history)


def test_repeat_purchases_have_the_published_parameters(repeats):
    found = (repeats.r, repeats.alpha, repeats.a, repeats.b, repeats.log_likelihood)
    assert found == pytest.approx((0.2426, 4.414, 0.793, 2.426, -9582.4), rel=5e-4)


def test_values_have_the_published_parameters(cdnow):
    came_back = cdnow["x"] > 0
    found = purchase_value.fit(cdnow["x"][came_back], cdnow["zbar"][came_back])
    assert (found.p, found.q, found.v) == pytest.approx((6.25, 3.744, 15.444), rel=1e-3)


def test_a_customer_of_the_paper_is_expected_to_buy_as_often(repeats):
    """x = 2, t_x = 30.43, T = 38.86: 1.226 purchases in the next 39 weeks."""
    one = History(np.array([2.0]), np.array([30.43]), np.array([38.86]))
    assert repeats.expected(one, WEEKS)[0] == pytest.approx(1.226, abs=0.001)


def test_time_may_be_in_any_unit(repeats, history, cdnow):
    days = History(history.repeats, history.last * 7, history.age * 7)
    found = repeat_purchases.fit(days)
    assert (found.r, found.alpha / 7, found.a, found.b) == pytest.approx(
        (repeats.r, repeats.alpha, repeats.a, repeats.b), rel=1e-3
    )
    assert found.expected(days, WEEKS * 7) == pytest.approx(repeats.expected(history, WEEKS), rel=1e-3)


def test_a_chance_to_buy_is_no_larger_than_that_of_being_active_or_what_is_expected(repeats, history):
    buys = repeats.buys_within(history, WEEKS)
    assert (buys <= repeats.active(history) + 1e-12).all()
    assert (buys <= repeats.expected(history, WEEKS) + 1e-9).all()
    # The more time there is the likelier.
    assert (repeats.buys_within(history, 2 * WEEKS) > buys).all()


def test_hundreds_of_purchases_have_a_sane_expectation(repeats):
    many = History(np.array([900.0]), np.array([52.0]), np.array([52.0]))
    assert repeats.expected(many, 4.0)[0] == pytest.approx(900 / 56 * 4, rel=0.05)


def test_nobody_who_came_back_is_nothing_to_learn_from():
    none = np.zeros(10)
    with pytest.raises(ValueError, match="nobody bought a second time"):
        repeat_purchases.fit(History(none, none, none + 5))

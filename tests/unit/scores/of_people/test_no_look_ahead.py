"""What is told of a past day does not depend on what came after it: cases that models learn from are of their day.

Each teller is asked twice about the same past day, knowing much more the second time. A leak is planted in each, and
seen.
"""

from datetime import date

import pytest

from orchestration.scores import snapshots
from orchestration.scores.of_people import basket_candidates, coupon_cases, days
from orchestration.settings import Settings
from orchestration.warehouse import engine
from tests.unit.scores.of_people import shop

THEN, NOW = date(2023, 8, 20), date(2023, 11, 30)
# What a leak looks like: a comparison that reaches a month too far.
LEAKS = {
    "purchases": (snapshots, "_features_sql", "where day <= $day", "where day <= $day + 30"),
    "coupons": (coupon_cases, "_TOLD", "orders.day < cases.sent", "orders.day < cases.sent + 30"),
    "campaigns": (coupon_cases, "_TOLD", "used.first_day < cases.sent", "used.first_day < cases.sent + 30"),
    "baskets": (
        basket_candidates,
        "_TABLES",
        "from baskets where day <= $day and",
        "from baskets where day <= $day + 30 and",
    ),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    shop.build(settings)
    return settings


def of_purchases(con, known_until):
    days.prepare(con, known_until)
    found = snapshots.taken(con, THEN, 28, is_past=False)
    people = dict(con.execute("select i, person_id from people_who_bought").fetchall())
    rows = zip(found.customer.tolist(), found.features.tolist(), strict=True)
    return sorted((people[i], str(row)) for i, row in rows)


def of_coupons(con, known_until):
    cases = coupon_cases.sent(con, known_until)
    cases = cases[cases["sent"].dt.date <= THEN].sort_values(["campaign_id", "person_id"])
    return [str(row) for row in cases[["person_id", "campaign_id", *coupon_cases.NUMBERS]].to_numpy().tolist()]


def of_baskets(con, known_until):
    basket_candidates.prepare(con, known_until)
    basket_candidates.products(con, THEN)
    basket_candidates.told(con, THEN)
    return [str(row) for row in con.execute("from told order by all").fetchall()]


TELLERS = {"purchases": of_purchases, "coupons": of_coupons, "campaigns": of_coupons, "baskets": of_baskets}


def told_twice(home, name):
    found = []
    for known_until in (THEN, NOW):
        with engine.reading(home) as con:
            found.append(TELLERS[name](con, known_until))
    return found


@pytest.mark.parametrize("name", TELLERS)
def test_a_past_day_is_told_the_same_whatever_came_later(home, name):
    then, now = told_twice(home, name)
    assert len(then) > 100
    assert then == now


@pytest.mark.parametrize("name", TELLERS)
def test_a_planted_leak_is_seen(home, name, monkeypatch):
    module, attribute, right, wrong = LEAKS[name]
    made = getattr(module, attribute)
    leaking = (lambda *args: made(*args).replace(right, wrong)) if callable(made) else made.replace(right, wrong)
    assert callable(made) or leaking != made
    monkeypatch.setattr(module, attribute, leaking)
    then, now = told_twice(home, name)
    assert then != now

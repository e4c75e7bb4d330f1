"""Scores of people: learned from the past alone, kept, measured, and watched."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from orchestration.scores.of_people import behaviour_groups, coupon_response, models, next_products, purchases, run
from orchestration.scores.of_people.drift import Reference
from orchestration.settings import Settings
from orchestration.warehouse import engine
from tests.unit.scores.of_people import shop

pytestmark = pytest.mark.one_engine

DAY = date(2023, 11, 30)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    shop.build(settings)
    return settings


@pytest.fixture(scope="module")
def spoken(home):
    return {one.score: one for one in run.score(home, DAY, "run 1")}


def rows(settings, sql):
    with engine.reading(settings) as con:
        return con.execute(sql).fetchall()


def best(kept, target, measure):
    """The value of the method that speaks, and of the best plain rule."""
    found = [one for one in kept.learned.measures if one.target == target and one.measure == measure]
    return next(one.value for one in found if one.is_used), max(one.value for one in found if one.is_baseline)


def test_no_score_knows_anything_after_its_day(home, spoken, tmp_path):
    """The same shop without a row after the day says the same of everybody, word for word."""
    other = Settings(home=tmp_path)
    shop.build(other, until=DAY)
    run.score(other, DAY, "run 1")
    # Groups look at features of the day, which the shop makes as of its last.
    for table in set(run.SCORES) - {"behaviour_groups"}:
        columns = "* exclude (model_version)"
        assert rows(home, f"select {columns} from scores.{table} order by all") == rows(
            other, f"select {columns} from scores.{table} order by all"
        )


@pytest.mark.parametrize(
    ("score", "target", "measure"),
    [
        ("purchases", "purchase_probability_28d", "AUC"),
        ("purchases", "purchase_probability_56d", "AUC"),
        ("coupon_response", "coupon_probability", "AUC"),
        ("next_products", "probability", "recall@10"),
    ],
)
def test_what_speaks_is_as_good_as_the_best_plain_rule(spoken, score, target, measure):
    value, plain = best(spoken[score].kept, target, measure)
    assert value > plain - 0.02
    assert value > (0.6 if measure == "AUC" else 0.3)


def test_spend_lies_between_low_and_high_as_often_as_it_says(home, spoken):
    share = [
        one.value for one in spoken["purchases"].kept.learned.measures if one.measure == "share inside low and high"
    ]
    assert 0.7 < share[0] < 0.95
    low, high = "expected_spend_84d_low_usd", "expected_spend_84d_high_usd"
    outside = f"not (expected_spend_84d_usd between {low} and {high})"
    assert rows(home, f"select count(*) filter ({outside}), min({high} - {low}) >= 0 from scores.purchases") == [
        (0, True)
    ]


def test_ten_products_a_person_and_new_ones_are_new(home, spoken):
    assert rows(home, "select max(place) from scores.next_products where kind = 'likely'") == [(10,)]
    bought = (
        "select person_id, product_id from conformed.order_lines join identity.person_records using (record_id) "
        f"where business_date <= date '{DAY}'"
    )
    known = f"from scores.next_products semi join ({bought}) using (person_id, product_id) where kind = 'new'"
    assert rows(home, f"select count(*) {known}") == [(0,)]


def test_the_model_in_use_speaks_again_and_is_named(home, spoken):
    again = run.score(home, DAY + timedelta(days=7), "run 2")
    assert [one.kept.version for one in again] == [one.kept.version for one in spoken.values()]
    assert [one.age_days for one in again] == [7, 7, 7, 7]
    assert rows(home, "select distinct model_version from scores.purchases") == [(spoken["purchases"].kept.version,)]


def test_a_model_that_knows_later_days_is_trained_again(tmp_path):
    settings = Settings(home=tmp_path)
    shop.build(settings)
    late = run.retrain(settings, DAY, "late", ("purchases",))["purchases"]
    early = {one.score: one for one in run.score(settings, DAY - timedelta(days=60), "early")}["purchases"]
    assert early.kept.version != late.version
    assert early.kept.learned.last_day == DAY - timedelta(days=60)


def test_a_file_that_is_gone_is_trained_again(tmp_path):
    settings = Settings(home=tmp_path)
    shop.build(settings)
    run.retrain(settings, DAY, "first", ("coupon_response",))
    assert models.in_use(settings, "coupon_response") is not None
    for file in (settings.root / "scores" / "models").iterdir():
        file.unlink()
    assert models.in_use(settings, "coupon_response") is None


def test_a_shop_without_history_gets_no_scores_and_is_told(tmp_path):
    settings = Settings(home=tmp_path)
    shop.build(settings, until=shop.FIRST - timedelta(days=1))
    spoken = run.score(settings, DAY, "run 1")
    assert [one.count_rows for one in spoken] == [0, 0, 0, 0]
    assert all(one.kept.learned.notes for one in spoken)


def test_people_who_are_no_longer_alike_are_seen():
    chance = np.random.default_rng(1)
    reference = Reference.learned(chance.beta(2, 5, 5000))
    assert reference.stability_index(chance.beta(2, 5, 5000)) < 0.02
    assert reference.stability_index(chance.beta(5, 2, 5000)) > 1
    ties = Reference.learned(np.repeat([0.1, 0.2], [4000, 1000]))
    assert ties.stability_index(np.repeat([0.1, 0.2], [4000, 1000])) == 0


def test_of_many_people_a_part_teaches_and_everybody_is_told(home, monkeypatch):
    with engine.reading(home) as con:
        everybody = purchases.learn(con, shop.LAST).count_cases
        monkeypatch.setattr(purchases, "_LEARNED_PEOPLE", everybody // 2)
        learned = purchases.learn(con, shop.LAST)
        assert everybody / 4 < learned.count_cases < everybody * 3 / 4
        assert len(purchases.said(con, learned, shop.LAST)) == everybody


def test_an_interval_widens_with_what_is_expected():
    chance = np.random.default_rng(1)
    said = chance.gamma(1, 100, 4000)
    interval = purchases.Interval.learned(said, said * chance.gamma(4, 0.25, 4000))
    low, high = interval.around(np.array([10.0, 1000.0]))
    assert low[0] < 10 < high[0] < low[1] < 1000 < high[1]
    assert purchases.Interval.learned(said[:10], said[:10]) is None


def test_a_plain_rule_that_is_as_good_speaks(tmp_path):
    """Where everybody is alike no model is better than the share of all."""
    settings = Settings(home=tmp_path)
    shop.build(settings)
    with engine.writing(settings) as con:
        con.execute("delete from conformed.coupon_redemptions")
        con.execute(
            "insert into conformed.coupon_redemptions (record_id, campaign_id, business_date) "
            "select record_id, campaign_id, event_date + 3 from conformed.interactions "
            "where hash(record_id || campaign_id) % 10 = 0"
        )
    kept = run.retrain(settings, DAY, "run", ("coupon_response",))["coupon_response"]
    assert kept.learned.chosen["coupon_probability"] in coupon_response.BASELINES
    assert any("plain rule" in note for note in kept.learned.notes)


def test_baskets_of_habit_are_foreseen(spoken):
    value, popular = best(spoken["next_products"].kept, "probability", "recall@10")
    assert value > popular - 0.01
    assert spoken["next_products"].kept.learned.chosen["probability"] in next_products.METHODS


def test_groups_are_told_in_words_and_keep_their_labels(home, spoken):
    first = dict(rows(home, "select person_id, behaviour_group from scores.behaviour_groups"))
    assert len(set(first.values())) >= 4
    described = rows(home, "select distinct description from scores.behaviour_groups")
    assert len(described) >= 3
    assert all(words for (words,) in described)
    with engine.writing(home) as con:
        con.execute("delete from features.people where hash(person_id) % 10 = 0")
    trained = run.retrain(home, DAY, "again", ("behaviour_groups",))["behaviour_groups"]
    assert trained.version != spoken["behaviour_groups"].kept.version
    run.score(home, DAY, "run 3")
    second = dict(rows(home, "select person_id, behaviour_group from scores.behaviour_groups"))
    kept = sum(first[person] == group for person, group in second.items()) / len(second)
    assert kept > 0.8
    assert any("keep the label" in note for note in trained.learned.notes)


def test_labels_without_following_would_move(home, spoken):
    """What the test above would find if labels were given by size alone: they change places."""
    groups = spoken["behaviour_groups"].kept.learned.content
    turned = replace(spoken["behaviour_groups"].kept.learned, content=replace(groups, centres=groups.centres[::-1]))
    with engine.reading(home) as con:
        followed = behaviour_groups.follow(con, turned, spoken["behaviour_groups"].kept.learned)
    assert followed.content.labels == groups.labels[::-1]

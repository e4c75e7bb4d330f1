"""Months are closed once; what is known of them later is explained to the row."""

import os
import random
from datetime import date

import pytest

from orchestration.home import prepare, variables
from orchestration.measurement.period_close import close_months
from orchestration.settings import Settings
from orchestration.warehouse import dbt, engine

_FIGURES = ["measurement__period_orders", "measurement__period_figures"]
_EXPLAINED = ["measurement__closed_months+", "measurement__differences+", "marts__identity_changes"]
_TABLES = """
    create schema conformed; create schema identity;
    create table conformed.orders (order_id varchar, record_id varchar, order_type varchar, currency varchar,
        net_amount decimal(18, 2), business_date date);
    create table identity.person_records (record_id varchar, person_id varchar);
    create table identity.ledger (run_no bigint, run_id varchar, event varchar, person_id varchar,
        other_person_id varchar, count_records bigint, cause varchar, record_id_l varchar, record_id_r varchar,
        rule varchar, match_weight double, model_version varchar, as_of_date date, recorded_at timestamp);
"""


class Shop:
    """A warehouse with orders and people that a test changes; `run` is what a daily run does with them."""

    def __init__(self, settings):
        self.settings = settings
        self.run_no = 0
        with engine.writing(settings) as con:
            con.execute(_TABLES)
        with engine.writing_state(settings) as con:
            con.execute("create schema identity; create table identity.runs (run_no bigint)")

    def sql(self, statement, *values):
        with engine.writing(self.settings) as con:
            return con.execute(statement, list(values)).fetchall()

    def buys(self, order, buyer, day, amount=10, *, kind="sale", currency="USD"):
        """Land an order again or for the first time; who never bought before is a person of their own."""
        self.sql("delete from conformed.orders where order_id = ?", order)
        row = [order, buyer, kind, currency, amount, date.fromisoformat(day)]
        self.sql("insert into conformed.orders values (?, ?, ?, ?, ?, ?)", *row)
        if buyer and not self.sql("from identity.person_records where record_id = ?", buyer):
            self.gives(buyer, f"p_{buyer}")

    def gives(self, record, person):
        """Identity finds that a record is a person's, and writes so in its ledger."""
        self.run_no += 1
        with engine.writing_state(self.settings) as con:
            con.execute("insert into identity.runs values (?)", [self.run_no])
        before = self.sql("select person_id from identity.person_records where record_id = ?", record)
        self.sql("delete from identity.person_records where record_id = ?", record)
        left = before and self.sql("select count(*) from identity.person_records where person_id = ?", before[0][0])
        event = "created" if not before else "moved" if left[0][0] else "merged"
        people = [person, None] if not before else [before[0][0], person]
        self.sql("insert into identity.person_records values (?, ?)", record, person)
        self.sql(
            "insert into identity.ledger (run_no, event, person_id, other_person_id) values (?, ?, ?, ?)",
            self.run_no, event, *people,
        )  # fmt: skip

    def run(self, as_of):
        day = date.fromisoformat(as_of)
        dbt.run(self.settings, ["build", "--select", *_FIGURES], as_of=day)
        closed = close_months(self.settings, as_of=day)
        # Its tests are run with it: every difference is explained, or this raises.
        dbt.run(self.settings, ["build", "--select", *_EXPLAINED], as_of=day)
        return [f"{month:%Y-%m}" for month in closed]

    def figures(self, month):
        rows = self.sql(
            "select measure, reported, restated from marts.period_close where month_start_date = ?", f"{month}-01"
        )
        return {measure: (int(then), int(now)) for measure, then, now in rows}

    def reasons(self, month, measure):
        return self.sql(
            "select cause, order_id, difference::int from marts.period_restatement "
            "where month_start_date = ? and measure = ? order by all",
            f"{month}-01",
            measure,
        )


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Settings of one home for all tests, for which dbt reads the project once."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("TESSERA_")]:
        del os.environ[name]
    os.environ["TESSERA_HOME"] = str(tmp_path_factory.mktemp("home"))
    settings = Settings()
    prepare(settings)
    os.environ.update(variables(settings))
    yield settings
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def shop(home):
    """Three customers who bought in January and in February 2026, and a purchase by nobody known."""
    home.warehouse.unlink(missing_ok=True)
    home.state.unlink(missing_ok=True)
    made = Shop(home)
    for number, buyer in enumerate(["ann", "bob", "cem"]):
        made.buys(f"jan{number}", buyer, "2026-01-10")
        made.buys(f"feb{number}", buyer, "2026-02-10")
    made.buys("cash", None, "2026-02-11")
    return made


def test_a_month_is_closed_when_it_has_ended_and_only_once(shop):
    assert shop.run("2026-02-27") == ["2026-01"]
    assert shop.run("2026-02-28") == ["2026-02"]
    assert shop.run("2026-02-28") == []
    assert shop.figures("2026-02") == {
        "customers": (3, 3),
        "new_customers": (0, 0),
        "active_customers": (3, 3),
        "orders": (4, 4),
        "returns": (0, 0),
        "revenue": (40, 40),
    }


def test_every_kind_of_change_is_told_and_adds_up(shop):
    shop.run("2026-02-28")
    shop.buys("late", "dia", "2026-02-20", 7)
    shop.gives("bob", "p_ann")
    shop.buys("feb2", "cem", "2026-02-10", 4)
    shop.sql("delete from conformed.orders where order_id = 'cash'")
    shop.buys("jan0", "ann", "2026-01-10", -1, kind="return")
    shop.run("2026-03-10")
    assert shop.figures("2026-02") == {
        "customers": (3, 3),
        "new_customers": (0, 1),
        "active_customers": (3, 3),
        "orders": (4, 4),
        "returns": (0, 0),
        "revenue": (40, 31),
    }
    assert shop.reasons("2026-02", "revenue") == [
        ("corrected", "feb2", -6), ("late_row", "late", 7), ("withdrawn", "cash", -10),
    ]  # fmt: skip
    assert shop.reasons("2026-02", "active_customers") == [("identity", "feb1", -1), ("late_row", "late", 1)]
    assert shop.reasons("2026-02", "new_customers") == [("late_row", "late", 1)]
    assert shop.reasons("2026-01", "returns") == [("corrected", "jan0", 1)]
    ((change, event),) = shop.sql(
        "select distinct identity_change_id, identity_event from marts.period_restatement where cause = 'identity'"
    )
    assert event == "merged"
    assert change.endswith("merged/p_bob/p_ann")


def test_an_older_year_that_lands_later_explains_the_months_after_it(shop):
    shop.run("2026-02-28")
    shop.buys("old", "ann", "2025-12-24")
    shop.buys("older", "eve", "2025-12-24")
    assert shop.run("2026-03-01") == ["2025-12"]
    assert shop.figures("2025-12")["customers"] == (2, 2)
    assert shop.figures("2026-01")["customers"] == (3, 4)
    assert shop.reasons("2026-01", "new_customers") == [("late_row", "old", -1)]
    assert shop.figures("2026-02")["customers"] == (3, 4)


def test_a_rebuilt_warehouse_tells_the_same(shop):
    shop.run("2026-02-28")
    shop.buys("late", "dia", "2026-02-20", 7)
    shop.run("2026-03-10")
    before = shop.sql("from marts.period_close order by all"), shop.sql("from marts.period_restatement order by all")
    shop.sql("drop schema measurement cascade; drop schema marts cascade")
    shop.run("2026-03-10")
    assert before == (
        shop.sql("from marts.period_close order by all"),
        shop.sql("from marts.period_restatement order by all"),
    )


def test_a_run_for_an_earlier_day_closes_nothing_and_shows_what_had_ended(shop):
    shop.run("2026-02-28")
    assert shop.run("2026-01-31") == []
    assert shop.sql("select distinct month_start_date from marts.period_close") == [(date(2026, 1, 1),)]


def test_a_warehouse_without_orders_closes_nothing(shop):
    shop.sql("delete from conformed.orders")
    assert shop.run("2026-02-28") == []


@pytest.mark.one_engine
def test_whatever_happens_over_months_adds_up(shop):
    """Late, corrected and withdrawn orders, people merged and parted, in months closed one after the other."""
    chance = random.Random(1)
    buyers = [f"b{number}" for number in range(12)]
    placed = {}
    for month in range(3, 7):
        for _ in range(25):
            order, when = f"o{len(placed)}", f"2026-{chance.randint(1, month):02}-{chance.randint(1, 28):02}"
            placed[order] = (chance.choice([*buyers, None]), when)
            kind = chance.choice(["sale"] * 4 + ["return", "void"])
            shop.buys(order, *placed[order], chance.randint(1, 50), kind=kind)
        for order in chance.sample(sorted(placed), 10):
            if chance.random() < 0.4:
                shop.sql("delete from conformed.orders where order_id = ?", order)
            else:
                kind = chance.choice(["sale", "return"])
                shop.buys(order, *placed[order], chance.randint(1, 50), kind=kind, currency="EUR")
        for buyer in chance.sample(buyers, 3):
            if shop.sql("from identity.person_records where record_id = ?", buyer):
                shop.gives(buyer, f"p_{chance.choice(buyers)}")
        shop.run(f"2026-{month:02}-28" if month % 2 else f"2026-{month:02}-30")
    causes = {cause for (cause,) in shop.sql("select distinct cause from marts.period_restatement")}
    assert causes == {"late_row", "identity", "corrected", "withdrawn"}

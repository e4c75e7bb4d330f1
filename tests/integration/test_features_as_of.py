"""Features as of a past day know nothing that came after it, and a feature that does is seen."""

import os
from datetime import date

import duckdb
import pytest

from orchestration.features import as_of
from orchestration.warehouse import compiled, engine

pytestmark = [pytest.mark.integration, pytest.mark.one_engine]
THEN = date(2017, 10, 31)
# Tables that features read, and the day of a row.
READ = {
    "orders": "business_date",
    "order_lines": "business_date",
    "events": "event_date",
    "interactions": "event_date",
    "coupon_redemptions": "business_date",
    "tickets": "opened_at::date",
    "feedback": "feedback_date",
}


@pytest.fixture(scope="module")
def built(home, run):
    outcome = run("daily")
    assert outcome.success, outcome.summary()
    return home


def then(settings, tmp_path):
    """The features as of the day, with the future in the warehouse and without it."""
    found = []
    for output in (tmp_path / "knowing.parquet", tmp_path / "blind.parquet"):
        as_of.write(settings, THEN, output)
        found.append(duckdb.sql(f"from '{output}' order by person_id").fetchall())
        with engine.writing(settings) as con:
            for table, day in READ.items():
                con.execute(f"delete from conformed.{table} where {day} > ?", [THEN])
    return found


@pytest.fixture
def future(built):
    """The warehouse with everything that came; put back after a test took it away."""
    kept = built.warehouse.read_bytes()
    yield built
    built.warehouse.write_bytes(kept)


def test_what_came_later_changes_nothing(future, tmp_path):
    knowing, blind = then(future, tmp_path)
    assert len(knowing) > 50
    assert knowing == blind


def test_a_feature_that_looks_ahead_is_seen(future, tmp_path, monkeypatch):
    query = compiled.query
    monkeypatch.setattr(
        compiled, "query", lambda *args: query(*args).replace("<= clock.as_of_date", "<= clock.as_of_date + 30", 1)
    )
    knowing, blind = then(future, tmp_path)
    assert knowing != blind


def test_a_day_ahead_is_refused(built, tmp_path):
    with pytest.raises(as_of.NoFeaturesError, match="2018-03-01 has not been built"):
        as_of.write(built, date(2018, 3, 1), tmp_path / "features.csv")
    assert not os.listdir(tmp_path)

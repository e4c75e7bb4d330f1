"""Golden values over time: each day's profile stays what it was, whatever came later."""

from datetime import date, datetime

import duckdb
import pytest

from orchestration.identity import state
from orchestration.profile import history
from orchestration.settings import Settings
from orchestration.warehouse import engine

MONDAY, TUESDAY, WEDNESDAY = date(2017, 12, 4), date(2017, 12, 5), date(2017, 12, 6)


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path)


def golden(settings, **people):
    """The golden values of a run: person -> attribute -> value."""
    rows = [
        (person, attribute, value, f"crm:contacts:{person}", "recency")
        for person, values in people.items()
        for attribute, value in values.items()
    ]
    with engine.writing(settings) as con:
        con.execute("create schema if not exists profile")
        con.execute(
            "create or replace table profile.attributes (person_id varchar, attribute varchar, value varchar, "
            "record_id varchar, rule varchar, is_valid boolean)"
        )
        con.executemany("insert into profile.attributes values (?, ?, ?, ?, ?, true)", rows)


def then(settings, day, tmp_path):
    """person -> its golden values of a day."""
    history.write(settings, day, tmp_path / "then.parquet")
    table = duckdb.sql(f"from '{tmp_path / 'then.parquet'}'")
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.fetchall()]
    return {row.pop("person_id"): {name: value for name, value in row.items() if value} for row in rows}


@pytest.fixture
def three_days(settings):
    """Ann marries on Tuesday; Bob is found to be Ben on Wednesday."""
    golden(settings, ann={"last_name": "Hill", "city": "Akron"}, bob={"city": "Dayton"}, ben={"city": "Dayton"})
    history.keep(settings, MONDAY, "1")
    golden(settings, ann={"last_name": "Wood", "city": "Akron"}, bob={"city": "Dayton"}, ben={"city": "Dayton"})
    history.keep(settings, TUESDAY, "2")
    golden(settings, ann={"last_name": "Wood", "city": "Akron"}, bob={"city": "Dayton"})
    history.keep(settings, WEDNESDAY, "3")
    return settings


def test_every_day_is_told_as_it_was(three_days, tmp_path):
    assert then(three_days, MONDAY, tmp_path) == {
        "ann": {"last_name": "Hill", "city": "Akron"}, "bob": {"city": "Dayton"}, "ben": {"city": "Dayton"},
    }  # fmt: skip
    assert then(three_days, TUESDAY, tmp_path)["ann"]["last_name"] == "Wood"
    assert then(three_days, WEDNESDAY, tmp_path) == then(three_days, None, tmp_path)
    assert "ben" not in then(three_days, None, tmp_path)


def test_a_run_without_news_writes_nothing(three_days):
    assert history.keep(three_days, WEDNESDAY, "again") == history.Kept(0, 0, 3)


def test_the_same_day_again_corrects_what_the_day_wrote(three_days, tmp_path):
    before = then(three_days, TUESDAY, tmp_path)
    golden(three_days, ann={"last_name": "Hill", "city": "Akron"}, ben={"city": "Dayton"})
    history.keep(three_days, WEDNESDAY, "corrected")
    assert then(three_days, WEDNESDAY, tmp_path) == {
        "ann": {"last_name": "Hill", "city": "Akron"}, "ben": {"city": "Dayton"},
    }  # fmt: skip
    assert then(three_days, TUESDAY, tmp_path) == before
    with engine.writing_state(three_days) as con:
        stays = con.execute("select count(*), count(*) filter (from_date = to_date) from profile.history").fetchall()
    # Ben never left: his stay goes on, and no stay is empty.
    assert stays == [(6, 0)]


def test_a_day_before_the_last_rewrites_nothing(three_days, tmp_path):
    before = then(three_days, MONDAY, tmp_path)
    golden(three_days, ann={"last_name": "Other"})
    assert history.keep(three_days, MONDAY, "late").is_past
    assert then(three_days, MONDAY, tmp_path) == before


def test_what_is_not_known_is_said(settings, three_days, tmp_path):
    with pytest.raises(history.NoHistoryError, match="kept since 2017-12-04"):
        history.write(three_days, date(2017, 12, 1), tmp_path / "x.csv")
    with pytest.raises(history.NoHistoryError, match="run `tessera run daily` first"):
        history.write(Settings(home=tmp_path / "empty"), None, tmp_path / "x.csv")


def test_who_were_two_people_then_are_told_apart(three_days):
    """Ben's records are Bob's since Wednesday; on Monday both had a profile."""
    with engine.writing_state(three_days) as con:
        state.create_tables(con)
        for number, day in ((1, MONDAY), (2, WEDNESDAY)):
            con.execute(
                "insert into identity.runs (run_no, run_id, as_of, recorded_at) values (?, ?, ?, ?)",
                [number, str(number), day, datetime(2017, 12, day.day)],
            )
        con.execute("insert into identity.people (person_id) values ('bob'), ('ben')")
        con.execute("insert into identity.aliases values ('ben', 'bob', '2')")
        con.execute(
            "insert into identity.membership values ('r1', 'bob', 1, null), ('r2', 'ben', 1, 2), ('r2', 'bob', 2, null)"
        )
    assert set(history.read(three_days, "bob")) == {"bob"}
    assert set(history.read(three_days, "ben", MONDAY)) == {"ben"}
    assert set(history.read(three_days, "r2", MONDAY)) == {"ben"}
    assert set(history.read(three_days, "ben", WEDNESDAY)) == {"bob"}
    told = history.text(three_days, "bob", None, show_values=False)
    assert "recency, from crm:contacts:bob, since 2017-12-04" in told
    assert "Dayton" not in told
    assert "Dayton" in history.text(three_days, "bob", None, show_values=True)

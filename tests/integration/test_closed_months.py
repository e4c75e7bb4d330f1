"""A month is closed, then a late day lands and two customers become one: one story on a home, in its order."""

import shutil
from datetime import date

import pytest

from orchestration.demo.run import demo_folder
from orchestration.identity import decisions
from orchestration.warehouse import engine

pytestmark = [pytest.mark.integration, pytest.mark.one_engine]
AS_OF = date(2017, 12, 30)
LATE = "2017-06-14"


def rows(settings, sql):
    with engine.reading(settings) as con:
        return con.execute(sql).fetchall()


@pytest.fixture(scope="module")
def reported(home, run):
    """The first run, before a day of June has come; what it said of every closed month."""
    day = demo_folder(home) / "drops" / "receipts" / LATE
    shutil.move(day, demo_folder(home) / "aside")
    outcome = run("daily", as_of=AS_OF)
    assert outcome.success, outcome.summary()
    shutil.move(demo_folder(home) / "aside", day)
    return rows(home, "select month_start_date, measure, unit, reported from marts.period_close order by all")


def test_every_month_that_has_ended_is_closed_and_says_what_is_known(home, reported):
    months = {month for month, *_ in reported}
    assert months == {date(2017, month, 1) for month in range(1, 12)}
    assert rows(home, "select count(*) from marts.period_close where difference <> 0") == [(0,)]


def test_late_rows_and_a_merge_are_told_apart_to_the_row(home, run, reported):
    buyers = rows(
        home,
        # People of one record: nothing speaks against what a steward says.
        "select any_value(record_id) from measurement.period_orders inner join identity.people using (person_id) "
        "where count_records = 1 and business_date between date '2017-06-01' and date '2017-06-13' "
        "and order_type = 'sale' group by person_id order by person_id limit 2",
    )
    with engine.writing_state(home) as con:
        decisions.record(con, buyers[0][0], buyers[1][0], decision="must", who="ada", why="one person")
    outcome = run("daily", as_of=AS_OF)
    assert outcome.success, outcome.summary()
    # One of them is that what was reported and what is known now differ by exactly the rows that explain it.
    assert not outcome.failed_checks, outcome.summary()
    assert (
        rows(home, "select month_start_date, measure, unit, reported from marts.period_close order by all") == reported
    )
    june = {
        measure: found
        for measure, *found in rows(
            home,
            "select measure, difference, difference_by_late_rows, difference_by_identity from marts.period_close "
            "where month_start_date = date '2017-06-01'",
        )
    }
    late = rows(
        home,
        "select count(*) filter (order_type = 'sale'), sum(net_amount) filter (order_type in ('sale', 'return')) "
        f"from marts.orders where business_date = date '{LATE}' and channel = 'pos'",
    )[0]
    assert late[0] > 0
    assert june["orders"] == [late[0], late[0], 0]
    assert june["revenue"] == [late[1], late[1], 0]
    assert june["customers"][2] == -1
    merged = rows(
        home,
        "select distinct event from marts.period_restatement inner join marts.identity_changes "
        "using (identity_change_id) where measure = 'customers' and period_restatement.cause = 'identity'",
    )
    assert merged == [("merged",)]

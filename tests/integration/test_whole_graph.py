"""The whole graph on a small population: twice, one more day, a restated, withdrawn and late day, and from nothing.

The tests of this file are one story and run in their order on one home.
"""

import shutil

import pytest

from orchestration.demo.generate import generate
from orchestration.demo.run import demo_folder
from orchestration.warehouse import dbt, engine
from orchestration.warehouse.publish import content_hash
from tests.integration.conftest import LAST_DAY, PEOPLE, SEED

pytestmark = pytest.mark.integration
STAGES = ("conformed", "identity", "profile", "features", "segments", "measurement", "marts")
# What a rebuild must find again; the tables of identity tell runs apart.
REBUILT = tuple(stage for stage in STAGES if stage != "identity")


def hashes(settings, schemas=STAGES):
    with engine.reading(settings) as con:
        tables = con.execute(
            "select table_schema, table_name from information_schema.tables "
            "where table_catalog = 'warehouse' and list_contains(?, table_schema) order by all",
            [list(schemas)],
        ).fetchall()
        return {f"{schema}.{table}": content_hash(con, f"{schema}.{table}") for schema, table in tables}


def rows(settings, sql):
    with engine.reading(settings) as con:
        return con.execute(sql).fetchall()


def sends(settings):
    return rows(settings, "select count(*) from state.activation.attempts")[0][0]


# Have rows for each run that changed people: that it did is no difference of the people.
LOG_OF_RUNS = {"marts.identity_quality", "marts.identity_changes"}
# Have rows once something changed in a month that is closed.
CHANGES = {"identity.aliases", "measurement.compared_orders", "measurement.differences", "marts.period_restatement"}


def differing(before, after, besides=frozenset()):
    return {table for table in before.keys() | after.keys() if before.get(table) != after.get(table)} - besides


@pytest.fixture(scope="module")
def story():
    """What earlier tests of this file leave for later ones."""
    return {}


def test_every_stage_is_built_and_every_check_passes(home, run, story):
    outcome = run()
    assert outcome.success, outcome.summary()
    assert not outcome.failed_checks, outcome.summary()
    assert outcome.checks_passed > 100
    story["first"] = hashes(home)
    story["sends"] = sends(home)
    empty = [table for table in story["first"] if not rows(home, f"select count(*) from {table}")[0][0]]
    assert set(empty) <= {"identity.skipped_identifiers"} | CHANGES
    assert story["sends"] > 0


def test_the_sql_does_what_its_unit_tests_say(home, run):
    assert dbt.run(home, ["test", "--select", "test_type:unit"], as_of=LAST_DAY) >= 10


def test_a_second_run_without_news_changes_nothing_and_sends_nothing(home, run, story):
    outcome = run()
    assert outcome.success, outcome.summary()
    assert differing(story["first"], hashes(home)) == set()
    assert sends(home) == story["sends"]


def test_one_more_day_touches_only_that_day_up_to_conformed(home, run, story):
    before = rows(home, "select distinct _batch_id from conformed.order_lines")
    generate(PEOPLE, SEED, demo_folder(home))
    outcome = run()
    assert outcome.success, outcome.summary()
    known = {batch for (batch,) in before}
    added = rows(home, "select distinct _batch_id, business_date from conformed.order_lines")
    assert {day for batch, day in added if batch not in known} == {LAST_DAY}
    assert known <= {batch for batch, _ in added}
    story["whole_year"] = hashes(home, ("conformed", "marts"))
    story["ids"] = rows(home, "select record_id, person_id from identity.person_records order by all")
    story["sends"] = sends(home)


@pytest.mark.one_engine
def test_a_rebuild_without_truth_gives_the_same_ids_and_marts_and_sends_nothing(home, run, story):
    home.warehouse.unlink()
    shutil.rmtree(demo_folder(home) / "truth")
    outcome = run()
    assert outcome.success, outcome.summary()
    assert rows(home, "select record_id, person_id from identity.person_records order by all") == story["ids"]
    assert differing(story["whole_year"], hashes(home, ("conformed", "marts")), LOG_OF_RUNS) == set()
    assert sends(home) == story["sends"]


@pytest.mark.one_engine
def test_a_withdrawn_and_a_restated_day_give_what_a_rebuild_gives_and_a_late_delivery_brings_all_back(home, run, story):
    drops = demo_folder(home) / "drops" / "receipts"
    day, aside = drops / "2017-06-14", demo_folder(home) / "aside"
    day.rename(aside)
    lines = drops / "2017-09-20" / "receipt_lines.csv"
    whole = lines.read_text()
    lines.write_text("".join(whole.splitlines(keepends=True)[: whole.count("\n") // 2]))
    lines_of = "select count(*) from conformed.order_lines where business_date = date '{}'"
    before = rows(home, lines_of.format("2017-09-20"))
    assert run("daily", as_of=LAST_DAY).success
    assert rows(home, lines_of.format("2017-06-14")) == [(0,)]
    assert (0,) < rows(home, lines_of.format("2017-09-20"))[0] < before[0]
    increments = hashes(home, REBUILT)
    home.warehouse.unlink()
    assert run("daily", as_of=LAST_DAY).success
    assert differing(increments, hashes(home, REBUILT), LOG_OF_RUNS) == set()
    aside.rename(day)
    lines.write_text(whole)
    assert run("daily", as_of=LAST_DAY).success
    marts = {name: value for name, value in story["whole_year"].items() if name.startswith("marts.")}
    assert differing(marts, hashes(home, ("marts",)), LOG_OF_RUNS) == set()
    assert sends(home) == story["sends"]

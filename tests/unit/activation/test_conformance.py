"""What every destination keeps, whatever it is: each test runs on each of them through its harness."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.activation import outbox
from orchestration.activation.destination import names
from orchestration.activation.errors import AuthError
from orchestration.activation.run import run_sync
from tests.unit.activation.harnesses import ANSWERING, HARNESSES, KEEPING
from tests.unit.activation.payloads import AS_OF, PATIENCE, POISON, change, fill_warehouse, ledger_rows, payload_rows

ROOT = Path(__file__).parents[3]
ROWS = 250


@pytest.fixture
def harness(request, settings, monkeypatch):
    """The destination that a test is run on, with a payload of 250 contacts that it has not got yet."""
    fill_warehouse(settings, ROWS)
    with HARNESSES[request.param](request, monkeypatch) as made:
        yield made


every_destination = pytest.mark.parametrize("harness", sorted(HARNESSES), indirect=True)
answering_destination = pytest.mark.parametrize("harness", ANSWERING, indirect=True)
keeping_destination = pytest.mark.parametrize("harness", KEEPING, indirect=True)


def sync_once(settings, harness, run_id, **changes):
    return run_sync(settings, harness.document(**changes), AS_OF, run_id, patience=PATIENCE)


def wanted(settings) -> dict[str, dict[str, str]]:
    """What the payload table says, as every destination should hold it."""
    rows = payload_rows(settings)
    return {row.pop("contact_id"): row for row in rows}


def set_department(settings, key, value):
    change(settings, f"update activation.hubspot__contacts set tessera_favourite_department = '{value}' "
                     f"where contact_id = '{key}'")  # fmt: skip


def test_every_destination_has_a_harness():
    assert sorted(HARNESSES) == names()


@every_destination
def test_the_first_run_delivers_everything_and_the_second_sends_nothing(settings, harness):
    first = sync_once(settings, harness, "r1")
    assert (first.status, first.plan.insert, first.acknowledged) == ("succeeded", ROWS, ROWS)
    assert harness.held() == wanted(settings)
    mark = harness.mark()
    second = sync_once(settings, harness, "r2")
    assert (second.plan.to_send, second.plan.unchanged) == (0, ROWS)
    assert harness.mark() == mark


@every_destination
def test_changes_exits_and_new_rows_arrive_together(settings, harness):
    change(settings, "create table activation.everyone as select * from activation.hubspot__contacts")
    change(settings, "delete from activation.hubspot__contacts where contact_id >= '1200'")
    sync_once(settings, harness, "r1")
    change(settings, "delete from activation.hubspot__contacts where contact_id < '1010'")
    change(settings, "insert into activation.hubspot__contacts from activation.everyone where contact_id >= '1200'")
    change(settings, "update activation.hubspot__contacts set tessera_segments = null, tessera_lifetime_value_usd = -1 "
                     "where contact_id between '1100' and '1109'")  # fmt: skip
    result = sync_once(settings, harness, "r2")
    assert (result.plan.insert, result.plan.update, result.plan.exit, result.acknowledged) == (50, 10, 10, 70)
    assert harness.held() == wanted(settings)


@keeping_destination
def test_only_the_fields_that_changed_are_written(settings, harness):
    sync_once(settings, harness, "r1")
    harness.overwrite("1001", "tessera_segments", "by hand")
    set_department(settings, "1001", "MEAT")
    named_there = harness.document().fields["tessera_favourite_department"].to
    assert sync_once(settings, harness, "r2").plan.fields == {named_there: 1}
    held = harness.held()["1001"]
    assert (held["tessera_segments"], held["tessera_favourite_department"]) == ("by hand", "MEAT")


@answering_destination
def test_a_poison_row_is_rejected_alone_and_sent_again_once_it_changes(settings, harness):
    harness.refuse_poison()
    for key in ("1000", "1007", "1249"):
        set_department(settings, key, POISON)
    first = sync_once(settings, harness, "r1")
    assert (first.status, first.acknowledged, first.rejected) == ("rejects", ROWS - 3, 3)
    assert sorted(set(wanted(settings)) - set(harness.held())) == ["1000", "1007", "1249"]
    rejects = ledger_rows(settings, "select error_class, tries, length(code) > 0, length(reason) > 0 "
                                    "from activation.rejects")  # fmt: skip
    assert rejects == [("permanent", 1, True, True)] * 3
    second = sync_once(settings, harness, "r2")
    assert (second.plan.to_send, second.plan.rejected_before) == (0, 3)
    change(settings, "update activation.hubspot__contacts set tessera_favourite_department = 'MEAT' "
                     f"where tessera_favourite_department = '{POISON}'")  # fmt: skip
    assert sync_once(settings, harness, "r3").acknowledged == 3
    assert harness.held() == wanted(settings)
    assert ledger_rows(settings, "select count(*) from activation.rejects") == [(0,)]


@answering_destination
def test_a_busy_destination_is_waited_for(settings, harness):
    harness.be_busy(2)
    result = sync_once(settings, harness, "r1")
    assert (result.status, result.acknowledged) == ("succeeded", ROWS)
    assert harness.held() == wanted(settings)


@answering_destination
def test_a_lost_acknowledgement_is_sent_again_and_leaves_no_duplicate(settings, harness):
    harness.lose_answers(1)
    result = sync_once(settings, harness, "r1")
    assert (result.status, result.acknowledged) == ("succeeded", ROWS)
    assert harness.held() == wanted(settings)
    assert sync_once(settings, harness, "r2").plan.to_send == 0


@answering_destination
def test_a_wrong_login_stops_the_run_and_rejects_no_row(settings, harness):
    harness.refuse_login()
    with pytest.raises(AuthError):
        sync_once(settings, harness, "r1")
    assert harness.held() == {}
    assert ledger_rows(settings, "select status, count_open from activation.runs") == [("stopped", ROWS)]
    assert ledger_rows(settings, "select count(*) from activation.rejects") == [(0,)]
    harness.allow_login()
    assert sync_once(settings, harness, "r2").acknowledged == ROWS


@pytest.mark.parametrize("point", ["planned", "delivering", "sent"])
@every_destination
def test_killed_and_run_again_the_destination_equals_the_model(settings, harness, point):
    sync = harness.document()
    child = [sys.executable, "-m", "tests.unit.activation.crash_child", "first", point, sync.model_dump_json()]
    assert subprocess.run(child, env=os.environ, cwd=ROOT, check=False, timeout=60).returncode == -signal.SIGKILL
    assert outbox.unfinished(settings, "crm") == ["first"]
    again = sync_once(settings, harness, "again")
    assert (again.status, again.acknowledged) == ("succeeded", 0 if point == "sent" else ROWS)
    assert harness.held() == wanted(settings)
    answered = "select count(*), count(distinct key) from activation.attempts where outcome = 'acknowledged'"
    assert ledger_rows(settings, answered) == [(ROWS, ROWS)]
    assert sync_once(settings, harness, "third").plan.to_send == 0

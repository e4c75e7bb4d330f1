"""Write policy fill_empty: ours is written where a field is empty or holds ours; what somebody filled in stays."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.activation.explain import why_of
from orchestration.activation.run import run_sync
from tests.unit.activation.harnesses import HARNESSES
from tests.unit.activation.payloads import AS_OF, PATIENCE, change, fill_warehouse, ledger_rows

ROOT = Path(__file__).parents[3]
SEGMENTS, VALUE, DEPARTMENT = "tessera_segments", "tessera_lifetime_value_usd", "tessera_favourite_department"
FIELDS = {
    VALUE: VALUE,
    DEPARTMENT: {"to": DEPARTMENT, "write": "fill_empty"},
    SEGMENTS: {"to": SEGMENTS, "write": "fill_empty", "when_empty": "skip"},
}


@pytest.fixture(params=["hubspot", "postgres"])
def there(request, settings, monkeypatch):
    """A destination that tells what it holds, with 20 contacts that have nothing of ours yet."""
    fill_warehouse(settings, 20)
    with HARNESSES[request.param](request, monkeypatch) as harness:
        if request.param == "postgres":
            harness.refuse_poison()
            harness.make_rows(range(1000, 1020))
        yield harness


def sync_once(settings, there, run_id, **changes):
    changes = {"fields": FIELDS, "on_exit": "clear"} | changes
    return run_sync(settings, there.document(**changes), AS_OF, run_id, patience=PATIENCE)


def set_department(settings, key, value):
    change(settings, f"update activation.hubspot__contacts set {DEPARTMENT} = '{value}' where contact_id = '{key}'")


def test_what_somebody_filled_in_stays_is_told_and_is_not_tried_again(settings, there):
    there.overwrite("1003", DEPARTMENT, "MEAT")
    first = sync_once(settings, there, "r1")
    assert (first.status, first.acknowledged, first.kept) == ("succeeded", 20, {DEPARTMENT: 1})
    assert f"{DEPARTMENT}: left as it is in 1 rows, filled there" in first.summary()
    held = there.held()
    assert (held["1003"][DEPARTMENT], held["1003"][VALUE], held["1004"][DEPARTMENT]) == ("MEAT", "4.50", "GROCERY")
    said = ledger_rows(settings, "select key, message from activation.attempts where message is not null")
    assert said == [("1003", f"left as it is, filled there: {DEPARTMENT}")]
    assert sync_once(settings, there, "r2").plan.to_send == 0


def test_a_row_that_has_nothing_left_to_write_is_done_without_a_request(settings, there):
    there.overwrite("1003", DEPARTMENT, "MEAT")
    fields = {DEPARTMENT: FIELDS[DEPARTMENT]}
    first = sync_once(settings, there, "r1", fields=fields)
    assert (first.status, first.acknowledged, first.kept) == ("succeeded", 20, {DEPARTMENT: 1})
    mark = there.mark()
    assert sync_once(settings, there, "r2", fields=fields).plan.to_send == 0
    assert there.mark() == mark


def test_our_own_value_is_corrected_and_somebody_else_s_is_not(settings, there):
    sync_once(settings, there, "r1")
    there.overwrite("1003", DEPARTMENT, "MEAT")
    for key in ("1003", "1004"):
        set_department(settings, key, "FISH")
    second = sync_once(settings, there, "r2")
    assert second.kept == {DEPARTMENT: 1}
    assert (there.held()["1003"][DEPARTMENT], there.held()["1004"][DEPARTMENT]) == ("MEAT", "FISH")


def test_a_field_that_was_emptied_is_filled_when_its_row_is_next_sent(settings, there):
    there.overwrite("1003", DEPARTMENT, "MEAT")
    sync_once(settings, there, "r1")
    there.overwrite("1003", DEPARTMENT, "")
    change(settings, f"update activation.hubspot__contacts set {VALUE} = 99 where contact_id = '1003'")
    assert sync_once(settings, there, "r2").kept == {}
    assert (there.held()["1003"][DEPARTMENT], there.held()["1003"][VALUE]) == ("GROCERY", "99.00")


def test_a_row_that_leaves_takes_back_ours_and_nobody_else_s(settings, there):
    sync_once(settings, there, "r1")
    there.overwrite("1003", DEPARTMENT, "MEAT")
    change(settings, "delete from activation.hubspot__contacts where contact_id in ('1003', '1004')")
    left = sync_once(settings, there, "r2")
    assert (left.status, left.plan.exit, left.kept) == ("succeeded", 2, {DEPARTMENT: 1})
    assert there.held().get("1003") == {DEPARTMENT: "MEAT"}
    assert not there.held().get("1004")
    assert sync_once(settings, there, "r3").plan.to_send == 0


def test_what_a_killed_run_wrote_is_known_as_ours_by_the_next(settings, there):
    sync = there.document(fields=FIELDS, on_exit="clear")
    child = [sys.executable, "-m", "tests.unit.activation.crash_child", "first", "delivering", sync.model_dump_json()]
    assert subprocess.run(child, env=os.environ, cwd=ROOT, check=False, timeout=60).returncode == -signal.SIGKILL
    again = sync_once(settings, there, "again")
    assert (again.acknowledged, again.kept) == (20, {})
    set_department(settings, "1003", "FISH")
    sync_once(settings, there, "later")
    assert there.held()["1003"][DEPARTMENT] == "FISH"


def test_why_sent_tells_what_was_left_alone(settings, there):
    there.overwrite("1003", DEPARTMENT, "MEAT")
    sync_once(settings, there, "r1")
    told = why_of(settings, there.document(fields=FIELDS, on_exit="clear"), "p1")
    assert f"  left as it is, filled there: {DEPARTMENT}" in told.splitlines()

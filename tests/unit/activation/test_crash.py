"""kill -9 at many points: the next run leaves the destination equal to the model, every row acknowledged once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.activation import outbox
from orchestration.activation.errors import SyncStoppedError
from orchestration.activation.run import run_sync
from orchestration.demo.answers import Answer
from tests.unit.activation.payloads import (
    AS_OF,
    PATIENCE,
    UPDATE,
    crm_differences,
    document,
    fill_warehouse,
    intercept,
    ledger_rows,
)

ROOT = Path(__file__).parents[3]
ROWS = 200


def start(run_id, point) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.unit.activation.crash_child", run_id, point, document().model_dump_json()],
        env=os.environ,
        cwd=ROOT,
    )


def kill_at_request(patch, number, *, answered):
    """Kill the child when the CRM gets its `number`-th batch, before or after doing what it asks."""
    child, seen = [], []

    def killing(path, body, go_on):
        if path != UPDATE:
            return go_on()
        seen.append(path)
        if len(seen) != number:
            return go_on()
        if answered:
            go_on()
        os.kill(child[0].pid, signal.SIGKILL)
        return Answer(500)

    intercept(patch, killing)
    return child


def finish(settings, crm):
    """Run again, and once more, and look at what is where."""
    second = run_sync(settings, document(), AS_OF, "again", patience=PATIENCE)
    assert second.status == "succeeded"
    assert crm_differences(crm, settings) == []
    acknowledged = ledger_rows(
        settings,
        "select count(*), count(distinct key) from activation.attempts where outcome = 'acknowledged'",
    )
    assert acknowledged == [(ROWS, ROWS)]
    assert ledger_rows(settings, "select count(*) from activation.state") == [(ROWS,)]
    assert outbox.unfinished(settings, "crm") == []
    assert run_sync(settings, document(), AS_OF, "third", patience=PATIENCE).plan.to_send == 0
    return second


@pytest.mark.parametrize("point", ["held", "recording", "recorded"])
def test_killed_between_steps(settings, crm, point):
    fill_warehouse(settings, ROWS)
    assert start("first", point).wait(60) == -signal.SIGKILL
    assert outbox.unfinished(settings, "crm") == ["first"]
    second = finish(settings, crm)
    assert second.acknowledged == (ROWS if point == "held" else 0)


@pytest.mark.parametrize(("number", "answered"), [(1, False), (4, True), (10, False)])
def test_killed_while_sending(settings, crm, monkeypatch, number, answered):
    fill_warehouse(settings, ROWS)
    with monkeypatch.context() as patch:
        child = kill_at_request(patch, number, answered=answered)
        child.append(start("first", "never"))
        assert child[0].wait(60) == -signal.SIGKILL
    second = finish(settings, crm)
    assert second.acknowledged == ROWS - (number - 1) * 20


def test_the_same_run_goes_on_where_it_was(settings, crm, monkeypatch):
    fill_warehouse(settings, ROWS)
    with monkeypatch.context() as patch:
        child = kill_at_request(patch, 6, answered=False)
        child.append(start("first", "never"))
        child[0].wait(60)
    result = run_sync(settings, document(), AS_OF, "first", patience=PATIENCE)
    assert (result.status, result.acknowledged) == ("succeeded", ROWS)
    assert crm.counters.writes == ROWS
    assert crm_differences(crm, settings) == []


def test_a_second_run_while_one_sends_stops_with_a_message(settings, crm, monkeypatch):
    fill_warehouse(settings, ROWS)
    said = []

    def trying(path, body, go_on):
        if path == UPDATE and not said:
            said.append(None)
            with pytest.raises(SyncStoppedError) as stopped:
                run_sync(settings, document(), AS_OF, "second", patience=PATIENCE)
            said[0] = str(stopped.value)
        return go_on()

    with monkeypatch.context() as patch:
        intercept(patch, trying)
        assert start("first", "never").wait(60) == 0
    assert "another run is working on crm@first" in said[0]
    assert crm_differences(crm, settings) == []

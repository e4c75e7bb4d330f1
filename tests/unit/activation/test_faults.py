"""A destination that fails: what passes is waited for, what is a row's fault is rejected, the rest stops the run."""

import time

import pytest

from orchestration.activation import outbox
from orchestration.activation.delivery import Patience
from orchestration.activation.destinations.hubspot import SANDBOXES, account_type
from orchestration.activation.endpoint import check_endpoint
from orchestration.activation.errors import AuthError, PlanRefusedError, UnavailableError
from orchestration.activation.run import run_sync
from orchestration.demo.answers import Answer
from orchestration.demo.hubspot_api import error
from tests.unit.activation.payloads import (
    AS_OF,
    PATIENCE,
    UPDATE,
    change,
    crm_differences,
    document,
    fill_warehouse,
    intercept,
    ledger_rows,
)


def sync_once(settings, run_id, sync=None, patience=PATIENCE):
    return run_sync(settings, sync or document(), AS_OF, run_id, patience=patience)


def refuse_batches_with(patch, bad_ids, status):
    """Let the CRM refuse a whole batch with `status` when it holds one of `bad_ids`, as some real endpoints do."""

    def refusing(path, body, go_on):
        if path == UPDATE and bad_ids & {row["id"] for row in body["inputs"]}:
            return error(status, "VALIDATION_ERROR", "Property values were not valid")
        return go_on()

    intercept(patch, refusing)


@pytest.mark.parametrize("fault", ["server_errors", "cut_bodies", "html_bodies", "strange_bodies"])
def test_what_passes_is_waited_for_and_every_row_arrives(settings, crm, fault):
    fill_warehouse(settings, 250)
    crm.faults.retry_after = 0
    crm.faults.path = UPDATE
    setattr(crm.faults, fault, 2)
    result = sync_once(settings, "r1")
    assert (result.status, result.acknowledged) == ("succeeded", 250)
    assert crm_differences(crm, settings) == []
    assert sync_once(settings, "r2").plan.to_send == 0


def test_retry_after_is_obeyed(settings, crm):
    fill_warehouse(settings, 10)
    crm.faults.path, crm.faults.throttled, crm.faults.retry_after = UPDATE, 1, 1
    started = time.monotonic()
    assert sync_once(settings, "r1").acknowledged == 10
    assert time.monotonic() - started >= 1


def test_a_wait_longer_than_a_run_should_take_stops_it(settings, crm):
    fill_warehouse(settings, 10)
    crm.faults.path, crm.faults.throttled, crm.faults.retry_after = UPDATE, 1, 3600
    with pytest.raises(UnavailableError, match="asks to wait 3600 s"):
        sync_once(settings, "r1")


def test_a_token_that_expires_midway_keeps_what_was_acknowledged(settings, crm, monkeypatch):
    fill_warehouse(settings, 250)

    def expiring(path, body, go_on):
        if crm.counters.writes >= 100 and path == UPDATE:
            return error(401, "EXPIRED_AUTHENTICATION", "The token expired")
        return go_on()

    with monkeypatch.context() as patch:
        intercept(patch, expiring)
        with pytest.raises(AuthError):
            sync_once(settings, "r1")
    second = sync_once(settings, "r2")
    assert (second.plan.unchanged, second.acknowledged) == (100, 150)
    assert crm_differences(crm, settings) == []


def test_a_server_that_stays_down_rejects_nothing(settings, crm):
    fill_warehouse(settings, 50)
    crm.faults.server_errors = 10_000
    with pytest.raises(UnavailableError):
        sync_once(settings, "r1")
    crm.faults.server_errors = 0
    crm.faults.path, crm.faults.server_errors = UPDATE, 10_000
    with pytest.raises(UnavailableError):
        sync_once(settings, "r2")
    assert ledger_rows(settings, "select count(*) from activation.rejects") == [(0,)]
    crm.faults.server_errors = 0
    assert sync_once(settings, "r3").acknowledged == 50


def test_rows_refused_in_a_partial_answer_wait_until_they_change(settings, crm):
    fill_warehouse(settings, 150)
    change(
        settings,
        "insert into activation.hubspot__contacts by name select * replace ('9' || contact_id as contact_id) "
        "from activation.hubspot__contacts where contact_id in ('1001', '1002', '1003')",
    )
    first = sync_once(settings, "r1")
    assert (first.status, first.acknowledged, first.rejected) == ("rejects", 150, 3)
    rejects = ledger_rows(settings, "select key, error_class, code from activation.rejects order by 1")
    assert rejects == [(f"9100{n}", "permanent", "OBJECT_NOT_FOUND") for n in (1, 2, 3)]
    second = sync_once(settings, "r2")
    assert (second.plan.to_send, second.plan.rejected_before) == (0, 3)
    change(settings, "update activation.hubspot__contacts set contact_id = replace(contact_id, '9100', '120')")
    third = sync_once(settings, "r3")
    assert (third.plan.insert, third.acknowledged) == (3, 3)
    assert ledger_rows(settings, "select count(*) from activation.rejects") == [(0,)]


@pytest.mark.parametrize(("status", "error_class"), [(400, "permanent"), (500, "unknown")])
def test_a_batch_refused_whole_is_halved_until_the_bad_rows_stand_alone(
    settings, crm, monkeypatch, status, error_class
):
    fill_warehouse(settings, 100)
    refuse_batches_with(monkeypatch, {"1007", "1008", "1090"}, status)
    result = sync_once(settings, "r1")
    assert (result.acknowledged, result.rejected) == (97, 3)
    rejects = ledger_rows(settings, "select key, error_class from activation.rejects order by 1")
    assert rejects == [(key, error_class) for key in ("1007", "1008", "1090")]


def test_an_unknown_failure_is_tried_by_some_runs_and_then_rests(settings, crm, monkeypatch):
    fill_warehouse(settings, 20)
    refuse_batches_with(monkeypatch, {"1007"}, 500)
    tried = [sync_once(settings, f"r{n}").rejected for n in range(5)]
    assert tried == [1, 1, 1, 0, 0]


def test_a_server_that_breaks_midway_leaves_the_rest_to_the_next_run(settings, crm, monkeypatch):
    fill_warehouse(settings, 250)
    with monkeypatch.context() as patch:
        refuse_batches_with(patch, {str(1000 + i) for i in range(100, 250)}, 500)
        with pytest.raises(UnavailableError, match="HTTP 500"):
            sync_once(settings, "r1")
    assert outbox.unfinished(settings, "crm") == []
    assert sync_once(settings, "r2").acknowledged == 150


def test_nothing_but_loopback_and_sandboxes_is_sent_to_outside_prod(settings, crm, monkeypatch):
    check_endpoint(settings, "https://sandbox.example.com", is_sandbox=lambda: True)
    with pytest.raises(PlanRefusedError, match="no sandbox and this is 'dev'"):
        check_endpoint(settings, "https://api.example.com", is_sandbox=lambda: False)
    fill_warehouse(settings, 10)
    monkeypatch.setenv("HUBSPOT_BASE_URL", "http://api.hubapi.com")
    with pytest.raises(PlanRefusedError, match="in clear"):
        sync_once(settings, "r1", patience=Patience(tries=1))


def test_an_account_that_does_not_say_sandbox_is_none(crm):
    assert account_type(str(crm), "demo-token") not in SANDBOXES
    with pytest.raises(AuthError):
        account_type(str(crm), "stale")


def test_an_account_that_says_sandbox_is_one(crm, monkeypatch):
    intercept(monkeypatch, lambda path, body, go_on: Answer.json(200, {"portalId": 1, "accountType": "SANDBOX"}))
    assert account_type(str(crm), "demo-token") in SANDBOXES

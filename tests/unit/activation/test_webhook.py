"""The signed webhook: what is on the wire, which answers stop a run, and many requests at a time."""

import json

import pytest

from orchestration.activation import handover, outbox
from orchestration.activation.destinations.webhook import secrets_of, signature
from orchestration.activation.errors import AuthError, MappingError, PlanRefusedError, SyncStoppedError
from orchestration.activation.run import run_sync
from tests.unit.activation.harnesses import WebhookHarness
from tests.unit.activation.payloads import AS_OF, PATIENCE, change, fill_warehouse, ledger_rows
from tests.unit.activation.receiver import receiving


@pytest.fixture
def receiver(monkeypatch):
    """A running receiver that WEBHOOK_URL and WEBHOOK_SECRET belong to."""
    with receiving() as running:
        WebhookHarness(running, monkeypatch)
        yield running


def sync_once(settings, run_id, **changes):
    return run_sync(settings, WebhookHarness.document(**changes), AS_OF, run_id, patience=PATIENCE)


def ids(receiver) -> list[str]:
    return [headers["webhook-id"] for headers, _ in receiver.requests]


def test_the_signature_is_that_of_the_specification():
    # The example that the reference libraries of Standard Webhooks test themselves by.
    (secret,) = secrets_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_an_event_names_its_type_and_holds_typed_changes_of_each_row(settings, receiver):
    fill_warehouse(settings, 3)
    change(settings, "create table activation.typed as select contact_id, person_id, null::varchar as city, "
                     "false as has_consent, 1.50::decimal(18, 2) as spent_usd, 0.25::double as share, 7::bigint as "
                     "visits from activation.hubspot__contacts")  # fmt: skip
    fields = {name: name for name in ("city", "has_consent", "spent_usd", "share", "visits")}
    sync_once(settings, "r1", model="activation.typed", fields=fields)
    change(settings, "delete from activation.typed where contact_id = '1001'")
    sync_once(settings, "r2", model="activation.typed", fields=fields)
    first, second = (json.loads(body) for _, body in receiver.requests)
    assert (first["type"], second["type"]) == ("contact.upserted", "contact.removed")
    assert first["data"][1] == {
        "key": "1001", "op": "insert",
        "fields": {"city": None, "has_consent": False, "spent_usd": "1.50", "share": 0.25, "visits": 7},
    }  # fmt: skip
    assert second["data"] == [{"key": "1001", "op": "exit", "fields": {}}]


def test_a_batch_that_is_sent_again_keeps_its_id_and_body_and_others_have_their_own(settings, receiver):
    fill_warehouse(settings, 250)
    receiver.lost = 1
    assert sync_once(settings, "r1").acknowledged == 250
    assert (len(receiver.requests), len(set(ids(receiver)))) == (4, 3)
    assert len({body for _, body in receiver.requests}) == 3


def test_a_resumed_run_sends_what_it_repeats_under_the_same_id(settings, receiver, monkeypatch):
    fill_warehouse(settings, 250)
    monkeypatch.setenv("WEBHOOK_PARALLEL", "1")

    def stop(*args):
        raise SyncStoppedError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(handover.outbox, "append", stop)
        patch.setattr("orchestration.activation.run.record", stop)
        with pytest.raises(SyncStoppedError):
            sync_once(settings, "r1")
    assert outbox.unfinished(settings, "crm") == ["r1"]
    assert sync_once(settings, "r1").acknowledged == 250
    assert ids(receiver)[0] == ids(receiver)[1]
    assert len(set(ids(receiver))) == 3


def test_the_same_change_on_another_day_has_another_id(settings, receiver):
    fill_warehouse(settings, 1)
    for run_id, value in (("r1", "a"), ("r2", "b"), ("r3", "a"), ("r4", "b")):
        change(settings, f"update activation.hubspot__contacts set tessera_segments = '{value}'")
        sync_once(settings, run_id, fields={"tessera_segments": "segments"})
    assert len(set(ids(receiver))) == 4
    assert receiver.rows["1000"]["segments"] == "b"


def test_two_secrets_sign_twice_while_one_replaces_the_other(settings, receiver, monkeypatch):
    fill_warehouse(settings, 1)
    monkeypatch.setenv("WEBHOOK_SECRET", f"whsec_{'b' * 40} {receiver.secret}")
    assert sync_once(settings, "r1").acknowledged == 1
    assert receiver.requests[0][0]["webhook-signature"].count("v1,") == 2


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_short", "whsec_no base64!", "a" * 200])
def test_what_is_no_secret_is_refused_in_words(settings, receiver, monkeypatch, secret):
    fill_warehouse(settings, 1)
    monkeypatch.setenv("WEBHOOK_SECRET", secret)
    with pytest.raises(AuthError, match="WEBHOOK_SECRET is not a secret"):
        sync_once(settings, "r1")
    assert receiver.requests == []


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [(410, SyncStoppedError, "gone for good"), (404, MappingError, "correct WEBHOOK_URL"),
     (301, MappingError, "correct WEBHOOK_URL"), (403, AuthError, "check WEBHOOK_SECRET")],
)  # fmt: skip
def test_an_answer_that_is_no_row_s_fault_stops_the_run_and_rejects_none(settings, receiver, status, error, words):
    fill_warehouse(settings, 250)
    receiver.says = lambda event: status
    with pytest.raises(error, match=words):
        sync_once(settings, "r1")
    assert ledger_rows(settings, "select count_open, count_rejected from activation.runs") == [(250, 0)]


def test_no_more_is_begun_once_a_run_has_to_stop_and_what_was_acknowledged_is_kept(settings, receiver, monkeypatch):
    fill_warehouse(settings, 250)
    monkeypatch.setenv("WEBHOOK_BATCH_SIZE", "1")
    monkeypatch.setenv("WEBHOOK_PARALLEL", "4")
    receiver.says = lambda event: 410 if len(receiver.requests) > 10 else None
    with pytest.raises(SyncStoppedError):
        sync_once(settings, "r1")
    assert len(receiver.requests) <= 16
    assert ledger_rows(settings, "select count_acknowledged, count_open from activation.runs") == [(10, 240)]
    receiver.says = lambda event: None
    assert sync_once(settings, "r2").acknowledged == 240
    assert len(receiver.rows) == 250


def test_retry_after_and_too_large_a_body_are_understood(settings, receiver):
    fill_warehouse(settings, 100)
    receiver.busy, receiver.retry_after = 1, "0"
    receiver.says = lambda event: 413 if len(event["data"]) > 30 else None
    assert sync_once(settings, "r1").acknowledged == 100


def test_the_endpoint_in_the_ledger_and_in_messages_is_without_its_path(settings, receiver, monkeypatch):
    fill_warehouse(settings, 1)
    sync_once(settings, "r1")
    assert ledger_rows(settings, "select endpoint from activation.runs") == [(receiver.url.removesuffix("/hooks"),)]
    monkeypatch.setenv("WEBHOOK_URL", "https://hooks.example.com/T000/secret")
    change(settings, "update activation.hubspot__contacts set tessera_segments = 'x'")
    with pytest.raises(PlanRefusedError, match="no sandbox") as refused:
        sync_once(settings, "r2")
    assert "secret" not in str(refused.value)

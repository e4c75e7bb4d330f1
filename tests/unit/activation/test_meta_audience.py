"""Custom Audiences of Meta: what is sent of a person, who is put in and taken out, which answers stop a run."""

import json
import logging

import pytest

from orchestration.activation import wire
from orchestration.activation.errors import AuthError, MappingError, PlanRefusedError, UnavailableError
from orchestration.activation.run import run_sync
from tests.unit.activation.fake_api import Answer, running
from tests.unit.activation.meta_fake import AUDIENCE, TOKEN, FakeAudience
from tests.unit.activation.payloads import AS_OF, PATIENCE, change, fill_warehouse, ledger_rows
from tests.unit.activation.vendor_harnesses import MetaHarness, hashed

PEOPLE = """
create or replace table activation.people as select * from (values
    ('p1', 'Ann.Lee@Example.com', '+1 555 010 9999', 'O''Brien', date '1990-04-01', 'Female', 'US'),
    ('p2', null, null, 'Doe', null, null, 'US'),
    ('p3', null, null, null, null, null, null)
) as t(person_id, email, phone, last_name, birth_date, gender, country)
"""
FIELDS = {name: name for name in ("email", "phone", "last_name", "birth_date", "gender", "country")}


@pytest.fixture
def audience(settings, monkeypatch):
    """An audience that the environment points at, and three people who may be in it."""
    fill_warehouse(settings, 1)
    change(settings, PEOPLE)
    with running(FakeAudience()) as fake:
        monkeypatch.setenv("META_BASE_URL", fake.url)
        monkeypatch.setenv("META_ACCESS_TOKEN", TOKEN)
        yield fake


def sync_once(settings, run_id, **changes):
    document = MetaHarness.document(**({"model": "activation.people", "key": "person_id", "fields": FIELDS} | changes))
    return run_sync(settings, document, AS_OF, run_id, patience=PATIENCE)


def brought(audience, method) -> list[dict]:
    return [json.loads(request.form["payload"]) for request in audience.asked(method, "/users")]


def test_a_person_is_hashed_by_what_meta_calls_each_identifier(settings, audience):
    assert sync_once(settings, "r1").acknowledged == 2
    (payload,) = brought(audience, "POST")
    ann, doe = payload["data"]
    assert payload["schema"] == ["EMAIL", "PHONE", "LN", "DOBY", "DOBM", "DOBD", "GEN", "COUNTRY"]
    assert ann == [
        hashed(text) for text in ("ann.lee@example.com", "15550109999", "obrien", "1990", "04", "01", "f", "us")
    ]
    assert doe == ["", "", hashed("doe"), "", "", "", "", hashed("us")]


def test_who_is_known_by_nothing_is_rejected_and_says_so(settings, audience):
    assert sync_once(settings, "r1").rejected == 1
    assert ledger_rows(settings, "select key, code from activation.rejects") == [("p3", "NO_IDENTIFIER")]


def test_an_id_of_ours_alone_is_nobody_to_meta(settings, audience):
    assert sync_once(settings, "r1", fields={"person_id": "external_id", "email": "email"}).rejected == 2
    assert list(audience.members) == ["p1"]


def test_a_changed_address_takes_the_old_one_out_first(settings, audience):
    sync_once(settings, "r1")
    change(settings, "update activation.people set email = 'ann@new.example.com' where person_id = 'p1'")
    sync_once(settings, "r2")
    (gone,) = brought(audience, "DELETE")
    assert gone["data"][0][0] == hashed("ann.lee@example.com")
    assert sorted(member.get("EMAIL", "") for member in audience.members.values()) == [
        "", hashed("ann@new.example.com")]  # fmt: skip


def test_who_leaves_is_taken_out_by_all_that_was_sent(settings, audience):
    sync_once(settings, "r1")
    change(settings, "delete from activation.people where person_id = 'p1'")
    assert sync_once(settings, "r2").acknowledged == 1
    assert len(audience.members) == 1


def test_no_address_goes_over_the_wire_or_into_a_log(settings, audience, caplog):
    caplog.set_level(logging.DEBUG)
    told = []
    with wire.watched(told.append):
        sync_once(settings, "r1")
    sent = b"".join(request.content for request in audience.requests).decode()
    for place in (sent, caplog.text, "".join(told)):
        assert "example.com" not in place.lower()
        assert "5550109999" not in place


def test_how_many_people_meta_finds_is_said(settings, audience, caplog):
    caplog.set_level(logging.INFO)
    sync_once(settings, "r1")
    assert f"Meta finds 900 to 1000 people in audience {AUDIENCE}" in caplog.text


def test_a_longer_wait_than_a_run_should_take_stops_it(settings, audience):
    audience.busy, audience.regain_minutes = 9, 30
    with pytest.raises(UnavailableError, match="asks to wait 1800 s"):
        sync_once(settings, "r1")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"object": "audience_1"}, "has no audience 1 of ours"),
        ({"object": "vips"}, "'vips' is no audience of Meta"),
        ({"fields": {"last_name": "surname"}}, "knows nobody by surname"),
    ],
)
def test_what_cannot_be_stops_the_run_before_a_row_is_sent(settings, audience, changes, words):
    with pytest.raises(MappingError, match=words):
        sync_once(settings, "r1", **changes)
    assert audience.writes == 0


def test_a_permission_that_is_missing_stops_the_run(settings, audience, monkeypatch):
    refusal = {"error": {"code": 200, "message": "terms not accepted"}}
    monkeypatch.setattr(audience, "_users", lambda *args: Answer(400, refusal))
    with pytest.raises(AuthError, match="terms of Custom Audiences"):
        sync_once(settings, "r1")


def test_a_missing_token_is_named_and_outside_prod_somebody_has_to_say_sandbox(settings, audience, monkeypatch):
    monkeypatch.setenv("META_BASE_URL", "https://graph.facebook.com")
    with pytest.raises(PlanRefusedError, match="no sandbox"):
        sync_once(settings, "r1")
    monkeypatch.delenv("META_ACCESS_TOKEN")
    with pytest.raises(AuthError, match="META_ACCESS_TOKEN is not set"):
        sync_once(settings, "r2")

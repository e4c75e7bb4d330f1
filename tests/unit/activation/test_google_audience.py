"""Customer Match of Google Ads: what is sent of a person, who is put in and taken out, jobs that fail later."""

import logging
from types import SimpleNamespace

import pytest

from orchestration.activation.errors import AuthError, MappingError, PlanRefusedError
from orchestration.activation.run import run_sync
from tests.unit.activation.fake_api import Answer, running
from tests.unit.activation.google_fake import GIVEN, LIST_NAME, FakeGoogleAds
from tests.unit.activation.payloads import AS_OF, PATIENCE, change, fill_warehouse, ledger_rows
from tests.unit.activation.vendor_harnesses import GoogleHarness, hashed

PEOPLE = """
create or replace table activation.people as select * from (values
    ('p1', 'Ann.Lee@gmail.com', '+1 555 010 9999', 'Ann', 'Lee', 'US', '94107'),
    ('p2', 'Bob.Doe@example.com', null, 'Bob', 'Doe', 'US', null),
    ('p3', null, '555 010 9999', 'Cy', null, null, null)
) as t(person_id, email, phone, first_name, last_name, country, postal_code)
"""
FIELDS = {name: name for name in ("email", "phone", "first_name", "last_name", "country", "postal_code")}
ANN = [{"hashedEmail": hashed("annlee@gmail.com")}, {"hashedPhoneNumber": hashed("+15550109999")},
       {"addressInfo": {"hashedFirstName": hashed("ann"), "hashedLastName": hashed("lee"), "countryCode": "US",
                        "postalCode": "94107"}}]  # fmt: skip
BOB = [{"hashedEmail": hashed("bob.doe@example.com")}]


@pytest.fixture
def ads(settings, monkeypatch):
    """A customer that the environment points at, and three people who may be on its list."""
    fill_warehouse(settings, 1)
    change(settings, PEOPLE)
    with running(FakeGoogleAds()) as fake:
        monkeypatch.setenv("GOOGLE_ADS_BASE_URL", fake.url)
        monkeypatch.setenv("GOOGLE_OAUTH_URL", f"{fake.url}/token")
        for name, value in GIVEN.items():
            monkeypatch.setenv(f"GOOGLE_ADS_{name}", value)
        yield fake


def sync_once(settings, run_id, **changes):
    document = GoogleHarness.document(
        **({"model": "activation.people", "key": "person_id", "fields": FIELDS} | changes)
    )
    return run_sync(settings, document, AS_OF, run_id, patience=PATIENCE)


def operations(ads) -> list[list[dict]]:
    return [request.body["operations"] for request in ads.asked("POST", ":addOperations")]


def test_a_person_is_hashed_by_what_google_calls_each_identifier(settings, ads):
    assert sync_once(settings, "r1").acknowledged == 2
    assert operations(ads) == [[{"create": {"userIdentifiers": ANN}}, {"create": {"userIdentifiers": BOB}}]]


def test_who_is_known_by_nothing_is_rejected_and_says_so(settings, ads):
    assert sync_once(settings, "r1").rejected == 1
    assert ledger_rows(settings, "select key, code from activation.rejects") == [("p3", "NO_IDENTIFIER")]


def test_a_changed_address_takes_the_old_one_out_first_and_who_leaves_is_taken_out(settings, ads):
    sync_once(settings, "r1")
    change(settings, "update activation.people set email = 'bob@example.com' where person_id = 'p2'")
    sync_once(settings, "r2")
    new = [{"hashedEmail": hashed("bob@example.com")}]
    assert operations(ads)[1] == [{"remove": {"userIdentifiers": BOB}}, {"create": {"userIdentifiers": new}}]
    change(settings, "delete from activation.people where person_id = 'p1'")
    sync_once(settings, "r3")
    assert operations(ads)[2] == [{"remove": {"userIdentifiers": ANN}}]
    assert len(ads.members) == 1


@pytest.mark.parametrize("agreed", [True, False])
def test_consent_is_told_where_it_was_asked_for(settings, ads, agreed):
    change(settings, "create or replace table profile.effective_consents as select 'main' as brand, "
                     "email as contact_point, 'email' as channel, 'marketing' as purpose, 'granted' as state "
                     "from activation.people")  # fmt: skip
    asked = {"consent": {"channel": "email", "purpose": "marketing", "contact_point": "email"}} if agreed else {}
    sync_once(settings, "r1", **asked)
    (job,) = [request.body["job"] for request in ads.asked("POST", ":create")]
    wanted = {"consent": {"adUserData": "GRANTED", "adPersonalization": "GRANTED"}} if agreed else {}
    assert job == {"type": "CUSTOMER_MATCH_USER_LIST",
                   "customerMatchUserListMetadata": {"userList": LIST_NAME} | wanted}  # fmt: skip


def test_size_match_rate_and_jobs_that_failed_later_are_said(settings, ads, caplog):
    caplog.set_level(logging.INFO)
    ads.failed = [{"id": "9", "failureReason": "INSUFFICIENT_MATCHED_TRANSACTIONS"}]
    sync_once(settings, "r1")
    assert "about 1200 people, Google finds 63 % of what it is given" in caplog.text
    assert "Google gave up job 9 (INSUFFICIENT_MATCHED_TRANSACTIONS)" in caplog.text
    assert "@" not in caplog.text


def test_a_token_that_ends_midway_is_renewed_once(settings, ads, monkeypatch):
    begin = ads._begin

    def ending(job, path):
        ads.tokens.clear()
        return begin(job, path)

    monkeypatch.setattr(ads, "_begin", ending)
    assert sync_once(settings, "r1").acknowledged == 2
    assert len(ads.asked("POST", "/token")) == 2
    monkeypatch.setattr(ads, "_log_in", lambda form: Answer(200, {"access_token": "useless"}))
    change(settings, "update activation.people set email = 'bob@example.com' where person_id = 'p2'")
    with pytest.raises(AuthError, match="UNAUTHENTICATED"):
        sync_once(settings, "r2")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"object": "list_1"}, "no list customers/1234567890/userLists/1 that we may write"),
        ({"object": "vips"}, "'vips' is no list of Google Ads"),
        ({"fields": {"last_name": "surname"}}, "knows nobody by surname"),
    ],
)
def test_what_cannot_be_stops_the_run_before_a_row_is_sent(settings, ads, changes, words):
    with pytest.raises(MappingError, match=words):
        sync_once(settings, "r1", **changes)
    assert ads.writes == 0


def test_only_a_test_account_is_written_to_outside_prod(settings, ads, monkeypatch):
    monkeypatch.setattr("orchestration.activation.endpoint.urlsplit",
                        lambda url: SimpleNamespace(scheme="https", hostname="googleads.googleapis.com"))  # fmt: skip
    with pytest.raises(PlanRefusedError, match="no sandbox"):
        sync_once(settings, "r1")
    ads.is_test = True
    assert sync_once(settings, "r2").acknowledged == 2


@pytest.mark.parametrize("missing", ["GOOGLE_ADS_DEVELOPER_TOKEN", "GOOGLE_ADS_CUSTOMER_ID"])
def test_a_missing_variable_is_named(settings, ads, monkeypatch, missing):
    monkeypatch.delenv(missing)
    with pytest.raises(AuthError, match=missing):
        sync_once(settings, "r1")

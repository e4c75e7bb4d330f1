"""Salesforce: what each refusal means, jobs for many rows, requests left to others, logins and sandboxes."""

from types import SimpleNamespace

import pytest

from orchestration.activation import outbox
from orchestration.activation.destinations.salesforce import jobs, records
from orchestration.activation.destinations.salesforce.jobs import Jobs
from orchestration.activation.destinations.salesforce.org import Login, Org
from orchestration.activation.errors import AuthError, MappingError, PlanRefusedError, TransientError, UnavailableError
from orchestration.activation.run import run_sync
from tests.unit.activation.fake_api import Answer, running
from tests.unit.activation.payloads import AS_OF, PATIENCE, change, fill_warehouse, ledger_rows
from tests.unit.activation.salesforce_fake import CLIENT_ID, CLIENT_SECRET, FakeOrg
from tests.unit.activation.vendor_harnesses import SalesforceHarness

SECRET = ("SALESFORCE_CLIENT_SECRET", CLIENT_SECRET)


@pytest.fixture
def org(monkeypatch):
    """An org that the environment points at."""
    monkeypatch.setattr(jobs, "_FIRST_WAIT", 0.01)
    with running(FakeOrg()) as fake:
        monkeypatch.setenv("SALESFORCE_URL", fake.url)
        monkeypatch.setenv("SALESFORCE_CLIENT_ID", CLIENT_ID)
        SalesforceHarness(fake, monkeypatch, SECRET)
        yield fake


@pytest.fixture
def few_are_many(monkeypatch):
    """A job is made for more than 100 rows, of 150 each."""
    monkeypatch.setattr(records, "MANY", 100)
    monkeypatch.setattr(records, "A_JOB", 150)
    monkeypatch.setattr(records, "A_REQUEST", 40)


def sync_once(settings, run_id, **changes):
    return run_sync(settings, SalesforceHarness.document(**changes), AS_OF, run_id, patience=PATIENCE)


def reasons(settings) -> list[tuple]:
    return ledger_rows(settings, "select key, code, reason from activation.rejects order by key")


def test_200_rows_are_one_request_and_none_undoes_another(settings, org):
    fill_warehouse(settings, 450)
    assert sync_once(settings, "r1").acknowledged == 450
    sent = org.asked("PATCH", "/composite/sobjects/Contact/Tessera_Id__c")
    assert [len(one.body["records"]) for one in sent] == [200, 200, 50]
    assert {one.body["allOrNone"] for one in sent} == {False}


def test_a_value_has_the_type_of_its_field_and_a_checkbox_is_never_empty(settings, org):
    fill_warehouse(settings, 2)
    change(settings, "create table activation.typed as select contact_id, person_id, 'Doe' as lastname, "
                     "12.5::decimal(18, 2) as spent, null::boolean as may, null::varchar as segments "
                     "from activation.hubspot__contacts")  # fmt: skip
    fields = {"lastname": "lastname", "spent": "tessera_lifetime_value__c", "may": "tessera_is_email_consented__c",
              "segments": "tessera_segments__c"}  # fmt: skip
    sync_once(settings, "r1", model="activation.typed", fields=fields)
    assert org.asked("PATCH", "Tessera_Id__c")[0].body["records"][0] == {
        "attributes": {"type": "Contact"}, "Tessera_Id__c": "1000", "LastName": "Doe",
        "Tessera_Lifetime_Value__c": 12.5, "Tessera_Is_Email_Consented__c": False, "Tessera_Segments__c": None,
    }  # fmt: skip


def test_an_empty_checkbox_is_unticked_in_a_job_too(settings, org, few_are_many):
    fill_warehouse(settings, 120)
    change(settings, "create table activation.ticked as select contact_id, person_id, 'Doe' as lastname, "
                     "null::boolean as may from activation.hubspot__contacts")  # fmt: skip
    fields = {"lastname": "lastname", "may": "tessera_is_email_consented__c"}
    sync_once(settings, "r1", model="activation.ticked", fields=fields)
    assert {one["Tessera_Is_Email_Consented__c"] for one in org.records.values()} == {False}


@pytest.mark.parametrize(
    ("wrong", "code", "remedy"),
    [
        ("lastname = ''", "REQUIRED_FIELD_MISSING", "map a column to it"),
        ("firstname = repeat('x', 50)", "STRING_TOO_LONG", "shorten it in the model"),
        ("email = 'nobody'", "INVALID_EMAIL_ADDRESS", "correct the address"),
        ("email = '1000@example.com'", "DUPLICATES_DETECTED", "merge the two there"),
    ],
)
@pytest.mark.parametrize("way", ["requests", "jobs"])
def test_a_refused_row_says_why_and_what_to_do(settings, org, request, way, *, wrong, code, remedy):
    if way == "jobs":
        request.getfixturevalue("few_are_many")
    fill_warehouse(settings, 120)
    change(settings, "create table activation.named as select contact_id, person_id, 'Doe' as lastname, "
                     "'Jo' as firstname, contact_id || '@example.com' as email "
                     "from activation.hubspot__contacts")  # fmt: skip
    change(settings, f"update activation.named set {wrong} where contact_id = '1007'")
    named = {name: name for name in ("lastname", "firstname", "email")}
    result = sync_once(settings, "r1", model="activation.named", fields=named)
    assert (result.acknowledged, result.rejected) == (119, 1)
    ((key, told, reason),) = reasons(settings)
    assert (key, told) == ("1007", code)
    assert remedy in reason
    assert bool(org.jobs) == (way == "jobs")


@pytest.mark.parametrize("way", ["requests", "jobs"])
def test_a_locked_row_is_sent_again_alone(settings, org, request, way):
    if way == "jobs":
        request.getfixturevalue("few_are_many")
    fill_warehouse(settings, 120)
    org.locked = {"1003", "1100"}
    result = sync_once(settings, "r1")
    assert (result.status, result.acknowledged) == ("succeeded", 120)
    again = org.asked("PATCH", "Tessera_Id__c")[-1].body["records"]
    assert [one["Tessera_Id__c"] for one in again] == ["1003", "1100"]


def test_many_rows_go_in_jobs_with_the_same_effect(settings, org, few_are_many):
    fill_warehouse(settings, 400)
    first = sync_once(settings, "r1")
    assert (first.acknowledged, len(org.jobs)) == (400, 3)
    change(settings, "update activation.hubspot__contacts set tessera_segments = null where contact_id < '1150'")
    change(settings, "update activation.hubspot__contacts set tessera_favourite_department = 'MEAT' "
                     "where contact_id >= '1300'")  # fmt: skip
    assert sync_once(settings, "r2").acknowledged == 150
    held = {one["Tessera_Id__c"]: one for one in org.records.values()}
    assert (held["1000"]["Tessera_Segments__c"], held["1303"]["Tessera_Segments__c"]) == (None, "high_value;lapsing")
    assert (held["1000"]["Tessera_Favourite_Department__c"], held["1303"]["Tessera_Favourite_Department__c"]) == (
        "GROCERY", "MEAT")  # fmt: skip
    change(settings, "delete from activation.hubspot__contacts where contact_id >= '1200'")
    assert sync_once(settings, "r3", guards={"max_share": 1}).plan.exit == 200
    assert len(org.records) == 200


def left_behind(settings, org, rows: list[list[str]]) -> str:
    """A job that was started by a process that died before it heard of its end."""
    kept = Jobs(Org(Login(org.url, CLIENT_ID, CLIENT_SECRET)), outbox.folder(settings) / "crm.salesforce-job.json")

    def die(job):
        raise TransientError("killed")

    kept._waited_for = die
    with pytest.raises(TransientError):
        kept.run("Contact", "upsert", "Tessera_Id__c", ["Tessera_Id__c", "LastName"], rows)
    return next(iter(org.jobs))


def test_the_job_of_a_killed_run_is_taken_up_and_not_uploaded_twice(settings, org):
    rows = [["p1", "Doe"]]
    left_behind(settings, org, rows)
    again = Jobs(Org(Login(org.url, CLIENT_ID, CLIENT_SECRET)), outbox.folder(settings) / "crm.salesforce-job.json")
    ((target, code, _, record),) = again.run("Contact", "upsert", "Tessera_Id__c", ["Tessera_Id__c", "LastName"], rows)
    assert (target, code, len(org.jobs)) == ("p1", None, 1)
    assert org.records[record]["LastName"] == "Doe"


def test_a_job_that_was_left_with_older_values_is_stopped_before_newer_ones_are_sent(settings, org, few_are_many):
    fill_warehouse(settings, 120)
    stale = left_behind(settings, org, [["1000", "Stale"]])
    assert sync_once(settings, "r1").acknowledged == 120
    assert org.jobs[stale].state == "Aborted"
    assert "Stale" not in {one["LastName"] for one in org.records.values()}


def test_a_job_that_somebody_stops_leaves_the_rest_to_the_next_run(settings, org, few_are_many, monkeypatch):
    fill_warehouse(settings, 120)
    with monkeypatch.context() as patch:
        patch.setattr(org, "_go_on", lambda job: setattr(job, "state", "Aborted"))
        with pytest.raises(UnavailableError, match="somebody stopped job"):
            sync_once(settings, "r1")
    assert sync_once(settings, "r2").acknowledged == 120


def test_the_last_tenth_of_the_requests_is_left_to_others(settings, org):
    fill_warehouse(settings, 600)
    org.used, org.allowed = 897, 1000
    with pytest.raises(UnavailableError, match="has used 900 of its 1000 requests"):
        sync_once(settings, "r1")
    assert ledger_rows(settings, "select count_acknowledged, count_open from activation.runs") == [(400, 200)]


def test_an_org_without_requests_stops_the_run_and_rejects_none(settings, org):
    fill_warehouse(settings, 10)
    org.used, org.allowed = 1, 1
    with pytest.raises(UnavailableError, match="REQUEST_LIMIT_EXCEEDED"):
        sync_once(settings, "r1")
    assert reasons(settings) == []


def test_a_session_that_ends_midway_is_renewed_once(settings, org, monkeypatch):
    fill_warehouse(settings, 450)
    answer = org._collection

    def ending(request, path):
        org.sessions.clear()
        return answer(request, path)

    monkeypatch.setattr(org, "_collection", ending)
    assert sync_once(settings, "r1").acknowledged == 450
    assert len(org.asked("POST", "/oauth2/token")) == 3
    useless = Answer(200, {"access_token": "no", "instance_url": org.url})
    monkeypatch.setattr(org, "_log_in", lambda form: useless)
    change(settings, "update activation.hubspot__contacts set tessera_segments = 'x'")
    with pytest.raises(AuthError, match="INVALID_SESSION_ID"):
        sync_once(settings, "r2")


def test_update_only_finds_records_by_external_id_and_creates_none(settings, org):
    fill_warehouse(settings, 3)
    org.write("Tessera_Id__c", {"Tessera_Id__c": "1001", "LastName": "Doe"})
    result = sync_once(settings, "r1", mode="update_only", on_exit=None)
    assert (result.acknowledged, result.rejected, len(org.records)) == (1, 2, 1)
    assert {code for _, code, _ in reasons(settings)} == {"NOT_FOUND"}


def test_by_record_id_only_what_is_there_is_written(settings, org):
    fill_warehouse(settings, 2)
    key, *_ = org.write("Tessera_Id__c", {"Tessera_Id__c": "p0", "LastName": "Doe"})
    change(settings, f"update activation.hubspot__contacts set contact_id = '{key}' where contact_id = '1000'")
    result = sync_once(settings, "r1", match_by="id", on_exit="clear")
    assert (result.acknowledged, result.rejected) == (1, 1)
    assert org.records[key]["Tessera_Segments__c"] == "high_value;lapsing"


def test_who_was_deleted_there_may_leave(settings, org):
    fill_warehouse(settings, 20)
    sync_once(settings, "r1")
    org.records.pop(next(iter(org.records)))
    change(settings, "delete from activation.hubspot__contacts where contact_id < '1003'")
    assert sync_once(settings, "r2").acknowledged == 3
    assert len(org.records) == 17


def test_a_field_that_is_not_there_stops_the_run_before_a_row_is_sent(settings, org):
    fill_warehouse(settings, 2)
    with pytest.raises(MappingError, match="has no tessera_rfm_cell__c that our user may edit"):
        sync_once(settings, "r1", fields={"tessera_segments": "tessera_rfm_cell__c"})
    with pytest.raises(MappingError, match="which `key` fills"):
        sync_once(settings, "r2", fields={"tessera_segments": "tessera_id__c"})
    assert org.writes == 0


@pytest.mark.parametrize(
    ("url", "is_sandbox"),
    [("https://acme--test.sandbox.my.salesforce.com", True), ("https://test.salesforce.com", True),
     ("https://acme-dev.scratch.my.salesforce.com", True)],
)  # fmt: skip
def test_an_address_says_that_an_org_is_a_sandbox(url, is_sandbox):
    assert Org(Login(url, token="t")).is_sandbox() is is_sandbox


def test_an_org_without_such_an_address_is_asked(settings, org, monkeypatch):
    fill_warehouse(settings, 2)
    monkeypatch.setattr("orchestration.activation.endpoint.is_local", lambda host: False)
    monkeypatch.setattr("orchestration.activation.endpoint.urlsplit",
                        lambda url: SimpleNamespace(scheme="https", hostname="acme.my.salesforce.com"))  # fmt: skip
    with pytest.raises(PlanRefusedError, match="no sandbox"):
        sync_once(settings, "r1")
    org.is_sandbox_org = True
    assert sync_once(settings, "r2").acknowledged == 2


@pytest.mark.parametrize("missing", ["SALESFORCE_URL", "SALESFORCE_CLIENT_SECRET"])
def test_a_missing_variable_is_named(settings, org, monkeypatch, missing):
    fill_warehouse(settings, 2)
    monkeypatch.delenv(missing)
    with pytest.raises(AuthError, match=missing):
        sync_once(settings, "r1")


def test_a_given_token_needs_no_login(settings, org, monkeypatch):
    fill_warehouse(settings, 2)
    monkeypatch.delenv("SALESFORCE_CLIENT_ID")
    monkeypatch.setenv("SALESFORCE_TOKEN", "00D-session")
    assert sync_once(settings, "r1").acknowledged == 2
    assert org.asked("POST", "/oauth2/token") == []

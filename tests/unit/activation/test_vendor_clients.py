"""The fakes, asked by the vendors' own Python clients: what these read and write must be what we read and write.

The clients are no dependency of ours. In an environment of their own:

    python3 -m venv .venv-vendors
    .venv-vendors/bin/pip install pytest simple-salesforce==1.12.10 klaviyo-api==25.0.0 facebook-business==26.0.3 \
        google-ads==34.0.0
    .venv-vendors/bin/python -m pytest --noconftest tests/unit/activation/test_vendor_clients.py
"""

import hashlib

import pytest

from tests.unit.activation.fake_api import running
from tests.unit.activation.google_fake import CUSTOMER, LIST_NAME, FakeGoogleAds
from tests.unit.activation.klaviyo_fake import API_KEY, FakeAccount
from tests.unit.activation.meta_fake import AUDIENCE, FakeAudience
from tests.unit.activation.meta_fake import TOKEN as META_TOKEN
from tests.unit.activation.salesforce_fake import TOKEN, FakeOrg


@pytest.fixture
def salesforce():
    """An org and the client that is logged in to it."""
    client = pytest.importorskip("simple_salesforce")
    requests = pytest.importorskip("requests")

    class InClear(requests.adapters.HTTPAdapter):
        """The client knows https only."""

        def send(self, request, **kwargs):
            request.url = request.url.replace("https://", "http://", 1)
            return super().send(request, **kwargs)

    with running(FakeOrg()) as org:
        session = requests.Session()
        session.mount("https://", InClear())
        yield org, client.Salesforce(instance_url=org.url, session_id=TOKEN, session=session, version="62.0")


def test_salesforce_describes_queries_and_upserts(salesforce):
    org, client = salesforce
    assert "Tessera_Id__c" in {field["name"] for field in client.Contact.describe()["fields"]}
    assert client.is_sandbox() is False
    body = {"allOrNone": False, "records": [
        {"attributes": {"type": "Contact"}, "Tessera_Id__c": "p1", "LastName": "Doe"},
        {"attributes": {"type": "Contact"}, "Tessera_Id__c": "p2"}]}  # fmt: skip
    good, bad = client.restful("composite/sobjects/Contact/Tessera_Id__c", method="PATCH", json=body)
    assert (good["success"], bad["errors"][0]["statusCode"]) == (True, "REQUIRED_FIELD_MISSING")
    found = client.query_all("select Id, Tessera_Id__c from Contact where Tessera_Id__c in ('p1', 'p2')")
    assert [(one["Id"], one["Tessera_Id__c"]) for one in found["records"]] == [(good["id"], "p1")]
    assert client.api_usage["api-usage"].used == org.used


def test_salesforce_refuses_in_words_that_the_client_knows(salesforce):
    client = pytest.importorskip("simple_salesforce")
    org, logged_in = salesforce
    org.sessions.clear()
    with pytest.raises(client.exceptions.SalesforceExpiredSession):
        logged_in.Contact.describe()
    org.sessions.add(TOKEN)
    with pytest.raises(client.exceptions.SalesforceMalformedRequest):
        logged_in.restful("composite/sobjects/", method="PATCH", json={"records": [{"Nowhere__c": 1}]})


def test_salesforce_works_off_a_job_of_the_bulk_api(salesforce):
    org, client = salesforce
    rows = [{"Tessera_Id__c": f"p{i}", "LastName": "Doe" if i else "#N/A"} for i in range(5)]
    (told,) = client.bulk2.Contact.upsert(records=rows, external_id_field="Tessera_Id__c", wait=1)
    assert (told["numberRecordsProcessed"], told["numberRecordsFailed"]) == (5, 1)
    failed = client.bulk2.Contact.get_failed_records(told["job_id"])
    assert "REQUIRED_FIELD_MISSING" in failed
    assert client.bulk2.Contact.get_successful_records(told["job_id"]).count("Doe") == 4
    assert len(org.records) == 4


@pytest.fixture
def klaviyo():
    """An account and the client that knows its key."""
    client = pytest.importorskip("klaviyo_api")
    with running(FakeAccount()) as account:
        yield account, client.KlaviyoAPI(API_KEY, max_delay=1, max_retries=1, test_host=account.url)


def imported(*profiles: dict) -> dict:
    """The body of an import to the list of VIPs."""
    rows = [{"type": "profile", "attributes": one} for one in profiles]
    lists = {"lists": {"data": [{"type": "list", "id": "Y6nRLr"}]}}
    return {"data": {"type": "profile-bulk-import-job", "attributes": {"profiles": {"data": rows}},
                     "relationships": lists}}  # fmt: skip


def test_klaviyo_imports_profiles_into_a_list_and_says_which_it_refused(klaviyo):
    account, client = klaviyo
    account.poison = "MOON"
    body = imported({"external_id": "p1", "properties": {"city": "MOON"}}, {"external_id": "p2", "first_name": "Ann"})
    job = client.Profiles.bulk_import_profiles(body).data.id
    assert client.Profiles.get_bulk_import_profiles_jobs(filter='any(status,["queued","processing"])').data[0].id == job
    while (told := client.Profiles.get_bulk_import_profiles_job(job).data.attributes).status != "complete":
        pass
    assert (told.total_count, told.completed_count, told.failed_count) == (2, 1, 1)
    (error,) = client.Profiles.get_errors_for_bulk_import_profiles_job(job).data
    assert (error.attributes.code, error.attributes.original_payload["external_id"]) == ("invalid", "p1")


def test_klaviyo_finds_profiles_by_key_and_takes_them_off_a_list(klaviyo):
    account, client = klaviyo
    job = client.Profiles.bulk_import_profiles(imported({"external_id": "p1"}, {"external_id": "p2"})).data.id
    account.finish(account.jobs[job])
    # With a choice of fields the client answers in plain dictionaries.
    (found,) = client.Profiles.get_profiles(filter='any(external_id,["p1"])', fields_profile=["external_id"])["data"]
    assert found["attributes"]["external_id"] == "p1"
    assert {one.attributes.name for one in client.Lists.get_lists().data} == {"VIP customers", "Everyone"}
    client.Lists.remove_profiles_from_list("Y6nRLr", {"data": [{"type": "profile", "id": found["id"]}]})
    assert len(account.members["Y6nRLr"]) == 1


def test_klaviyo_refuses_in_words_that_the_client_knows(klaviyo):
    exceptions = pytest.importorskip("openapi_client.exceptions")
    account, client = klaviyo
    with pytest.raises(exceptions.BadRequestException, match="/data/attributes/profiles/data/0/attributes/email"):
        client.Profiles.bulk_import_profiles(imported({"email": "nobody"}))
    account.busy = 1
    with pytest.raises(exceptions.ApiException, match="throttled"):
        client.Profiles.bulk_import_profiles(imported({"external_id": "p1"}))


@pytest.fixture
def meta(monkeypatch):
    """An audience and the client's view of it."""
    api = pytest.importorskip("facebook_business.api")
    session = pytest.importorskip("facebook_business.session")
    audiences = pytest.importorskip("facebook_business.adobjects.customaudience")
    with running(FakeAudience()) as fake:
        monkeypatch.setattr(session.FacebookSession, "GRAPH", fake.url)
        logged_in = api.FacebookAdsApi.init(access_token=META_TOKEN, crash_log=False)
        yield fake, audiences.CustomAudience, logged_in


def test_meta_takes_people_in_and_out_with_the_hashes_that_the_client_makes(meta):
    fake, audience, api = meta
    vips = audience(AUDIENCE, api=api)
    schema = [audience.Schema.MultiKeySchema.email, audience.Schema.MultiKeySchema.ln]
    people = [["Ann@Example.com ", "O'Brien"], ["bob@example.com", "Doe"]]
    told = vips.add_users(schema, people, is_raw=True, session={"session_id": 1, "batch_seq": 1}).json()
    assert (told["num_received"], told["num_invalid_entries"], told["audience_id"]) == (2, 0, AUDIENCE)
    wanted = {"EMAIL": hashlib.sha256(b"ann@example.com").hexdigest(), "LN": hashlib.sha256(b"obrien").hexdigest()}
    assert wanted in fake.members.values()
    vips.remove_users(schema, people[:1], is_raw=True)
    assert len(fake.members) == 1
    assert vips.api_get(fields=["approximate_count_lower_bound"])["approximate_count_lower_bound"] == 900


def test_meta_refuses_in_words_that_the_client_knows(meta):
    errors = pytest.importorskip("facebook_business.exceptions")
    fake, audience, api = meta
    fake.busy = 1
    with pytest.raises(errors.FacebookRequestError) as refused:
        audience(AUDIENCE, api=api).add_users(audience.Schema.email_hash, ["ann@example.com"])
    assert refused.value.api_error_code() == 80003
    with pytest.raises(errors.FacebookRequestError) as unknown:
        audience("1", api=api).api_get()
    assert unknown.value.api_error_code() == 100


def test_google_s_own_types_read_the_requests_and_answers_of_its_fake():
    """The client speaks gRPC only; its messages are those of REST all the same."""
    json_format = pytest.importorskip("google.protobuf.json_format")
    jobs = pytest.importorskip("google.ads.googleads.v25.services.types.offline_user_data_job_service")
    rows = pytest.importorskip("google.ads.googleads.v25.services.types.google_ads_service")
    pytest.importorskip("google.ads.googleads.v25.errors.types.errors").GoogleAdsFailure()

    def read(kind, body):
        return kind(json_format.ParseDict(body, kind.pb(kind())))

    ads = FakeGoogleAds()
    ads.invalid = {"bad"}
    consent = {"adUserData": "GRANTED", "adPersonalization": "GRANTED"}
    job = {"type": "CUSTOMER_MATCH_USER_LIST",
           "customerMatchUserListMetadata": {"userList": LIST_NAME, "consent": consent}}  # fmt: skip
    read(jobs.CreateOfflineUserDataJobRequest, {"customerId": CUSTOMER, "job": job})
    begun = read(jobs.CreateOfflineUserDataJobResponse, ads._begin(job, f"/v25/customers/{CUSTOMER}/jobs").content)
    address = {"hashedFirstName": "a", "hashedLastName": "b", "countryCode": "US", "postalCode": "94107"}
    known = [{"hashedEmail": "good"}, {"hashedPhoneNumber": "c"}, {"addressInfo": address}]
    operations = [{"create": {"userIdentifiers": known}}, {"remove": {"userIdentifiers": [{"hashedEmail": "bad"}]}}]
    body = {"resourceName": begun.resource_name, "operations": operations, "enablePartialFailure": True}
    assert read(jobs.AddOfflineUserDataJobOperationsRequest, body).operations[0].create.user_identifiers[2].address_info
    added = read(jobs.AddOfflineUserDataJobOperationsResponse, ads._add(begun.resource_name, operations).content)
    assert added.partial_failure_error.code == 3
    ads.failed = [{"id": "9", "failureReason": "INSUFFICIENT_TRANSACTIONS"}]
    for query in ("FROM customer", f"FROM user_list {LIST_NAME}", f"FROM offline_user_data_job {LIST_NAME}"):
        assert len(read(rows.SearchGoogleAdsResponse, {"results": ads._found(query)}).results) == 1
    ads.server_close()

"""The local server answers as HubSpot and Mastodon do, so that what works here works there."""

import socket
from datetime import date, datetime, timedelta

import pytest
import requests

from orchestration.demo.faults import Faults
from orchestration.demo.server import DEMO_TOKEN, serve
from tests import api_data

CONTACTS = "/crm/v3/objects/contacts"


@pytest.fixture
def data(tmp_path):
    api_data.hubspot(tmp_path, [api_data.contact(number) for number in range(1, 6)])
    return api_data.mastodon(tmp_path, accounts=5, statuses=4, notifications=6)


class Api:
    """Asks one server with the right token."""

    def __init__(self, url):
        self.url, self.session = url, requests.Session()
        self.session.headers["Authorization"] = f"Bearer {DEMO_TOKEN}"

    def get(self, path, **params):
        return self.session.get(self.url + path, params=params, timeout=5)

    def post(self, path, body):
        return self.session.post(self.url + path, json=body, timeout=5)

    def write(self, operation, *inputs):
        return self.post(f"{CONTACTS}/batch/{operation}", {"inputs": list(inputs)})

    def search(self, **body):
        return self.post(f"{CONTACTS}/search", body)


@pytest.fixture
def api(data):
    with serve(data) as url:
        yield Api(url)


def where(name, operator, value):
    return [{"filters": [{"propertyName": name, "operator": operator, "value": value}]}]


def test_listens_on_loopback_only(api):
    port = int(api.url.rsplit(":", 1)[1])
    with socket.socket() as another:
        another.settimeout(1)
        assert another.connect_ex(("127.0.0.1", port)) == 0
    with socket.socket() as another:
        another.settimeout(1)
        assert another.connect_ex(("127.0.0.2", port)) != 0


def test_search_returns_only_the_properties_asked_for_in_the_nested_shape(api):
    found = api.search(properties=["firstname", "phone"], filterGroups=where("hs_object_id", "EQ", "2")).json()
    assert found == {
        "total": 1,
        "results": [
            {
                "id": "2",
                "properties": {"firstname": "First2", "phone": None},
                "createdAt": "2017-01-01T12:00:00.000Z",
                "updatedAt": "2017-01-01T12:02:00.000Z",
                "archived": False,
            }
        ],
    }


def test_search_filters_by_last_change_sorts_and_pages(api):
    since = int((datetime(2017, 1, 1, 12, 2) - datetime(1970, 1, 1)).total_seconds() * 1000)
    body = {
        "filterGroups": where("lastmodifieddate", "GTE", str(since)),
        "sorts": [{"propertyName": "lastmodifieddate", "direction": "DESCENDING"}],
        "limit": 3,
    }
    first = api.search(**body).json()
    assert [row["id"] for row in first["results"]] == ["5", "4", "3"]
    assert (first["total"], first["paging"]) == (4, {"next": {"after": "3"}})
    second = api.search(**body, after="3").json()
    assert [row["id"] for row in second["results"]] == ["2"]
    assert "paging" not in second


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"limit": 201}, "between 1 and 200"),
        ({"limit": "many"}, "must be numbers"),
        ({"limit": 200, "after": "9900"}, "10000"),
        ({"filterGroups": where("shoe_size", "EQ", "44")}, "shoe_size does not exist"),
        ({"filterGroups": where("email", "LIKE", "44")}, "Invalid operator"),
        ({"sorts": [{"propertyName": "email"}, {"propertyName": "lastname"}]}, "Only one sort"),
    ],
)
def test_search_refuses_what_hubspot_refuses(api, body, says):
    answer = api.search(**body)
    assert answer.status_code == 400
    assert answer.json()["category"] == "VALIDATION_ERROR"
    assert says in answer.json()["message"]


def test_associations_come_from_the_list_and_the_batch_read_not_from_search(api):
    search = api.post("/crm/v3/objects/deals/search", {}).json()
    assert all("associations" not in row for row in search["results"])
    listed = api.get("/crm/v3/objects/deals", associations="contacts,companies", limit=1).json()
    assert listed["results"][0]["associations"] == {"contacts": {"results": [{"id": "1", "type": "deal_to_contact"}]}}
    read = api.post("/crm/v4/associations/deals/contacts/batch/read", {"inputs": [{"id": "700"}, {"id": "702"}]})
    assert read.status_code == 207
    assert [(row["from"]["id"], row["to"][0]["toObjectId"]) for row in read.json()["results"]] == [("700", "1")]
    assert read.json()["errors"][0]["subCategory"] == "crm.associations.NO_ASSOCIATIONS_FOUND"


def test_upsert_creates_then_updates_and_bumps_the_change_time(api):
    given = {"id": "new@example.org", "idProperty": "email", "properties": {"tessera_segment": "lapsing"}}
    created = api.write("upsert", given).json()["results"][0]
    assert created["new"] is True
    again = api.write("upsert", given | {"properties": {"tessera_segment": "new"}}).json()["results"][0]
    assert (again["new"], again["id"]) == (False, created["id"])
    assert again["updatedAt"] > created["updatedAt"] > "2017-01-01T12:05"
    read = api.get(f"{CONTACTS}/{created['id']}", properties="email,tessera_segment").json()
    assert read["properties"] == {"email": "new@example.org", "tessera_segment": "new"}
    assert api.url.counters.writes == 2


def test_refused_rows_are_told_apart_and_the_others_are_written(api):
    answer = api.write(
        "update",
        {"id": "1", "properties": {"tessera_score": "7"}},
        {"id": "2", "properties": {"shoe_size": "44"}},
        {"id": "3", "properties": {"email": "PERSON1@example.org"}, "objectWriteTraceId": "row-3"},
        {"id": "4", "properties": {"hs_email_optout": "perhaps"}},
        {"id": "999", "properties": {"city": "Boston"}},
        {"id": "5", "properties": {"lastmodifieddate": "2020-01-01"}},
    )
    assert answer.status_code == 207
    body = answer.json()
    assert [row["id"] for row in body["results"]] == ["1"]
    assert body["numErrors"] == 5
    told = {row["context"]["id"][0]: row for row in body["errors"]}
    assert told["2"]["errors"][0]["code"] == "PROPERTY_DOESNT_EXIST"
    assert told["3"]["category"] == "CONFLICT"
    assert told["3"]["context"]["objectWriteTraceId"] == ["row-3"]
    assert told["3"]["context"]["existingId"] == ["1"]
    assert told["4"]["errors"][0]["code"] == "INVALID_BOOLEAN"
    assert told["999"]["category"] == "OBJECT_NOT_FOUND"
    assert told["5"]["errors"][0]["code"] == "READ_ONLY_VALUE"
    assert api.get(f"{CONTACTS}/2").json()["updatedAt"] == "2017-01-01T12:02:00.000Z"


def test_an_address_that_is_free_again_may_be_used_again(api):
    assert api.write("update", {"id": "1", "properties": {"email": ""}}).status_code == 200
    assert api.write("create", {"properties": {"email": "person1@example.org"}}).status_code == 201
    assert (
        api.write("create", {"properties": {"email": "person1@example.org"}}).json()["errors"][0]["category"]
        == "CONFLICT"
    )


def test_a_batch_is_refused_whole_when_it_is_too_large_or_names_an_object_twice(api):
    rows = [{"id": str(number), "properties": {}} for number in range(101)]
    assert api.write("update", *rows).status_code == 400
    assert api.write("update", {"id": "1", "properties": {}}, {"id": "1", "properties": {}}).status_code == 400
    assert api.url.counters.writes == 0


def test_values_of_a_defined_property_must_fit_its_type(api):
    definition = {"name": "tessera_spend", "type": "number", "groupName": "tessera", "label": "Spend"}
    assert api.post("/crm/v3/properties/contacts", definition).status_code == 201
    assert api.post("/crm/v3/properties/contacts", definition).status_code == 409
    refused = api.write("update", {"id": "1", "properties": {"tessera_spend": "much"}}).json()
    assert refused["errors"][0]["errors"][0]["code"] == "INVALID_INTEGER"
    assert api.write("update", {"id": "1", "properties": {"tessera_spend": "12.50"}}).status_code == 200


def test_archived_objects_leave_the_search_and_show_in_the_archived_list(api):
    assert api.write("archive", {"id": "3"}, {"id": "999"}).status_code == 204
    assert api.search().json()["total"] == 4
    assert api.get(f"{CONTACTS}/3").status_code == 404
    archived = api.get(CONTACTS, archived="true").json()["results"]
    assert [(row["id"], row["archived"]) for row in archived] == [("3", True)]
    assert archived[0]["archivedAt"] == archived[0]["updatedAt"]


def test_what_was_written_is_there_when_the_server_starts_again(data, tmp_path):
    state = tmp_path / "state" / "server.json"
    with serve(data, state_file=state) as url:
        api = Api(url)
        made = api.write("create", {"properties": {"email": "new@example.org"}}).json()["results"][0]
        api.write("update", {"id": "1", "properties": {"tessera_segment": "new", "city": ""}})
        api.write("archive", {"id": "2"})
    with serve(data, state_file=state) as url:
        api = Api(url)
        assert (
            api.get(f"{CONTACTS}/{made['id']}", properties="email").json()["properties"]["email"] == "new@example.org"
        )
        assert api.get(f"{CONTACTS}/1", properties="tessera_segment").json()["properties"] == {"tessera_segment": "new"}
        assert api.get(f"{CONTACTS}/2").status_code == 404
        later = api.write("create", {"properties": {"email": "later@example.org"}}).json()["results"][0]
        assert int(later["id"]) > int(made["id"])
        assert later["updatedAt"] > made["updatedAt"]


def test_until_hides_the_days_after_and_keeps_what_was_written(tmp_path):
    day = timedelta(days=1)
    tomorrow = api_data.contact(2, created_at=api_data.START + day, updated_at=api_data.START + day)
    changed = api_data.contact(1, updated_at=api_data.START + day)
    data = api_data.mastodon(api_data.hubspot(tmp_path, [changed, tomorrow]), accounts=1, statuses=1, notifications=1)
    state = tmp_path / "state.json"
    with serve(data, until=date(2017, 1, 1), state_file=state) as url:
        api = Api(url)
        assert [(row["id"], row["updatedAt"]) for row in api.search().json()["results"]] == [
            ("1", "2017-01-01T12:00:00.000Z")
        ]
        api.write("update", {"id": "1", "properties": {"tessera_segment": "new"}})
    with serve(data, until=date(2017, 1, 2), state_file=state) as url:
        found = Api(url).search(properties=["tessera_segment"]).json()["results"]
        assert [(row["id"], row["properties"]["tessera_segment"]) for row in found] == [("1", "new"), ("2", None)]
        assert found[0]["updatedAt"] == "2017-01-02T12:00:00.000Z"


def test_a_wrong_token_is_refused_in_the_words_of_each_system(api):
    api.session.headers["Authorization"] = "Bearer wrong"
    crm, community = api.search(), api.get("/api/v1/timelines/public")
    assert (crm.status_code, crm.json()["category"]) == (401, "INVALID_AUTHENTICATION")
    assert (community.status_code, community.json()) == (401, {"error": "The access token is invalid"})


def test_more_requests_than_the_rate_allows_are_told_to_wait(data):
    with serve(data, faults=Faults(requests_per_second=3, retry_after=7)) as url:
        api = Api(url)
        answers = [api.search() for _ in range(6)]
        assert [answer.status_code for answer in answers[:3]] == [200, 200, 200]
        assert answers[-1].status_code == 429
        assert answers[-1].headers["Retry-After"] == "7"
        community = api.get("/api/v1/timelines/public")
        assert community.status_code == 429
        assert "Retry-After" not in community.headers
        assert datetime.fromisoformat(community.headers["X-RateLimit-Reset"])


def test_an_answer_can_be_lost_after_the_write_was_done(data):
    with serve(data, faults=Faults(path="/batch/", lost_answers=1)) as url:
        api = Api(url)
        with pytest.raises(requests.ConnectionError):
            api.write("update", {"id": "1", "properties": {"city": "Boston"}})
        assert api.get(f"{CONTACTS}/1", properties="city").json()["properties"] == {"city": "Boston"}


def test_mastodon_pages_downwards_by_next_and_upwards_by_prev(api):
    def ids(answer):
        return [row["id"] for row in answer.json()]

    newest = api.get("/api/v2/admin/accounts", limit=2)
    assert ids(newest) == ["102", "101"]
    older = api.session.get(newest.links["next"]["url"], timeout=5)
    assert ids(older) == ["100", "99"]
    assert ids(api.session.get(older.links["prev"]["url"], timeout=5)) == ["102", "101"]
    oldest = api.get("/api/v2/admin/accounts", limit=2, min_id="0")
    assert ids(oldest) == ["99", "98"]
    assert oldest.json()[0]["account"] == {"display_name": "User 1", "fields": [], "bot": False, "followers_count": 1}
    empty = api.get("/api/v2/admin/accounts", min_id="102")
    assert (empty.json(), "Link" in empty.headers) == ([], False)


def test_mastodon_notifications_are_filtered_by_type(api):
    found = api.get("/api/v1/notifications", **{"types[]": ["favourite", "reblog"]}).json()
    assert {row["type"] for row in found} == {"favourite", "reblog"}
    mentions = api.get("/api/v1/notifications", **{"types[]": "mention"}).json()
    assert [row["id"] for row in mentions] == ["102", "99"]


def test_a_folder_without_data_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="neither hubspot/ nor mastodon/"), serve(tmp_path):
        pass

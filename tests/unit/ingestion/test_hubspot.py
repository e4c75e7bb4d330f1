"""The HubSpot source against a server that speaks HubSpot: what changed arrives once, what fails says what to do."""

import json
import time
from datetime import timedelta

import pytest
import requests

from data_contracts.contract import load
from ingestion import rest
from ingestion.batch import SourceError
from ingestion.crm import hubspot
from orchestration.demo.faults import Faults
from orchestration.demo.hubspot_objects import Record
from orchestration.demo.server import DEMO_TOKEN, serve
from tests import api_data

SEARCH = "/crm/v3/objects/contacts/search"


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("HUBSPOT_TOKEN", DEMO_TOKEN)
    monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "3")
    monkeypatch.setenv("RUNTIME__REQUEST_BACKOFF_FACTOR", "0.01")


@pytest.fixture
def data(tmp_path):
    return api_data.hubspot(tmp_path, [api_data.contact(number) for number in range(1, 11)])


@pytest.fixture
def started(data, monkeypatch):
    """Starts a server with the faults given, and points the source at it."""
    servers = []

    def start(**faults):
        server = serve(data, faults=Faults(**faults))
        servers.append(server)
        url = server.__enter__()
        monkeypatch.setenv("HUBSPOT_BASE_URL", url)
        return url

    yield start
    for server in servers:
        server.__exit__(None, None, None)


def pull(state):
    """Resource -> objects, of one run."""
    found = {}
    for batch in hubspot.batches(state):
        found.setdefault(batch.resource, []).extend(json.loads(raw) for raw in batch.records["raw"].to_pylist())
    return found


def write(url, operation, *inputs):
    headers = {"Authorization": f"Bearer {DEMO_TOKEN}"}
    answer = requests.post(
        f"{url}/crm/v3/objects/contacts/batch/{operation}", json={"inputs": list(inputs)}, headers=headers, timeout=5
    )
    assert answer.status_code in (200, 201, 204), answer.text


def test_everything_comes_first_and_nothing_the_second_time(started):
    url, state = started(), {}
    first = pull(state)
    assert {resource: len(rows) for resource, rows in first.items()} == {
        "contacts": 10,
        "companies": 2,
        "deals": 3,
        "owners": 2,
    }
    assert state["contacts"]["updated_at"] == "2017-01-01T12:10:00.000Z"
    before = url.counters.requests
    assert pull(json.loads(json.dumps(state))) == {}
    assert url.counters.requests - before < 15


def test_records_are_numbered_through(started, monkeypatch):
    started()
    monkeypatch.setattr(rest, "RECORDS_PER_BATCH", 4)
    lines = [batch.records["line"].to_pylist() for batch in hubspot.batches({}) if batch.resource == "contacts"]
    assert lines == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]


def test_only_the_properties_of_the_contract_are_asked_for(started):
    url = started()
    write(url, "update", {"id": "1", "properties": {"tessera_segment": "new"}})
    asked = {column.path for column in load("hubspot").table("contacts").columns}
    for row in pull({})["contacts"]:
        assert {f"properties.{name}" for name in row["properties"]} == {path for path in asked if "." in path}


def test_deals_carry_their_associations(started):
    started()
    deals = {row["id"]: row.get("associations") for row in pull({})["deals"]}
    assert deals["700"] == {"contacts": {"results": [{"id": "1"}]}}
    assert deals["702"] == {"companies": {"results": [{"id": "901"}]}}


def test_only_what_changed_comes_again_our_own_writes_included(started):
    url, state = started(), {}
    pull(state)
    write(url, "update", {"id": "4", "properties": {"city": "Boston"}}, {"id": "5", "properties": {"tessera_x": "1"}})
    write(url, "create", {"properties": {"email": "new@example.org"}})
    found = pull(state)
    assert set(found) == {"contacts"}
    assert [row["properties"]["city"] for row in found["contacts"]] == ["Boston", None, None]
    assert [row["id"] for row in found["contacts"]][:2] == ["4", "5"]
    assert pull(state) == {}


@pytest.mark.parametrize("minutes_behind", [0, 4])
def test_a_record_that_turns_up_at_or_just_behind_the_cursor_is_not_lost(started, minutes_behind):
    url, state = started(), {}
    pull(state)
    contacts = url.crm.collections["contacts"]
    moment = contacts.records[10].updated_at - minutes_behind * 60_000
    contacts.add(Record(77, {"firstname": "Late"}, moment, moment))
    contacts.version += 1
    assert [row["id"] for row in pull(state)["contacts"]] == ["77"]


def test_a_record_that_changes_while_pages_are_read_is_not_lost(started, monkeypatch):
    monkeypatch.setattr(hubspot, "SEARCH_PAGE", 2)
    monkeypatch.setattr(rest, "RECORDS_PER_BATCH", 1)
    url, state, seen = started(), {}, []
    for batch in hubspot.batches(state):
        if batch.resource != "contacts":
            continue
        seen.append(json.loads(batch.records["raw"][0].as_py())["id"])
        if len(seen) == 1:
            write(
                url,
                "update",
                {"id": "2", "properties": {"city": "Boston"}},
                {"id": "7", "properties": {"city": "Boston"}},
            )
    assert set(seen) | {"2", "7"} == {str(number) for number in range(1, 11)}
    assert {"2", "7"} <= {row["id"] for row in pull(state)["contacts"] if row["properties"]["city"] == "Boston"}


def test_more_hits_than_a_search_may_page_through_all_arrive(tmp_path, monkeypatch):
    count = 10_250
    rows = [api_data.contact(number, updated_at=api_data.START) for number in range(1, count + 1)]
    with serve(api_data.hubspot(tmp_path, rows)) as url:
        monkeypatch.setenv("HUBSPOT_BASE_URL", url)
        assert len({row["id"] for row in pull({})["contacts"]}) == count


def test_archived_objects_come_once_more_and_then_no_more(started):
    url, state = started(), {}
    pull(state)
    write(url, "archive", {"id": "3"}, {"id": "4"})
    assert [(row["id"], row["archived"]) for row in pull(state)["contacts"]] == [("3", True), ("4", True)]
    assert pull(state) == {}
    write(url, "archive", {"id": "5"})
    assert [row["id"] for row in pull(state)["contacts"]] == ["5"]


def test_an_empty_crm_gives_nothing(tmp_path, monkeypatch):
    (tmp_path / "hubspot").mkdir()
    with serve(tmp_path) as url:
        monkeypatch.setenv("HUBSPOT_BASE_URL", url)
        assert pull({}) == {}


def test_failures_that_pass_are_waited_out(started):
    url = started(server_errors=2, path=SEARCH)
    assert len(pull({})["contacts"]) == 10
    assert url.counters.paths[SEARCH] == 4


def test_retry_after_is_obeyed(started):
    started(throttled=1, retry_after=1, path=SEARCH)
    begin = time.monotonic()
    assert len(pull({})["contacts"]) == 10
    assert time.monotonic() - begin >= 1


def test_a_connection_that_breaks_in_the_middle_is_tried_again(started):
    started(cut_bodies=1, path=SEARCH)
    assert len(pull({})["contacts"]) == 10


def test_failures_that_stay_stop_the_source_with_what_the_api_said(started):
    started(server_errors=99, path=SEARCH)
    with pytest.raises(SourceError, match=rf"hubspot: .*{SEARCH} answered 500 \(internal error\)"):
        pull({})


def test_too_many_requests_for_too_long_stop_the_source(started):
    started(throttled=99, retry_after=0)
    with pytest.raises(SourceError, match="429 after all retries"):
        pull({})


def test_a_page_that_repeats_stops_the_source_and_keeps_the_cursor(started, monkeypatch):
    monkeypatch.setattr(hubspot, "SEARCH_PAGE", 2)
    url, state = started(), {}
    pull(state)
    for number in (1, 2, 3, 4):
        write(url, "update", {"id": str(number), "properties": {"city": "Boston"}})
    url.faults.path, url.faults.frozen_page = SEARCH, True
    before = json.dumps(state["contacts"])
    with pytest.raises(SourceError, match=r"hubspot: contacts repeats a page at cursor id \d+: .*run again"):
        pull(state)
    assert json.dumps(state["contacts"]) == before


def test_a_list_that_repeats_stops_the_source(tmp_path, monkeypatch):
    rows = [api_data.contact(number, is_archived=True) for number in range(1, 250)]
    with serve(api_data.hubspot(tmp_path, rows), faults=Faults(path="/objects/contacts", frozen_page=True)) as url:
        monkeypatch.setenv("HUBSPOT_BASE_URL", url)
        with pytest.raises(SourceError, match="contacts repeats a page at cursor after 101"):
            pull({})


def test_an_answer_for_humans_is_told(started):
    started(html_bodies=99)
    with pytest.raises(SourceError, match=r"something that is not JSON: check that HUBSPOT_BASE_URL"):
        pull({})


@pytest.mark.parametrize("path", [SEARCH, "/crm/v4/associations", "/crm/v3/owners"])
def test_json_of_another_shape_is_told(started, path):
    started(strange_bodies=1, path=path)
    with pytest.raises(SourceError, match="the answer holds no results: check that HUBSPOT_BASE_URL"):
        pull({})


def test_a_wrong_token_names_the_variable_and_not_the_token(started, monkeypatch):
    started()
    monkeypatch.setenv("HUBSPOT_TOKEN", "pat-secret-123")
    with pytest.raises(SourceError, match="set HUBSPOT_TOKEN to a valid access token") as caught:
        pull({})
    assert "pat-secret-123" not in f"{caught.value} {caught.value.__cause__}"


def test_an_address_where_nobody_answers_is_named(monkeypatch):
    monkeypatch.setenv("HUBSPOT_BASE_URL", "http://127.0.0.1:9")
    with pytest.raises(SourceError, match=r"http://127\.0\.0\.1:9/crm/.* cannot be reached"):
        pull({})


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("HUBSPOT_TOKEN", "", "HUBSPOT_TOKEN is not set"),
        ("HUBSPOT_BASE_URL", "http://crm.example.org", "use an https address"),
        ("HUBSPOT_BASE_URL", "crm.example.org", "use an https address"),
    ],
)
def test_settings_that_cannot_work_are_told_before_anything_is_sent(started, monkeypatch, name, value, says):
    started()
    monkeypatch.setenv(name, value)
    with pytest.raises(SourceError, match=says):
        pull({})


def test_a_proxy_does_not_see_requests_to_this_machine(started, monkeypatch):
    started()
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert len(pull({})["contacts"]) == 10


def test_a_run_that_broke_off_is_made_good_by_the_next(started):
    url, state = started(), {}
    pull(state)
    write(url, "update", {"id": "4", "properties": {"city": "Boston"}})
    url.faults.path, url.faults.server_errors = "/crm/v3/owners", 99
    with pytest.raises(SourceError):
        pull(json.loads(json.dumps(state)))
    url.faults.server_errors = 0
    assert [row["id"] for row in pull(state)["contacts"]] == ["4"]


def test_of_a_large_overlap_only_a_bounded_part_is_remembered(started, monkeypatch):
    monkeypatch.setattr(hubspot, "MAX_REMEMBERED", 2)
    monkeypatch.setattr(hubspot, "OVERLAP", timedelta(days=1))
    started()
    state = {}
    pull(state)
    assert len(state["contacts"]["seen"]) == 2
    assert len(pull(state)["contacts"]) == 8

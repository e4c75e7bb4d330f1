"""The Mastodon source against a server that speaks Mastodon."""

import json
import time

import pytest

from ingestion.batch import NotConnectedError, SourceError
from ingestion.social import mastodon
from orchestration.demo.faults import Faults
from orchestration.demo.server import DEMO_TOKEN, serve
from tests import api_data

TIMELINE = "/api/v1/timelines/public"


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("MASTODON_TOKEN", DEMO_TOKEN)
    monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "3")
    monkeypatch.setenv("RUNTIME__REQUEST_BACKOFF_FACTOR", "0.01")


@pytest.fixture
def served(tmp_path, monkeypatch):
    """Pulls once from a server over a community of the size and with the faults given."""

    def run(state, accounts=250, statuses=100, notifications=200, **faults):
        folder = tmp_path / f"{accounts}-{statuses}-{notifications}"
        api_data.mastodon(folder, accounts, statuses, notifications)
        with serve(folder, faults=Faults(**faults)) as url:
            monkeypatch.setenv("MASTODON_BASE_URL", url)
            found = {}
            for batch in mastodon.batches(state):
                found.setdefault(batch.resource, []).extend(json.loads(raw) for raw in batch.records["raw"].to_pylist())
            return found

    return run


def test_everything_comes_first_in_the_order_of_ids_and_nothing_the_second_time(served):
    state = {}
    found = served(state)
    assert {resource: len(rows) for resource, rows in found.items()} == {
        "accounts": 250,
        "statuses": 100,
        "mentions": 67,
        "reactions": 133,
    }
    assert [int(row["id"]) for row in found["statuses"]] == list(range(98, 198))
    assert {row["type"] for row in found["mentions"]} == {"mention"}
    assert {row["type"] for row in found["reactions"]} == {"favourite", "reblog"}
    assert found["accounts"][0]["account"]["display_name"] == "User 0"
    assert state["statuses"] == {"min_id": "197"}
    assert served(json.loads(json.dumps(state))) == {}


def test_only_what_is_new_comes_again(served):
    state = {}
    served(state)
    found = served(state, statuses=103)
    assert [row["id"] for row in found["statuses"]] == ["198", "199", "200"]
    assert set(found) == {"statuses"}


def test_accounts_that_changed_come_again_with_their_page_only(served, monkeypatch):
    state = {}
    served(state)
    plain = api_data.write

    def renamed(folder, system, resource, rows):
        changes = {"display_name": "Someone else"} if resource == "accounts" else {}
        plain(folder, system, resource, [row | changes if row["id"] == "310" else row for row in rows])

    monkeypatch.setattr(api_data, "write", renamed)
    found = served(state)
    assert [int(row["id"]) for row in found["accounts"]] == list(range(298, 348))
    assert [row["id"] for row in found["accounts"] if row["account"]["display_name"] == "Someone else"] == ["310"]


def test_the_end_of_the_rate_window_is_waited_for(served):
    begin = time.monotonic()
    assert len(served({}, throttled=1, retry_after=1, path=TIMELINE)["statuses"]) == 100
    assert time.monotonic() - begin >= 1


def test_failures_that_pass_are_waited_out(served):
    assert len(served({}, server_errors=2, path=TIMELINE)["statuses"]) == 100


def test_a_page_that_repeats_stops_the_source_and_keeps_the_cursor(served):
    state = {}
    with pytest.raises(SourceError, match=r"mastodon: statuses repeats a page at cursor min_id 137: .*run again"):
        served(state, frozen_page=True, path=TIMELINE)
    assert state["statuses"] == {}


def test_an_answer_for_humans_is_told(served):
    with pytest.raises(SourceError, match="something that is not JSON"):
        served({}, html_bodies=1)


def test_json_of_another_shape_is_told(served):
    with pytest.raises(SourceError, match="accounts: the answer is not a list of objects"):
        served({}, strange_bodies=1)


def test_a_wrong_token_names_the_variable_and_not_the_token(served, monkeypatch):
    monkeypatch.setenv("MASTODON_TOKEN", "secret-123")
    with pytest.raises(SourceError, match="set MASTODON_TOKEN to a valid access token") as caught:
        served({})
    assert "secret-123" not in f"{caught.value} {caught.value.__cause__}"


def test_without_an_address_the_variable_is_named(monkeypatch):
    monkeypatch.delenv("MASTODON_BASE_URL", raising=False)
    monkeypatch.setenv("MASTODON_TOKEN", "a-token")
    with pytest.raises(SourceError, match="MASTODON_BASE_URL is not set"):
        list(mastodon.batches({}))


def test_without_address_and_token_it_is_not_connected(monkeypatch):
    for name in ("MASTODON_BASE_URL", "MASTODON_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(NotConnectedError, match="set MASTODON_BASE_URL and MASTODON_TOKEN to land it"):
        list(mastodon.batches({}))

"""Who is told of what: a webhook on this machine, the real sensors, runs that really fail or turn a check red."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import dagster as dg
import httpx
import pytest

from data_contracts.contract import load
from orchestration.defs.landing import landing_of
from orchestration.defs.marts import published
from orchestration.defs.notifications import check_failure_notification, run_failure_notification

pytestmark = pytest.mark.one_engine


class Webhook(HTTPServer):
    """Keeps what is posted to it; answers with `status`."""

    status = 200

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.messages = []


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Silent."""


@pytest.fixture
def webhook(settings, monkeypatch):
    server = Webhook()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    monkeypatch.setenv("TESSERA_NOTIFY_URL", f"http://127.0.0.1:{server.server_address[1]}/hook")
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def told(instance, assets, name):
    """Run the assets, then let the sensor for how it ended look at the run; returns the run."""
    job = dg.Definitions(assets=assets, jobs=[dg.define_asset_job(name, "*")]).resolve_job_def(name)
    result = job.execute_in_process(instance=instance, raise_on_error=False)
    event = result.get_run_success_event() if result.success else result.get_run_failure_event()
    sensor = check_failure_notification if result.success else run_failure_notification
    context = dg.build_run_status_sensor_context(sensor.name, event, instance, result.dagster_run)
    sensor(context if result.success else context.for_run_failure())
    return result


def test_a_run_that_fails_is_told_once_with_its_cause(webhook, instance):
    run = told(instance, [published([])], "daily")
    (message,) = webhook.messages
    assert message["title"] == "Run of daily failed"
    assert "marts__published" in message["text"]
    assert "there is no" in message["text"]
    assert "Traceback" not in message["text"]
    assert "run the job again" in message["what_to_do"]
    assert message["run_id"] == run.run_id


def test_red_checks_are_told_once_with_what_they_found(webhook, instance, monkeypatch):
    monkeypatch.delenv("MASTODON_BASE_URL", raising=False)
    monkeypatch.setenv("MASTODON_TOKEN", "a-token")
    run = told(instance, [landing_of(load("mastodon"))], "hourly")
    (message,) = webhook.messages
    assert message["title"] == "4 checks failed in hourly"
    assert "landing/mastodon/accounts: source_answered" in message["text"]
    assert message["text"].count("MASTODON_BASE_URL is not set: set it to the address") == 1
    assert message["run_id"] == run.run_id


def test_a_run_without_red_checks_is_not_told(webhook, instance):
    @dg.asset(check_specs=[dg.AssetCheckSpec("usual", asset="tickets")])
    def tickets():
        late = dg.AssetCheckResult(passed=False, check_name="usual", severity=dg.AssetCheckSeverity.WARN)
        yield dg.MaterializeResult(check_results=[late])

    assert told(instance, [tickets], "daily").success
    assert webhook.messages == []


def test_a_webhook_that_refuses_fails_the_tick(webhook, instance):
    webhook.status = 500
    with pytest.raises(httpx.HTTPStatusError):
        told(instance, [published([])], "daily")


def test_without_a_webhook_nothing_is_posted(settings, instance):
    assert not told(instance, [published([])], "daily").success

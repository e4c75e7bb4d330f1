"""The running systems that tests of activation send to."""

import pytest

from orchestration.demo.server import DEMO_TOKEN, serve
from tests.postgres_server import server
from tests.unit.activation.payloads import write_crm


@pytest.fixture
def crm(tmp_path, monkeypatch):
    """A running server with 300 contacts; HUBSPOT_BASE_URL and HUBSPOT_TOKEN point at it."""
    with serve(write_crm(tmp_path / "api", 300)) as url:
        monkeypatch.setenv("HUBSPOT_BASE_URL", str(url))
        monkeypatch.setenv("HUBSPOT_TOKEN", DEMO_TOKEN)
        monkeypatch.setenv("HUBSPOT_REQUESTS_PER_SECOND", "500")
        yield url


@pytest.fixture(scope="module")
def postgres_address():
    """A running PostgreSQL server without anything in it."""
    with server() as address:
        yield address

"""Whose sources a home reaches: the demo's if it holds the demo, else what the environment names."""

import os

import pytest

from orchestration.demo.run import ensure_population, own_sources
from orchestration.errors import TesseraError


@pytest.fixture
def real_account(monkeypatch):
    monkeypatch.setenv("HUBSPOT_TOKEN", "of-a-real-account")
    monkeypatch.setenv("HUBSPOT_BASE_URL", "https://api.hubapi.com")


def test_a_home_without_the_demo_reaches_what_the_environment_names(settings, real_account):
    with own_sources(settings) as address:
        assert address is None
        assert os.environ["HUBSPOT_TOKEN"] == "of-a-real-account"


def test_a_home_with_the_demo_never_reaches_a_real_account(settings, real_account):
    assert ensure_population(settings, people=20, seed=1) > 0
    with own_sources(settings) as address:
        assert address.startswith("http://127.0.0.1:")
        assert os.environ["HUBSPOT_BASE_URL"] == address
        assert os.environ["HUBSPOT_TOKEN"] != "of-a-real-account"
    assert os.environ["HUBSPOT_BASE_URL"] == "https://api.hubapi.com"


def test_a_home_keeps_one_population(settings):
    ensure_population(settings, people=20, seed=1)
    assert ensure_population(settings, people=20, seed=1) == 0
    with pytest.raises(TesseraError, match="holds a demo of 20 people with seed 1: use another home"):
        ensure_population(settings, people=30, seed=1)

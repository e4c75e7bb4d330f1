"""What every test shares: a home of its own, no outside network, nothing left in the user's home."""

import os
import socket

import pytest

from orchestration.home import prepare, variables
from orchestration.settings import Settings

_LOOPBACK = {"localhost", "127.0.0.1", "::1", "0.0.0.0", "", None}
_look_up = socket.getaddrinfo


def _loopback_only(host, *args, **kwargs):
    if host not in _LOOPBACK and host != b"127.0.0.1":
        raise AssertionError(f"something asked for the address of {host!r}: nothing may leave this machine")
    return _look_up(host, *args, **kwargs)


@pytest.fixture(autouse=True)
def no_outside_network(monkeypatch):
    """A name other than loopback fails the test that asks for it."""
    monkeypatch.setattr(socket, "getaddrinfo", _loopback_only)


@pytest.fixture
def settings(tmp_path, monkeypatch) -> Settings:
    """Settings of a fresh home, with the variables of the tools pointing at it."""
    for name in [name for name in os.environ if name.startswith("TESSERA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TESSERA_HOME", str(tmp_path / "home"))
    fresh = Settings()
    prepare(fresh)
    for name, value in variables(fresh).items():
        monkeypatch.setenv(name, value)
    return fresh

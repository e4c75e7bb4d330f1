"""Which addresses an environment may send to: outside prod only this machine and declared sandboxes, never in clear."""

import ipaddress
from collections.abc import Callable
from urllib.parse import urlsplit

from orchestration.activation.errors import PlanRefusedError
from orchestration.settings import Settings


def check_endpoint(settings: Settings, url: str, is_sandbox: Callable[[], bool]) -> None:
    """Raise PlanRefusedError unless this environment may write to `url`; `is_sandbox` is asked only when it matters."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PlanRefusedError(f"'{url}' is no address: give one like https://api.example.com")
    encrypted = parts.scheme == "https"
    check_address(settings, url, local=is_local(parts.hostname), encrypted=encrypted, is_sandbox=is_sandbox)


def check_address(
    settings: Settings, shown: str, *, local: bool, encrypted: bool, is_sandbox: Callable[[], bool]
) -> None:
    """The same of any address, `shown` without its secrets."""
    if local:
        return
    if not encrypted:
        raise PlanRefusedError(f"'{shown}' would send personal data in clear: use https, or sslmode=require")
    if settings.env != "prod" and not is_sandbox():
        raise PlanRefusedError(
            f"{shown} is no sandbox and this is '{settings.env}': use a sandbox account, or set TESSERA_ENV=prod"
        )


def is_local(host: str) -> bool:
    """Whether a host is this machine: loopback, or a socket in the file system; none means a socket too."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in ("", "localhost") or host.startswith("/")

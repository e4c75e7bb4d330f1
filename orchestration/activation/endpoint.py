"""Which addresses an environment may send to: outside prod only this machine and declared sandboxes, never in clear."""

from collections.abc import Callable
from urllib.parse import urlsplit

from orchestration.activation.errors import PlanRefusedError
from orchestration.settings import Settings

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def check_endpoint(settings: Settings, url: str, is_sandbox: Callable[[], bool]) -> None:
    """Raise PlanRefusedError unless this environment may write to `url`; `is_sandbox` is asked only when it matters."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PlanRefusedError(f"'{url}' is no address: give one like https://api.example.com")
    if parts.hostname in _LOOPBACK:
        return
    if parts.scheme != "https":
        raise PlanRefusedError(f"'{url}' would send personal data in clear: use https")
    if settings.env != "prod" and not is_sandbox():
        raise PlanRefusedError(
            f"{url} is no sandbox and this is '{settings.env}': use a sandbox account, or set TESSERA_ENV=prod"
        )

"""One org: its login, its requests, and how many of the day's requests are left. What is written is not known here."""

import os
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from orchestration.activation import wire
from orchestration.activation.answers import asked, body_of, said
from orchestration.activation.destinations.salesforce.codes import meaning
from orchestration.activation.endpoint import is_local
from orchestration.activation.errors import AuthError, TransientError, UnavailableError

_VERSION = "62.0"
# The last tenth of an org's requests of 24 hours is left to everybody else who works there.
_OURS = 0.9
_USAGE = re.compile(r"(?<![\w-])api-usage=(\d+)/(\d+)")
_SANDBOXES = re.compile(r"(\.(sandbox|scratch|develop)\.my\.salesforce\.com|^test\.salesforce\.com)$")


@dataclass(frozen=True)
class Login:
    """How we get in: a connected app, or a token that somebody else got."""

    url: str
    client_id: str = ""
    client_secret: str = ""
    token: str = ""

    def enter(self) -> tuple[str, str]:
        """Where the org is and the token for it. Raises AuthError."""
        if self.token:
            return self.url, self.token
        form = {"grant_type": "client_credentials", "client_id": self.client_id, "client_secret": self.client_secret}
        with httpx.Client(timeout=20.0) as client:
            response = asked(client, "POST", f"{self.url}/services/oauth2/token", data=form)
        if response.status_code >= 500:
            raise TransientError(f"HTTP {response.status_code} at the login", status=response.status_code)
        told = said(response) or {}
        if not response.is_success or not told.get("access_token"):
            why = told.get("error_description") or told.get("error") or f"HTTP {response.status_code}"
            raise AuthError(
                f"Salesforce at {self.url} refuses the login ({why}): check SALESFORCE_CLIENT_ID, "
                "SALESFORCE_CLIENT_SECRET and the app's client credentials flow"
            )
        instance = str(told.get("instance_url") or self.url).rstrip("/")
        parts = urlsplit(instance)
        if parts.scheme != "https" and not is_local(parts.hostname or ""):
            raise AuthError(f"Salesforce at {self.url} sends us to {instance}, in clear: correct SALESFORCE_URL")
        return instance, told["access_token"]


class Org:
    """Logs in when it is first asked, and once more when the session has ended."""

    def __init__(self, login: Login) -> None:
        self.endpoint = login.url
        self._login, self._instance, self._token = login, "", ""
        self._used = self._allowed = 0
        self._version = os.environ.get("SALESFORCE_API_VERSION", _VERSION)
        self._client = httpx.Client(timeout=httpx.Timeout(120.0, connect=5.0), event_hooks=wire.HOOKS)

    def ask(self, method: str, path: str, *, is_second: bool = False, **content: Any) -> httpx.Response:
        """One request below the data API; an answer that is no success becomes the error that says how to go on."""
        self._leave_some()
        if not self._token:
            self._instance, self._token = self._login.enter()
        headers = {"Authorization": f"Bearer {self._token}"} | content.pop("headers", {})
        url = f"{self._instance}/services/data/v{self._version}{path}"
        response = asked(self._client, method, url, headers=headers, **content)
        if found := _USAGE.search(response.headers.get("Sforce-Limit-Info", "")):
            self._used, self._allowed = int(found[1]), int(found[2])
        if response.status_code == 401 and not is_second and not self._login.token:
            self._token = ""
            return self.ask(method, path, is_second=True, **content)
        if not response.is_success:
            raise meaning(self.endpoint, response)
        return response

    def query(self, statement: str) -> list[dict]:
        """Records that a SOQL statement finds, at most 2,000."""
        return body_of(self.ask("GET", "/query", params={"q": statement}), "records")["records"]

    def is_sandbox(self) -> bool:
        """Whether the org is made for trying: its address says so, or it does when asked."""
        if _SANDBOXES.search(urlsplit(self.endpoint).hostname or ""):
            return True
        try:
            return bool(self.query("select IsSandbox from Organization")[0]["IsSandbox"])
        except TransientError as error:
            raise UnavailableError(f"{self.endpoint} does not answer ({error}): nothing was sent") from error

    def _leave_some(self) -> None:
        if self._allowed and self._used >= self._allowed * _OURS:
            raise UnavailableError(
                f"{self.endpoint} has used {self._used} of its {self._allowed} requests of 24 hours: the last tenth is "
                "left to others; what was acknowledged is kept, run the sync again later"
            )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

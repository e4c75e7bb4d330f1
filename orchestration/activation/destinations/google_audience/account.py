"""One customer of Google Ads: its login, its requests, what an answer means. What is written is not known here."""

import os

import httpx

from orchestration.activation import wire
from orchestration.activation.answers import asked, body_of, failure, said
from orchestration.activation.errors import AuthError, MappingError, TransientError, UnavailableError

_VERSION = "v25"
_TOKENS = "https://oauth2.googleapis.com/token"


class Account:
    """One customer of Google Ads: its login and its requests."""

    def __init__(self, base_url: str, given: dict[str, str]) -> None:
        self.endpoint, self.customer, self._given = base_url, given["CUSTOMER_ID"].replace("-", ""), given
        self._client = httpx.Client(
            base_url=f"{base_url}/{os.environ.get('GOOGLE_ADS_API_VERSION', _VERSION)}",
            headers={"developer-token": given["DEVELOPER_TOKEN"]},
            timeout=httpx.Timeout(120.0, connect=5.0),
            event_hooks=wire.HOOKS,
        )
        if manager := os.environ.get("GOOGLE_ADS_LOGIN_CUSTOMER_ID"):
            self._client.headers["login-customer-id"] = manager.replace("-", "")

    def _log_in(self) -> None:
        form = {name.lower(): self._given[name] for name in ("CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN")}
        with httpx.Client(timeout=20.0) as client:
            response = asked(client, "POST", os.environ.get("GOOGLE_OAUTH_URL", _TOKENS),
                             data=form | {"grant_type": "refresh_token"})  # fmt: skip
        if response.status_code >= 500:
            raise TransientError(f"HTTP {response.status_code} at the login", status=response.status_code)
        told = said(response) or {}
        if not told.get("access_token"):
            raise AuthError(f"Google refuses the login ({told.get('error', response.status_code)}): check "
                            "GOOGLE_ADS_CLIENT_ID, GOOGLE_ADS_CLIENT_SECRET and GOOGLE_ADS_REFRESH_TOKEN")  # fmt: skip
        self._client.headers["Authorization"] = f"Bearer {told['access_token']}"

    def ask(self, path: str, body: dict, *, is_second: bool = False) -> dict:
        """The JSON of one request; an answer that is no success becomes the error that says how to go on."""
        if "Authorization" not in self._client.headers:
            self._log_in()
        response = asked(self._client, "POST", path, json=body)
        if response.status_code == 401 and not is_second:
            del self._client.headers["Authorization"]
            return self.ask(path, body, is_second=True)
        if response.is_success:
            return body_of(response)
        error = (said(response) or {}).get("error") or {}
        code, message = str(error.get("status") or response.status_code), str(error.get("message") or "")
        details = str(error.get("details") or "")
        if response.status_code in (401, 403):
            raise AuthError(
                f"Google refuses us ({code} {message}): check GOOGLE_ADS_DEVELOPER_TOKEN, who may use customer "
                f"{self.customer}, and that Google lets it use Customer Match"
            )
        if "CONCURRENT_MODIFICATION" in details or "RESOURCE_TEMPORARILY_EXHAUSTED" in details:
            raise TransientError(f"{code} {message}", status=response.status_code)
        if response.status_code == 404 or "USER_LIST" in details.upper():
            raise MappingError(
                f"Google has no such list in customer {self.customer} ({code} {message}): correct the object"
            )
        raise failure(response, code, message)

    def found(self, query: str) -> list[dict]:
        """Rows that a query finds, at most 10,000."""
        return self.ask(f"/customers/{self.customer}/googleAds:search", {"query": query}).get("results", [])

    def is_test_account(self) -> bool:
        """Whether the customer is one for trying."""
        try:
            found = self.found("SELECT customer.test_account FROM customer")
        except TransientError as error:
            raise UnavailableError(f"{self.endpoint} does not answer ({error}): nothing was sent") from error
        return bool(found and found[0]["customer"].get("testAccount"))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

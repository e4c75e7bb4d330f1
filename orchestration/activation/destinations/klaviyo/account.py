"""One account: its requests, what its answers mean, its lists and who a key is. What is written is not known here."""

import json
import os
import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

import httpx

from orchestration.activation import wire
from orchestration.activation.answers import asked, body_of, failure, said
from orchestration.activation.errors import AuthError, MappingError, TransientError, UnavailableError

# The revision whose answers are known here; Klaviyo keeps one for two years.
_REVISION = "2026-10-15"
_IDS_A_QUERY = 100
_FIRST_WAIT, _LONGEST_WAIT, LONGEST_JOB = 0.2, 10.0, 3600.0
_UNDER_WAY = ("queued", "processing")


class Account:
    """Asks the API with the account's key."""

    def __init__(self, base_url: str, key: str) -> None:
        self.endpoint = base_url
        self._client = httpx.Client(
            base_url=base_url,
            headers={
                "Authorization": f"Klaviyo-API-Key {key}",
                "Accept": "application/vnd.api+json",
                "Content-Type": "application/vnd.api+json",
                "revision": os.environ.get("KLAVIYO_REVISION", _REVISION),
            },
            timeout=httpx.Timeout(60.0, connect=5.0),
            event_hooks=wire.HOOKS,
        )

    def ask(self, method: str, path: str, **content: Any) -> httpx.Response:
        """One request; an answer that is no success becomes the error that says how to go on."""
        response = asked(self._client, method, path, **content)
        if response.is_success:
            return response
        errors = (said(response) or {}).get("errors") or [{}]
        code = str(errors[0].get("code") or f"HTTP_{response.status_code}")
        # Where the value is that it means, not the value.
        place = (errors[0].get("source") or {}).get("pointer") or ""
        message = " ".join(filter(None, (errors[0].get("detail") or response.text[:200], place)))
        if response.status_code in (401, 403):
            raise AuthError(f"Klaviyo refuses us ({code}: {message}): check KLAVIYO_API_KEY and its scopes")
        if response.status_code in (404, 405, 410):
            raise MappingError(f"Klaviyo does not know {path} ({message}): correct KLAVIYO_REVISION, or the list")
        raise failure(response, code, message)

    def pages(self, path: str, **query: str) -> Iterator[dict]:
        """Everything that a listing holds, over all its pages."""
        response = self.ask("GET", path, params=query)
        while True:
            body = body_of(response, "data")
            yield from body["data"]
            following = (body.get("links") or {}).get("next")
            if not following:
                return
            response = self.ask("GET", following)

    def is_test_account(self) -> bool:
        """Whether the account says that it is one for trying."""
        try:
            return bool(next(self.pages("/api/accounts"))["attributes"].get("test_account"))
        except TransientError as error:
            raise UnavailableError(f"{self.endpoint} does not answer ({error}): nothing was sent") from error

    def list_id(self, name: str) -> str:
        """The list whose name is this one in lower case, with _ for what is no letter or digit. Raises MappingError."""
        lists = {one["id"]: str(one["attributes"]["name"]) for one in self.pages("/api/lists")}
        found = [
            key for key, its_name in lists.items() if re.sub("[^a-z0-9]+", "_", its_name.lower()).strip("_") == name
        ]
        if len(found) == 1:
            return found[0]
        if found:
            raise MappingError(f"Klaviyo has {len(found)} lists that are named like {name}: rename one")
        raise MappingError(
            f"Klaviyo has no list that is named like {name}: make it there, it has {sorted(lists.values())}"
        )

    def profile_ids(self, match_by: str, keys: Sequence[str]) -> dict[str, str]:
        """Profile ids by key; a key that no profile has is left out."""
        found = {}
        for first in range(0, len(keys), _IDS_A_QUERY):
            some = json.dumps(list(keys[first : first + _IDS_A_QUERY]))
            query = {"filter": f"any({match_by},{some})", "fields[profile]": match_by, "page[size]": "100"}
            for profile in self.pages("/api/profiles", **query):
                found[str(profile["attributes"][match_by])] = profile["id"]
        return found

    def wait_for_imports(self) -> None:
        """Until no import is under way: one of a run that was killed would write older values after ours."""
        statuses = json.dumps(_UNDER_WAY)
        query = {"filter": f"any(status,{statuses})"}
        for job in list(self.pages("/api/profile-bulk-import-jobs", **query)):
            self.ended(job["id"])

    def ended(self, job: str) -> dict:
        """What became of an import job, when it has ended."""
        wait, until = _FIRST_WAIT, time.monotonic() + LONGEST_JOB
        while True:
            told = body_of(self.ask("GET", f"/api/profile-bulk-import-jobs/{job}"), "data")["data"]["attributes"]
            if told["status"] not in _UNDER_WAY:
                return told
            if time.monotonic() > until:
                raise UnavailableError(f"import {job} of Klaviyo takes more than an hour: run the sync again later")
            time.sleep(wait)
            wait = min(wait * 1.5, _LONGEST_WAIT)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

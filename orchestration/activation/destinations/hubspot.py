"""HubSpot CRM v3: batches of 100, answered row by row, to properties of a group of our own.

Limits and answers are those of https://developers.hubspot.com/docs/api-reference. When to retry is in `delivery.py`.
"""

import os
from collections.abc import Sequence
from urllib.parse import urlencode

import httpx

from data_contracts.contract import load
from orchestration.activation import wire
from orchestration.activation.destination import Capabilities, Held, Op, RowResult, Run, standard_canonical
from orchestration.activation.document import SyncDocument
from orchestration.activation.endpoint import check_endpoint
from orchestration.activation.errors import (
    AuthError,
    BatchRefusedError,
    MappingError,
    TransientError,
    UnavailableError,
    UnknownError,
)
from orchestration.settings import Settings

CAPABILITIES = Capabilities(
    objects=frozenset({"contacts"}),
    modes=frozenset({"upsert", "update_only", "mirror"}),
    exits=frozenset({"archive", "clear"}),
    match_by=frozenset({"id", "email"}),
    batch_size=100,
    reads=True,
)
canonical = standard_canonical
GROUP = "tessera"
# The smallest allowance of a private app is 100 requests in any 10 seconds; larger accounts raise the rate.
_RATE, _BURST = 8.0, 20
SANDBOXES = ("SANDBOX", "DEVELOPER_TEST")
_TYPES = {
    "string": ("string", "text"),
    "number": ("number", "number"),
    "integer": ("number", "number"),
    "date": ("date", "date"),
    "timestamp": ("datetime", "date"),
    "boolean": ("bool", "booleancheckbox"),
}
_YES_NO = [{"label": "Yes", "value": "true"}, {"label": "No", "value": "false"}]
_BUSY = (408, 423, 429, 502, 503, 504)
# The row is refused now but may pass in a moment: another write holds it.
_PASSING = ("RATE_LIMITS", "LOCKED", "SERVICE_UNAVAILABLE", "INTERNAL_ERROR")


class HubSpot:
    """A CRM account. Rows are matched by contact id, or created and matched by a unique property."""

    def __init__(self, base_url: str, token: str, sync: SyncDocument) -> None:
        self.endpoint, self.burst, self.parallel = base_url, _BURST, 1
        self.batch_size = CAPABILITIES.batch_size
        self.rate = float(os.environ.get("HUBSPOT_REQUESTS_PER_SECOND", _RATE))
        self._sync = sync
        self._client = httpx.Client(
            base_url=base_url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(30.0, connect=5.0),
            event_hooks=wire.HOOKS,
        )

    def prepare(self) -> None:
        """Make the properties of the contract that the account lacks; proves the token as well."""
        path = f"/crm/v3/properties/{self._sync.object}"
        there = {item["name"] for item in _listed(self._ask("GET", path))["results"]}
        columns = {column.name: column for column in load("hubspot", "destinations").table(self._sync.object).columns}
        missing = [rule.to for rule in self._sync.fields.values() if rule.to not in there]
        if missing:
            self._make_group(path)
        for name in missing:
            kind, field_type = _TYPES[columns[name].logical_type]
            label = name.removeprefix(f"{GROUP}_").replace("_", " ").capitalize()
            body = {"name": name, "label": f"Tessera: {label}", "description": columns[name].description,
                    "type": kind, "fieldType": field_type, "groupName": GROUP,
                    "options": _YES_NO if kind == "bool" else []}  # fmt: skip
            try:
                self._ask("POST", path, body)
            except BatchRefusedError as error:
                # 409: another sync made it since we looked.
                if error.status != 409:
                    raise MappingError(f"HubSpot refuses to make property {name}: {error}") from error

    def _make_group(self, path: str) -> None:
        try:
            self._ask("POST", f"{path}/groups", {"name": GROUP, "label": "Tessera", "displayOrder": -1})
        except BatchRefusedError as error:
            # 409: it is there. 404: an account that keeps no groups.
            if error.status not in (404, 409):
                raise MappingError(f"HubSpot refuses to make property group {GROUP}: {error}") from error

    def send(self, ops: Sequence[Op]) -> list[RowResult]:
        """One batch request. An update is the same however often it is sent; an upsert finds its row by property."""
        by_id = self._sync.match_by == "id"
        if ops[0].op == "exit" and self._sync.on_exit == "archive":
            self._ask("POST", self._batch("archive"), {"inputs": [{"id": op.dest_id or op.key} for op in ops]})
            return [RowResult(op.seq, "acknowledged", 204) for op in ops]
        creates = not by_id and self._sync.mode != "update_only" and ops[0].op != "exit"
        inputs = [self._input(op, by_id) for op in ops]
        response = self._ask("POST", self._batch("upsert" if creates else "update"), {"inputs": inputs})
        return self._answers(ops, response)

    def read(self, keys: Sequence[str], fields: Sequence[str]) -> list[Held]:
        """One batch read."""
        by = {} if self._sync.match_by == "id" else {"idProperty": self._sync.match_by}
        body = {"properties": self._properties(fields), "inputs": [{"id": key} for key in keys], **by}
        return self._held(_listed(self._ask("POST", self._batch("read"), body)), fields)

    def read_page(self, fields: Sequence[str], after: str | None) -> tuple[list[Held], str | None]:
        """100 records in the order of their ids."""
        query = {"limit": "100", "properties": ",".join(self._properties(fields))} | ({"after": after} if after else {})
        body = _listed(self._ask("GET", f"/crm/v3/objects/{self._sync.object}?{urlencode(query)}"))
        return self._held(body, fields), body.get("paging", {}).get("next", {}).get("after")

    def _properties(self, fields: Sequence[str]) -> list[str]:
        return [*fields, *([] if self._sync.match_by == "id" else [self._sync.match_by])]

    def _held(self, body: dict, fields: Sequence[str]) -> list[Held]:
        found = []
        for item in body["results"]:
            values = item["properties"]
            key = item["id"] if self._sync.match_by == "id" else (values.get(self._sync.match_by) or "").strip().lower()
            found.append(Held(key or None, item["id"], {name: values.get(name) for name in fields}))
        return found

    def _batch(self, operation: str) -> str:
        return f"/crm/v3/objects/{self._sync.object}/batch/{operation}"

    def _input(self, op: Op, by_id: bool) -> dict:
        target = {"id": op.key} if by_id else {"id": op.key, "idProperty": self._sync.match_by}
        return {**target, "properties": op.changes, "objectWriteTraceId": op.key}

    def _answers(self, ops: Sequence[Op], response: httpx.Response) -> list[RowResult]:
        """Row results of a 200, 201 or 207; a row that is in neither list is left out."""
        body = _listed(response)
        by_key = {op.key: op for op in ops}
        found: dict[int, RowResult] = {}
        for item in body["results"]:
            if op := by_key.get(item.get("objectWriteTraceId") or item["id"]):
                found[op.seq] = RowResult(op.seq, "acknowledged", response.status_code, dest_id=item["id"])
        for item in body.get("errors", []):
            context = item.get("context", {})
            keys = context.get("objectWriteTraceId") or context.get("ids") or context.get("id") or []
            for op in filter(None, map(by_key.get, keys)):
                found[op.seq] = _refused(op, item, response.status_code)
        return list(found.values())

    def _ask(self, method: str, path: str, body: dict | None = None) -> httpx.Response:
        """One request; every answer that is not a success becomes the error that says how to go on."""
        try:
            response = self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise TransientError(f"{type(error).__name__}: {error}") from error
        status = response.status_code
        if status < 300:
            return _readable(response)
        said = _said(response)
        code, message = said.get("category", f"HTTP_{status}"), f"HTTP {status} {said.get('message', '')}".strip()
        if status in (401, 403):
            raise AuthError(f"HubSpot at {self.endpoint} refuses us ({message}): check HUBSPOT_TOKEN and its scopes")
        if status in _BUSY:
            raise TransientError(message, status=status, retry_after=_seconds(response.headers.get("Retry-After")))
        if status >= 500:
            raise UnknownError(message, status=status)
        raise BatchRefusedError(code, message, status=status)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def _refused(op: Op, item: dict, status: int) -> RowResult:
    details = item.get("errors") or [{}]
    code, message = details[0].get("code") or item.get("category"), item.get("message")
    if item.get("category") in _PASSING:
        return RowResult(op.seq, "again", status, "transient", code, message)
    if op.op == "exit" and item.get("category") == "OBJECT_NOT_FOUND":
        return RowResult(op.seq, "acknowledged", status, None, code, "was gone already")
    return RowResult(op.seq, "rejected", status, "permanent", code, message)


def _readable(response: httpx.Response) -> httpx.Response:
    if response.status_code == 204:
        return response
    try:
        response.json()
    except ValueError as error:
        raise TransientError("the answer is not JSON", status=response.status_code) from error
    return response


def _listed(response: httpx.Response) -> dict:
    """The body of an answer that lists results; something before the API may answer 200 with a body of its own."""
    body = response.json()
    if not isinstance(body, dict) or not isinstance(body.get("results"), list):
        raise TransientError("the answer is not HubSpot's: it has no results", status=response.status_code)
    return body


def _said(response: httpx.Response) -> dict:
    try:
        body = response.json()
    except ValueError:
        return {"message": response.text[:200]}
    return body if isinstance(body, dict) else {}


def _seconds(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def connect(settings: Settings, sync: SyncDocument, run: Run) -> HubSpot:
    """The account that HUBSPOT_BASE_URL and HUBSPOT_TOKEN name.

    Raises AuthError without a token, PlanRefusedError for an account that this environment may not write to.
    """
    base_url = os.environ.get("HUBSPOT_BASE_URL", "https://api.hubapi.com").rstrip("/")
    token = os.environ.get("HUBSPOT_TOKEN")
    if not token:
        raise AuthError("HUBSPOT_TOKEN is not set: give the token of a private app that may write contacts")
    check_endpoint(settings, base_url, is_sandbox=lambda: account_type(base_url, token) in SANDBOXES)
    return HubSpot(base_url, token, sync)


def account_type(base_url: str, token: str) -> str:
    """What the account is: STANDARD, SANDBOX, DEVELOPER_TEST..."""
    try:
        response = httpx.get(f"{base_url}/account-info/v3/details", headers={"Authorization": f"Bearer {token}"})
    except httpx.HTTPError as error:
        raise UnavailableError(f"{base_url} does not answer ({error}): nothing was sent") from error
    if response.status_code in (401, 403):
        raise AuthError(f"HubSpot at {base_url} refuses us (HTTP {response.status_code}): check HUBSPOT_TOKEN")
    return str(_said(response).get("accountType", ""))

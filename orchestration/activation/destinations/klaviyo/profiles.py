"""Profiles row by row: what an import holds, which of its rows were refused, and who leaves a list."""

import re
from collections.abc import Sequence
from typing import Any

import orjson

from orchestration.activation.answers import body_of
from orchestration.activation.destination import Op, RowResult, Run
from orchestration.activation.destinations.klaviyo.account import Account
from orchestration.activation.document import SyncDocument
from orchestration.activation.errors import BatchRefusedError, MappingError, TransientError

# 150 imports a minute, 10 at once. An import takes 10,000 profiles and 5 MB.
_RATE, _BURST, A_JOB, _LARGEST = 2.5, 10, 10_000, 5_000_000
_MEMBERS_A_REQUEST = 1_000
# What a profile has of itself; every other field is a property that the account makes when it is first written.
_OWN = ("email", "phone_number", "external_id", "first_name", "last_name", "organization", "title", "locale", "image")
_LOCATION = ("address1", "address2", "city", "country", "region", "zip", "timezone", "latitude", "longitude")
_REMEDIES = {
    "invalid": "correct the value in the model",
    "duplicate_profile": "two profiles have these identifiers: merge them there",
}
_ROW = re.compile(r"/profiles/data/(\d+)\b")


class Klaviyo:
    """Profiles of an account, found by external id, e-mail or phone; or members of one of its lists."""

    def __init__(self, account: Account, sync: SyncDocument, run: Run) -> None:
        self.endpoint, self.rate, self.burst, self.parallel = account.endpoint, _RATE, _BURST, 1
        self.batch_size = A_JOB
        self._account, self._sync, self._kinds = account, sync, run.kinds
        self._list: str | None = None

    def prepare(self) -> None:
        """Find the list; wait for imports that are under way, which proves the key too."""
        if self._sync.match_by in {rule.to for rule in self._sync.fields.values()}:
            raise MappingError(f"rows are matched by {self._sync.match_by}, which `key` fills: leave it out of fields")
        if self._sync.object != "profiles":
            self._list = self._account.list_id(self._sync.object.removeprefix("list."))
        self._account.wait_for_imports()

    def send(self, ops: Sequence[Op]) -> list[RowResult]:
        """One import, the same however often it is sent; or who leaves the list."""
        if ops[0].op == "exit":
            return self._leave(ops)
        return self._import(ops)

    def _import(self, ops: Sequence[Op]) -> list[RowResult]:
        attributes = {"profiles": {"data": [{"type": "profile", "attributes": self._profile(op)} for op in ops]}}
        job: dict[str, Any] = {"type": "profile-bulk-import-job", "attributes": attributes}
        if self._list and ops[0].op != "exit":
            job["relationships"] = {"lists": {"data": [{"type": "list", "id": self._list}]}}
        body = orjson.dumps({"data": job})
        if len(body) > _LARGEST:
            raise BatchRefusedError("TOO_LARGE", "an import takes 5 MB")
        response = self._account.ask("POST", "/api/profile-bulk-import-jobs", content=body)
        name = body_of(response, "data")["data"]["id"]
        told = self._account.ended(name)
        if told["status"] != "complete":
            raise TransientError(f"import {name} was {told['status']}")
        refused = self._refused(name, ops) if told.get("failed_count") else {}
        if len(refused) < (told.get("failed_count") or 0):
            raise BatchRefusedError(
                "REFUSED", f"import {name} refused {told['failed_count']} rows without saying which"
            )
        return [refused.get(op.seq) or RowResult(op.seq, "acknowledged", response.status_code) for op in ops]

    def _refused(self, job: str, ops: Sequence[Op]) -> dict[int, RowResult]:
        by_key = {op.key: op for op in ops}
        found = {}
        for error in self._account.pages(f"/api/profile-bulk-import-jobs/{job}/import-errors"):
            told = error["attributes"]
            place = _ROW.search((told.get("source") or {}).get("pointer") or "")
            sent = told.get("original_payload") or {}
            key = sent.get("attributes", sent).get(self._sync.match_by)
            op = by_key.get(str(key)) or (ops[int(place[1])] if place and int(place[1]) < len(ops) else None)
            if op:
                code = str(told.get("code") or "REFUSED")
                message = ": ".join(filter(None, (told.get("detail"), _REMEDIES.get(code))))
                found[op.seq] = RowResult(op.seq, "rejected", 202, "permanent", code, message)
        return found

    def _leave(self, ops: Sequence[Op]) -> list[RowResult]:
        """Members leave the list; of those who leave the model our fields are emptied, if that is wanted."""
        found = self._account.profile_ids(self._sync.match_by, [op.key for op in ops])
        there = [op for op in ops if op.key in found]
        ids = [{"type": "profile", "id": found[op.key]} for op in there]
        for first in range(0, len(ids) if self._list else 0, _MEMBERS_A_REQUEST):
            some = orjson.dumps({"data": ids[first : first + _MEMBERS_A_REQUEST]})
            self._account.ask("DELETE", f"/api/lists/{self._list}/relationships/profiles", content=some)
        gone = [RowResult(op.seq, "acknowledged", 404, None, "NOT_FOUND", "was gone already")
                for op in ops if op.key not in found]  # fmt: skip
        if self._sync.on_exit == "clear" and there:
            return gone + self._import(there)
        return gone + [RowResult(op.seq, "acknowledged", 204, dest_id=found[op.key]) for op in there]

    def _profile(self, op: Op) -> dict[str, Any]:
        """A profile as it is written: what is not named stays, null empties."""
        profile: dict[str, Any] = {self._sync.match_by: op.key}
        for name, text in op.changes.items():
            value = _typed(self._kinds.get(name, ""), text)
            place = name.removeprefix("location_")
            if name in _OWN:
                profile[name] = value
            elif place in _LOCATION and place != name:
                profile.setdefault("location", {})[place] = value
            else:
                profile.setdefault("properties", {})[name] = value
        return profile

    def close(self) -> None:
        """Close the connections."""
        self._account.close()


def _typed(kind: str, text: str | None) -> Any:
    """A value as segments compare it: a number, a truth, or text."""
    kind = kind.lower()
    if not text:
        return None
    if kind == "boolean":
        return text == "true"
    if kind.endswith(("int", "integer")):
        return int(text)
    return float(text) if kind.startswith(("decimal", "double", "float", "real")) else text

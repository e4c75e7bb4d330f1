"""A Klaviyo account as far as we speak to it: import jobs, profiles by key, lists and who is on them.

Answers have the shapes of the API's documentation; `test_vendor_clients.py` has the vendor's client read them.
"""

import json
import re
from itertools import count

from tests.unit.activation.fake_api import Answer, FakeApi, Request

API_KEY = "pk_test"
_STANDARD = (
    "email",
    "phone_number",
    "external_id",
    "first_name",
    "last_name",
    "organization",
    "title",
    "locale",
    "image",
)
_ANY = re.compile(r"any\((\w+),(\[.*\])\)")
_CREATED = "2026-01-01T00:00:00+00:00"


class FakeAccount(FakeApi):
    """Profiles by id. `poison` is a value that no property may have; `page` is how much a listing shows at once."""

    def __init__(self) -> None:
        super().__init__()
        self.profiles: dict[str, dict] = {}
        self.lists = {"Y6nRLr": "VIP customers", "AbCdEf": "Everyone"}
        self.members: dict[str, set[str]] = {key: set() for key in self.lists}
        self.jobs: dict[str, dict] = {}
        self.poison: str | None = None
        self.page, self.job_waits = 100, 1
        self.is_test = False
        self._ids = count(1)

    def is_write(self, request: Request) -> bool:
        return request.method in ("POST", "DELETE", "PATCH")

    def too_busy(self) -> Answer:
        return Answer(429, _errors("throttled", "Request was throttled."), {"Retry-After": "0"})

    def answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Klaviyo-API-Key {API_KEY}":
            return Answer(401, _errors("not_authenticated", "Missing or invalid private key."))
        if not request.headers.get("revision"):
            return Answer(400, _errors("invalid", "A revision is required"))
        parts = request.path.strip("/").split("/")[1:]
        if parts[0] == "accounts":
            return Answer(200, {"data": [_resource("account", "A1", {"test_account": self.is_test})]})
        if parts[0] == "lists":
            return self._of_lists(request, parts[1:])
        if parts[0] == "profiles":
            return self._profiles(request)
        if parts[0] == "profile-bulk-import-jobs":
            return self._imports(request, parts[1:])
        return Answer(404, _errors("not_found", "Not found."))

    def _of_lists(self, request: Request, parts: list[str]) -> Answer:
        if not parts:
            attributes = {"created": _CREATED, "updated": _CREATED, "opt_in_process": "single_opt_in"}
            return self._paged(request, [_resource("list", key, {"name": name, **attributes})
                                         for key, name in self.lists.items()])  # fmt: skip
        ids = {one["id"] for one in request.body["data"]}
        if parts[0] not in self.lists or len(ids) > 1000:
            return Answer(404, _errors("not_found", "A list with id does not exist."))
        kept = self.members[parts[0]]
        self.members[parts[0]] = kept | ids if request.method == "POST" else kept - ids
        return Answer(204)

    def _profiles(self, request: Request) -> Answer:
        name, keys = _ANY.match(request.query["filter"]).groups()
        wanted = json.loads(keys)
        if len(wanted) > 100:
            return Answer(400, _errors("invalid", "at most 100 values"))
        found = [_resource("profile", key, {name: one[name]})
                 for key, one in self.profiles.items() if one.get(name) in wanted]  # fmt: skip
        return self._paged(request, found)

    def _paged(self, request: Request, rows: list[dict]) -> Answer:
        start = int(request.query.get("page[cursor]", 0))
        end = start + self.page
        following = f"{self.url}{request.path}?page[cursor]={end}" if end < len(rows) else None
        if following and "filter" in request.query:
            following += f"&filter={request.query['filter']}"
        return Answer(200, {"data": rows[start:end], "links": {"self": self.url, "next": following, "prev": None}})

    def _imports(self, request: Request, parts: list[str]) -> Answer:
        if request.method == "POST":
            return self._begin(request.body["data"])
        if not parts:
            wanted = json.loads(_ANY.match(request.query["filter"])[2])
            return self._paged(request, [self._told(key) for key, one in self.jobs.items() if one["status"] in wanted])
        job = self.jobs[parts[0]]
        if parts[1:] == ["import-errors"]:
            return self._paged(request, job["errors"])
        self._go_on(job)
        return Answer(200, {"data": self._told(parts[0])})

    def _begin(self, data: dict) -> Answer:
        profiles = [one["attributes"] for one in data["attributes"]["profiles"]["data"]]
        if len(profiles) > 10_000:
            return Answer(400, _errors("invalid", "at most 10000 profiles"))
        for place, one in enumerate(profiles):
            if one.get("email") and "@" not in one["email"]:
                pointer = f"/data/attributes/profiles/data/{place}/attributes/email"
                return Answer(400, _errors("invalid", "Invalid email address", pointer))
        lists = [one["id"] for one in data.get("relationships", {}).get("lists", {}).get("data", [])]
        key = f"job{next(self._ids)}"
        self.jobs[key] = {
            "status": "queued",
            "waits": self.job_waits,
            "profiles": profiles,
            "lists": lists,
            "errors": [],
        }
        return Answer(202, {"data": self._told(key)})

    def _go_on(self, job: dict) -> None:
        """A job is worked off while somebody waits for it."""
        if job["status"] == "complete":
            return
        job["waits"] -= 1
        job["status"] = "processing" if job["waits"] >= 0 else "complete"
        if job["status"] == "complete":
            for place, profile in enumerate(job["profiles"]):
                self._write(job, place, profile)

    def finish(self, job: dict) -> None:
        """What comes of a job that nobody waits for."""
        while job["status"] != "complete":
            self._go_on(job)

    def _write(self, job: dict, place: int, profile: dict) -> None:
        if self.poison and self.poison in (profile.get("properties") or {}).values():
            attributes = {
                "code": "invalid", "title": "Invalid input", "detail": "a property is invalid",
                "source": {"pointer": f"/data/attributes/profiles/data/{place}/attributes/properties"},
                "original_payload": profile,
            }  # fmt: skip
            job["errors"].append(_resource("import-error", str(next(self._ids)), attributes))
            return
        key = self._found(profile) or f"01{next(self._ids)}"
        held = self.profiles.setdefault(key, {"properties": {}, "location": {}})
        for name, value in profile.items():
            if name in ("properties", "location"):
                held[name] |= value
            else:
                held[name] = value
        for name in job["lists"]:
            self.members[name].add(key)

    def _found(self, profile: dict) -> str | None:
        for name in ("external_id", "email", "phone_number"):
            for key, one in self.profiles.items():
                if profile.get(name) and one.get(name) == profile[name]:
                    return key
        return None

    def _told(self, key: str) -> dict:
        job = self.jobs[key]
        is_complete = job["status"] == "complete"
        return _resource("profile-bulk-import-job", key, {
            "status": job["status"], "created_at": _CREATED, "total_count": len(job["profiles"]),
            "completed_count": (len(job["profiles"]) - len(job["errors"])) if is_complete else 0,
            "failed_count": len(job["errors"]), "completed_at": _CREATED if is_complete else None,
        })  # fmt: skip


def _resource(kind: str, key: str, attributes: dict) -> dict:
    return {"type": kind, "id": key, "attributes": attributes, "links": {"self": "https://a.klaviyo.com/"}}


def _errors(code: str, detail: str, pointer: str = "/data") -> dict:
    error = {"id": "e1", "status": 400, "code": code, "title": code, "detail": detail, "source": {"pointer": pointer}}
    return {"errors": [error]}

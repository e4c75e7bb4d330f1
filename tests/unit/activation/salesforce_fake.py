"""A Salesforce org as far as we speak to it: login, describe, collections, SOQL by external id, ingest jobs.

Answers have the shapes of the API's documentation; `test_vendor_clients.py` has the vendor's client read them.
"""

import csv
import io
import re
from dataclasses import dataclass, field
from itertools import count

from tests.unit.activation.fake_api import Answer, FakeApi, Request

TOKEN, CLIENT_ID, CLIENT_SECRET = "00D-session", "app", "app-secret"
_FIELDS = {
    "Tessera_Id__c": "string", "Tessera_Segments__c": "string", "Tessera_Lifetime_Value__c": "currency",
    "Tessera_Last_Purchase_Date__c": "date", "Tessera_Favourite_Department__c": "picklist",
    "Tessera_Is_Email_Consented__c": "boolean", "Email": "email", "LastName": "string", "FirstName": "string",
}  # fmt: skip
_IN = re.compile(r"(?i)select Id, (\w+) from (\w+) where \w+ in \((.*)\)$", re.DOTALL)


@dataclass
class Job:
    """An ingest job; `waits` counts how often it still says that it is under way."""

    id: str
    named: dict
    state: str = "Open"
    content: str = ""
    waits: int = 1
    good: list[dict] = field(default_factory=list)
    bad: list[dict] = field(default_factory=list)


class FakeOrg(FakeApi):
    """Records by id. `locked` names rows, by external id or id, that another write holds once."""

    def __init__(self) -> None:
        super().__init__()
        self.records: dict[str, dict] = {}
        self.jobs: dict[str, Job] = {}
        self.picklist: set[str] | None = None
        self.locked: set[str] = set()
        self.used, self.allowed = 0, 100_000
        self.is_sandbox_org = False
        self.sessions = {TOKEN}
        self.job_waits = 1
        self._ids = count(1)

    def is_write(self, request: Request) -> bool:
        return request.method != "GET" and ("/composite/" in request.path or request.path.endswith("/batches"))

    def too_busy(self) -> Answer:
        return _refused(503, "SERVER_UNAVAILABLE", "The server is unavailable")

    def answer(self, request: Request) -> Answer:
        if request.path == "/services/oauth2/token":
            return self._log_in(request.form)
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.sessions:
            return _refused(401, "INVALID_SESSION_ID", "Session expired or invalid")
        self.used += 1
        if self.used > self.allowed:
            return _refused(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        path = re.sub(r"^/services/data/v\d+\.\d", "", request.path)
        answer = self._route(request, path)
        usage = {"Sforce-Limit-Info": f"api-usage={self.used}/{self.allowed}; per-app-api-usage=1/250(appName=x)"}
        return Answer(answer.status, answer.content, usage)

    def _log_in(self, form: dict[str, str]) -> Answer:
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return Answer(400, {"error": "invalid_client", "error_description": "invalid client credentials"})
        self.sessions.add(token := f"session-{next(self._ids)}")
        return Answer(200, {"access_token": token, "instance_url": self.url, "token_type": "Bearer"})

    def _route(self, request: Request, path: str) -> Answer:
        if path.endswith("/describe"):
            fields = [{"name": name, "type": kind, "updateable": True, "externalId": name == "Tessera_Id__c"}
                      for name, kind in _FIELDS.items()]  # fmt: skip
            return Answer(200, {"fields": [{"name": "Id", "type": "id", "updateable": False}, *fields]})
        if path.rstrip("/") == "/query":
            return self._query(request.query["q"])
        if path.startswith("/composite/sobjects"):
            return self._collection(request, path)
        if path.startswith("/jobs/ingest"):
            return self._job(request, path.removeprefix("/jobs/ingest").strip("/"))
        return _refused(404, "NOT_FOUND", "The requested resource does not exist")

    def _query(self, statement: str) -> Answer:
        if "IsSandbox" in statement:
            records = [{"IsSandbox": self.is_sandbox_org}]
        else:
            name, _, keys = _IN.match(statement).groups()
            wanted = {key.replace("\\'", "'") for key in re.findall(r"'((?:[^'\\]|\\.)*)'", keys)}
            records = [{"Id": key, name: one[name]} for key, one in self.records.items() if one.get(name) in wanted]
        return Answer(200, {"totalSize": len(records), "done": True, "records": records})

    def _collection(self, request: Request, path: str) -> Answer:
        if request.method == "DELETE":
            ids = request.query["ids"].split(",")
            assert len(ids) <= 200
            return Answer(200, [_row(*self.remove(one)) for one in ids])
        records = request.body["records"]
        if len(records) > 200:
            return _refused(400, "LIMIT_EXCEEDED", "record limit reached. cannot submit more than 200 records")
        match = path.removeprefix("/composite/sobjects").strip("/").partition("/")[2] or "Id"
        unknown = {name for one in records for name in one} - {*_FIELDS, "Id", "id", "attributes"}
        if unknown:
            return _refused(400, "INVALID_FIELD", f"No such column '{min(unknown)}' on sobject of type Contact")
        values = [{name: value for name, value in one.items() if name != "attributes"} for one in records]
        return Answer(200, [_row(*self.write(match, one)) for one in values])

    def write(self, match: str, values: dict) -> tuple[str, str | None, str | None]:
        """Id, code and message of one row that is written by `match`."""
        values = dict(values)
        target = values.pop(match, None) or values.pop(match.lower(), None)
        if target in self.locked:
            self.locked.discard(target)
            return "", "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"
        found = target if match == "Id" else next((k for k, r in self.records.items() if r.get(match) == target), None)
        if match == "Id" and target not in self.records:
            return "", "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"
        record = {**self.records.get(found, {match: target}), **values}
        if code := self._refusal(found, record):
            return "", code, f"{code.replace('_', ' ').capitalize()}: [a field]"
        key = found or f"003{next(self._ids):015d}"
        self.records[key] = record
        return key, None, None

    def _refusal(self, found: str | None, record: dict) -> str | None:
        others = [one for key, one in self.records.items() if key != found]
        department = record.get("Tessera_Favourite_Department__c")
        rules = {
            "REQUIRED_FIELD_MISSING": not record.get("LastName"),
            "STRING_TOO_LONG": len(record.get("FirstName") or "") > 40,
            "INVALID_EMAIL_ADDRESS": "@" not in (record.get("Email") or "@"),
            "DUPLICATES_DETECTED": bool(record.get("Email")) and record["Email"] in [o.get("Email") for o in others],
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST":
                bool(department) and self.picklist is not None and department not in self.picklist,
        }  # fmt: skip
        return next((code for code, broken in rules.items() if broken), None)

    def remove(self, key: str) -> tuple[str, str | None, str | None]:
        """Id, code and message of one row that goes to the recycle bin."""
        if self.records.pop(key, None) is None:
            return "", "ENTITY_IS_DELETED", "entity is deleted"
        return key, None, None

    def _job(self, request: Request, path: str) -> Answer:
        name, _, part = path.partition("/")
        if not name:
            job = Job(f"750{next(self._ids):015d}", request.body, waits=self.job_waits)
            self.jobs[job.id] = job
            return Answer(200, _told(job))
        job = self.jobs.get(name)
        if job is None:
            return _refused(404, "NOT_FOUND", "The requested resource does not exist")
        if request.method == "PUT":
            job.content = request.content.decode()
            return Answer(201)
        if request.method == "PATCH":
            if job.state not in ("Open", "UploadComplete", "InProgress"):
                return _refused(400, "INVALIDJOBSTATE", f"Can't change job state from {job.state}")
            job.state = request.body["state"]
            return Answer(200, _told(job))
        if part:
            rows = {"successfulresults": job.good, "failedresults": job.bad}.get(part.strip("/").lower(), [])
            return Answer(200, _csv(rows))
        self._go_on(job)
        return Answer(200, _told(job))

    def _go_on(self, job: Job) -> None:
        """A job is worked off while somebody waits for it."""
        if job.state not in ("UploadComplete", "InProgress"):
            return
        job.state, job.waits = ("InProgress", job.waits - 1) if job.waits else ("JobComplete", 0)
        if job.state == "InProgress":
            return
        match = job.named.get("externalIdFieldName", "Id")
        for row in csv.DictReader(io.StringIO(job.content)):
            if job.named["operation"] == "delete":
                key, code, message = self.remove(row["Id"])
            else:
                given = {name: None if text == "#N/A" else _typed(name, text) for name, text in row.items() if text}
                key, code, message = self.write(match, given)
            if code:
                job.bad.append({"sf__Id": key, "sf__Error": f"{code}:{message}:--", **row})
            else:
                job.good.append({"sf__Id": key, "sf__Created": "true", **row})


def _typed(name: str, text: str) -> object:
    kind = _FIELDS.get(name)
    return float(text) if kind == "currency" else text == "true" if kind == "boolean" else text


def _row(key: str, code: str | None, message: str | None) -> dict:
    if code is None:
        return {"id": key, "success": True, "errors": []}
    return {"success": False, "errors": [{"statusCode": code, "message": message, "fields": []}]}


def _told(job: Job) -> dict:
    counts = {"numberRecordsProcessed": len(job.good) + len(job.bad), "numberRecordsFailed": len(job.bad)}
    return {"id": job.id, "state": job.state, **job.named, **counts}


def _csv(rows: list[dict]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]) if rows else ["sf__Id"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def _refused(status: int, code: str, message: str) -> Answer:
    return Answer(status, [{"errorCode": code, "message": message}])

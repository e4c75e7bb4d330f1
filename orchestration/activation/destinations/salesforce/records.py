"""Contacts and leads, row by row: which record a row is, what is written of it, what each answer says."""

from collections.abc import Sequence
from typing import Any

from orchestration.activation.answers import body_of
from orchestration.activation.destination import Op, RowResult, Run
from orchestration.activation.destinations.salesforce.codes import judged
from orchestration.activation.destinations.salesforce.jobs import Jobs
from orchestration.activation.destinations.salesforce.org import Org
from orchestration.activation.document import SyncDocument
from orchestration.activation.errors import MappingError, TransientError

EXTERNAL_ID = "tessera_id__c"
_OBJECTS = {"contacts": "Contact", "leads": "Lead"}
# An org has no limit a second; 25 long requests at a time are its own. One after another is far from both.
_RATE, _BURST = 20.0, 20
A_REQUEST = 200
MANY = 2_000
A_JOB = 10_000
_IDS_A_QUERY = 100
_NUMBERS = ("double", "currency", "percent")


class Salesforce:
    """One object of an org. Rows are found by record id or by the external id `Tessera_Id__c`."""

    def __init__(self, org: Org, jobs: Jobs, sync: SyncDocument, run: Run) -> None:
        self.endpoint, self.rate, self.burst, self.parallel = org.endpoint, _RATE, _BURST, 1
        self.batch_size = A_JOB if run.rows > MANY else A_REQUEST
        self._org, self._jobs, self._sync = org, jobs, sync
        self._object = _OBJECTS[sync.object]
        self._fields: dict[str, dict] = {}

    def prepare(self) -> None:
        """Learn the object's fields: a document names them in lower case, and our user may lack some."""
        described = body_of(self._org.ask("GET", f"/sobjects/{self._object}/describe"), "fields")
        self._fields = {field["name"].lower(): field for field in described["fields"]}
        wanted = {rule.to for rule in self._sync.fields.values()}
        wrong = sorted(name for name in wanted if not self._fields.get(name, {}).get("updateable"))
        if wrong:
            raise MappingError(
                f"{self._object} at {self.endpoint} has no {', '.join(wrong)} that our user may edit: make the field "
                "in the org's Setup and give it to the user's permission set"
            )
        if self._sync.match_by == EXTERNAL_ID:
            if not self._fields.get(EXTERNAL_ID, {}).get("externalId"):
                raise MappingError(
                    f"{self._object} at {self.endpoint} has no external id Tessera_Id__c: make a text field of that "
                    "name, unique and external id"
                )
            if EXTERNAL_ID in wanted:
                raise MappingError(f"rows are matched by {EXTERNAL_ID}, which `key` fills: leave it out of fields")

    def send(self, ops: Sequence[Op]) -> list[RowResult]:
        """One request, or one job when there are more rows; an upsert is the same however often it is sent."""
        by_external = self._sync.match_by == EXTERNAL_ID
        if by_external and self._sync.mode != "update_only" and ops[0].op != "exit":
            return self._write(ops, {op.seq: op.key for op in ops}, EXTERNAL_ID)
        found = self._ids(ops) if by_external else {op.seq: op.key for op in ops}
        there = [op for op in ops if op.seq in found]
        missing = [
            judged(op, 404, "NOT_FOUND", f"no record has Tessera_Id__c {op.key}") for op in ops if op not in there
        ]
        return missing + (self._write(there, found, "id") if there else [])

    def _ids(self, ops: Sequence[Op]) -> dict[int, str]:
        """Record ids by row: what an earlier answer said, else what the org says."""
        found = {op.seq: op.dest_id for op in ops if op.dest_id}
        unknown = [op for op in ops if not op.dest_id]
        name = self._fields[EXTERNAL_ID]["name"]
        for first in range(0, len(unknown), _IDS_A_QUERY):
            some = unknown[first : first + _IDS_A_QUERY]
            keys = ", ".join(_literal(op.key) for op in some)
            rows = self._org.query(f"select Id, {name} from {self._object} where {name} in ({keys})")
            ids = {row[name]: row["Id"] for row in rows}
            found |= {op.seq: ids[op.key] for op in some if op.key in ids}
        return found

    def _write(self, ops: Sequence[Op], targets: dict[int, str], match: str) -> list[RowResult]:
        is_delete = ops[0].op == "exit" and self._sync.on_exit == "delete"
        if len(ops) > A_REQUEST:
            return self._in_bulk(ops, targets, match, is_delete)
        if is_delete:
            ids = ",".join(targets[op.seq] for op in ops)
            response = self._org.ask("DELETE", "/composite/sobjects", params={"ids": ids, "allOrNone": "false"})
        else:
            name = self._fields[match]["name"]
            records = [{"attributes": {"type": self._object}, name: targets[op.seq], **self._values(op)} for op in ops]
            path = "/composite/sobjects" + (f"/{self._object}/{name}" if match != "id" else "")
            response = self._org.ask("PATCH", path, json={"allOrNone": False, "records": records})
        answers = body_of(response)
        if not isinstance(answers, list) or len(answers) != len(ops):
            raise TransientError("the answer is not Salesforce's: it has not one result a row")
        return [_answered(op, response.status_code, one) for op, one in zip(ops, answers, strict=True)]

    def _in_bulk(self, ops: Sequence[Op], targets: dict[int, str], match: str, is_delete: bool) -> list[RowResult]:
        name = self._fields[match]["name"]
        columns = [] if is_delete else sorted({field for op in ops for field in op.changes})
        # An empty cell leaves a field as it is, so rows with other changes fit into one file.
        rows = [[targets[op.seq], *(self._cell(field, op.changes) for field in columns)] for op in ops]
        header = [name, *(self._fields[field]["name"] for field in columns)]
        operation = "delete" if is_delete else "update" if match == "id" else "upsert"
        by_target = {targets[op.seq]: op for op in ops}
        results = self._jobs.run(self._object, operation, name, header, rows)
        return [judged(by_target[key], 200, *rest) for key, *rest in results if key in by_target]

    def _values(self, op: Op) -> dict[str, Any]:
        return {
            self._fields[name]["name"]: _value(self._fields[name]["type"], text) for name, text in op.changes.items()
        }

    def _cell(self, field: str, changes: dict[str, str | None]) -> str:
        if field not in changes:
            return ""
        return changes[field] or ("false" if self._fields[field]["type"] == "boolean" else "#N/A")

    def close(self) -> None:
        """Close the connections."""
        self._org.close()


def _answered(op: Op, status: int, answer: dict) -> RowResult:
    first = (answer.get("errors") or [{}])[0]
    code = None if answer.get("success") else first.get("statusCode") or "UNKNOWN"
    return judged(op, status, code, str(first.get("message") or ""), answer.get("id"))


def _value(kind: str, text: str | None) -> Any:
    """A value as the field's type has it; a checkbox is never empty."""
    if kind == "boolean":
        return text == "true"
    if not text:
        return None
    if kind == "int":
        return int(text)
    return float(text) if kind in _NUMBERS else text


def _literal(key: str) -> str:
    return "'" + key.replace("\\", "\\\\").replace("'", "\\'") + "'"

"""Jobs of the Bulk API 2.0: upload, close, wait, fetch what became of each row. What a row holds is not known here.

A job goes on when we are gone, and may write after a later one what is no longer so. So its id is noted before it is
started: the same rows take up the same job, and other rows first stop the one that is left.
"""

import csv
import hashlib
import io
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestration.activation.answers import body_of
from orchestration.activation.destinations.salesforce.org import Org
from orchestration.activation.errors import BatchRefusedError, MappingError, TransientError, UnavailableError

_FIRST_WAIT, _LONGEST_WAIT, _LONGEST_JOB = 0.2, 10.0, 3600.0
_ENDED = ("JobComplete", "Failed", "Aborted")
# What became of one row: its target, the code of its error or None, a message, the record's id.
Became = tuple[str, str | None, str, str | None]


class Jobs:
    """One job at a time; `note` is the file that says which."""

    def __init__(self, org: Org, note: Path) -> None:
        self._org, self._note = org, note

    def run(
        self, object_name: str, operation: str, match: str, header: Sequence[str], rows: Sequence[Sequence[str]]
    ) -> list[Became]:
        """What became of the rows; one that was not processed is left out. The first column is the target."""
        file = io.StringIO()
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
        content = file.getvalue().encode()
        named = {"object": object_name, "operation": operation, "contentType": "CSV", "lineEnding": "LF"}
        if operation == "upsert":
            named["externalIdFieldName"] = match
        digest = hashlib.sha256(json.dumps(named).encode() + content).hexdigest()
        job = self._left_over(digest) or self._started(named, content, digest)
        state = self._waited_for(job)
        results = list(self._results(job, header[0]))
        self._note.unlink(missing_ok=True)
        if state["state"] == "Aborted":
            raise UnavailableError(f"somebody stopped job {job} in {self._org.endpoint}: run the sync again")
        if state["state"] == "Failed" and not results:
            raise _failed(job, str(state.get("errorMessage") or ""))
        return results

    def _started(self, named: dict, content: bytes, digest: str) -> str:
        job = body_of(self._org.ask("POST", "/jobs/ingest", json=named), "id")["id"]
        self._note.parent.mkdir(parents=True, exist_ok=True)
        self._note.write_text(json.dumps({"job": job, "digest": digest, "org": self._org.endpoint}), encoding="utf-8")
        self._org.ask("PUT", f"/jobs/ingest/{job}/batches", content=content, headers={"Content-Type": "text/csv"})
        self._org.ask("PATCH", f"/jobs/ingest/{job}", json={"state": "UploadComplete"})
        return job

    def _left_over(self, digest: str) -> str | None:
        """The job that was left with the same rows; one that is left with others is stopped."""
        if not self._note.exists():
            return None
        left = json.loads(self._note.read_text(encoding="utf-8"))
        job = left["job"] if left["org"] == self._org.endpoint else None
        state = self._state(job)
        if state and state not in ("Open", "Aborted") and left["digest"] == digest:
            return job
        if state and state not in _ENDED:
            self._stop(job)
        self._note.unlink()
        return None

    def _state(self, job: str | None) -> str | None:
        try:
            return body_of(self._org.ask("GET", f"/jobs/ingest/{job}"), "state")["state"] if job else None
        except MappingError:
            # Jobs are forgotten after a week.
            return None

    def _stop(self, job: str) -> None:
        try:
            self._org.ask("PATCH", f"/jobs/ingest/{job}", json={"state": "Aborted"})
        except BatchRefusedError:
            # It ended since we looked.
            self._waited_for(job)

    def _waited_for(self, job: str) -> dict:
        wait, until = _FIRST_WAIT, time.monotonic() + _LONGEST_JOB
        while True:
            told = body_of(self._org.ask("GET", f"/jobs/ingest/{job}"), "state")
            if told["state"] in _ENDED:
                return told
            if time.monotonic() > until:
                raise UnavailableError(
                    f"job {job} in {self._org.endpoint} takes more than an hour: the next run takes it up"
                )
            time.sleep(wait)
            wait = min(wait * 1.5, _LONGEST_WAIT)

    def _results(self, job: str, target: str) -> Iterator[Became]:
        for row in self._rows(job, "successfulResults"):
            yield row[target], None, "", row["sf__Id"]
        for row in self._rows(job, "failedResults"):
            code, _, message = row["sf__Error"].partition(":")
            yield row[target], code, message, None

    def _rows(self, job: str, kind: str) -> list[dict[str, str]]:
        response = self._org.ask("GET", f"/jobs/ingest/{job}/{kind}", headers={"Accept": "text/csv"})
        rows = csv.DictReader(io.StringIO(response.content.decode("utf-8")))
        try:
            return list(rows)
        except csv.Error as error:
            raise TransientError(f"the results of job {job} are not readable: {error}") from error


def _failed(job: str, why: str) -> Exception:
    if "field name not found" in why.lower() or "InvalidBatch" in why:
        return MappingError(
            f"Salesforce cannot take job {job} ({why}): correct the document, or give our user the field"
        )
    return BatchRefusedError("JOB_FAILED", f"job {job}: {why}")

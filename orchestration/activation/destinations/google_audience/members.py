"""Who is on a list: what a person is known by, and the job that puts people in and takes them out."""

import logging
from collections.abc import Sequence
from typing import Any

from orchestration.activation import identifiers
from orchestration.activation.destination import Op, RowResult
from orchestration.activation.destinations.google_audience.account import Account
from orchestration.activation.document import SyncDocument
from orchestration.activation.errors import MappingError

# Of people; a request takes 100,000 identifiers, and a changed row is two people of at most three each.
A_JOB = 10_000
KNOWN_BY = ("email", "phone", "first_name", "last_name", "country", "postal_code")
_RATE, _BURST = 1.0, 5
_log = logging.getLogger(__name__)


class GoogleAudience:
    """One list of customers."""

    def __init__(self, account: Account, list_id: str, sync: SyncDocument) -> None:
        self.endpoint, self.rate, self.burst, self.parallel = account.endpoint, _RATE, _BURST, 1
        self.batch_size = A_JOB
        self._account, self._agreed = account, not sync.consent.not_needed
        self._name = f"customers/{account.customer}/userLists/{list_id}"

    def prepare(self) -> None:
        """Whether the list is there and takes what we send; says its size and the share that Google finds."""
        query = (
            "SELECT user_list.size_for_search, user_list.match_rate_percentage, user_list.read_only FROM user_list "
            f"WHERE user_list.resource_name = '{self._name}'"
        )
        found = self._account.found(query)
        if not found or found[0]["userList"].get("readOnly"):
            raise MappingError(
                f"there is no list {self._name} that we may write: the object is list_ and the number of a Customer "
                "Match list"
            )
        told = found[0]["userList"]
        _log.info("%s: about %s people, Google finds %s %% of what it is given", self._name,
                  told.get("sizeForSearch", 0), told.get("matchRatePercentage", "?"))  # fmt: skip
        self._look_at_earlier_jobs()

    def _look_at_earlier_jobs(self) -> None:
        """A job fails long after its rows were acknowledged."""
        query = (
            "SELECT offline_user_data_job.id, offline_user_data_job.failure_reason FROM offline_user_data_job "
            "WHERE offline_user_data_job.status = 'FAILED' "
            f"AND offline_user_data_job.customer_match_user_list_metadata.user_list = '{self._name}'"
        )
        for row in self._account.found(query):
            job = row["offlineUserDataJob"]
            _log.warning("%s: Google gave up job %s (%s): its people are not what we sent", self._name, job["id"],
                         job.get("failureReason", "no reason"))  # fmt: skip

    def send(self, ops: Sequence[Op]) -> list[RowResult]:
        """One job, the same however often it is sent: what was sent before goes out, what is to be there comes in."""
        operations, senders = [], []
        nobody = []
        for op in ops:
            before, after = _known_by(op.before or {}), _known_by(op.changes)
            if op.op != "insert" and before:
                operations.append({"remove": {"userIdentifiers": before}})
                senders.append(op)
            if op.op != "exit" and after:
                operations.append({"create": {"userIdentifiers": after}})
                senders.append(op)
            elif op.op != "exit":
                nobody.append(op)
        refused = self._run(operations, senders) if operations else {}
        reason = "nothing that Google could know the person by: fill email, phone, or name with country and postal code"
        refused |= {op.seq: RowResult(op.seq, "rejected", None, "permanent", "NO_IDENTIFIER", reason) for op in nobody}
        return [refused.get(op.seq) or RowResult(op.seq, "acknowledged", 200) for op in ops]

    def _run(self, operations: list[dict], senders: list[Op]) -> dict[int, RowResult]:
        metadata: dict[str, Any] = {"userList": self._name}
        if self._agreed:
            metadata["consent"] = {"adUserData": "GRANTED", "adPersonalization": "GRANTED"}
        job = {"type": "CUSTOMER_MATCH_USER_LIST", "customerMatchUserListMetadata": metadata}
        path = f"/customers/{self._account.customer}/offlineUserDataJobs"
        name = self._account.ask(f"{path}:create", {"job": job})["resourceName"]
        added = self._account.ask(f"/{name}:addOperations", {"operations": operations, "enablePartialFailure": True})
        refused = _refused(added.get("partialFailureError") or {}, senders)
        self._account.ask(f"/{name}:run", {})
        return refused

    def close(self) -> None:
        """Close the connections."""
        self._account.close()


def _known_by(values: dict[str, str | None]) -> list[dict]:
    """Identifiers as Google has them; a name counts only with country and postal code, which are not hashed."""
    given = {name: text for name, text in values.items() if text}
    found: list[dict] = []
    if written := identifiers.email_without_dots(given.get("email", "")):
        found.append({"hashedEmail": identifiers.digest(written)})
    if written := identifiers.phone_with_plus(given.get("phone", "")):
        found.append({"hashedPhoneNumber": identifiers.digest(written)})
    first, last = (identifiers.trimmed(given.get(name, "")) for name in ("first_name", "last_name"))
    country, postal = identifiers.country(given.get("country", "")), given.get("postal_code")
    if first and last and country and postal:
        found.append({"addressInfo": {"hashedFirstName": identifiers.digest(first),
                                      "hashedLastName": identifiers.digest(last),
                                      "countryCode": country.upper(), "postalCode": postal}})  # fmt: skip
    return found


def _refused(error: dict, senders: list[Op]) -> dict[int, RowResult]:
    """Rows of a partial failure, which names the place of each operation it is about."""
    found = {}
    for one in [one for detail in error.get("details", []) for one in detail.get("errors", [])]:
        places = [part.get("index", 0) for part in one.get("location", {}).get("fieldPathElements", [])
                  if part.get("fieldName") == "operations"]  # fmt: skip
        code = next(iter(one.get("errorCode", {}).values()), "REFUSED")
        for op in [senders[int(place)] for place in places if int(place) < len(senders)]:
            found[op.seq] = RowResult(op.seq, "rejected", 200, "permanent", code, one.get("message"))
    return found

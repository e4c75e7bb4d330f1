"""Custom Audiences of Meta: people are added and removed by what they are known by, hashed.

Limits and answers are those of https://developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences.
"""

import json
import logging
import os
import re
import secrets
from collections.abc import Callable, Sequence

import httpx

from orchestration.activation import identifiers, wire
from orchestration.activation.answers import BUSY, asked, body_of, failure, said
from orchestration.activation.destination import Capabilities, Op, RowResult, Run, standard_canonical
from orchestration.activation.document import SyncDocument
from orchestration.activation.endpoint import check_endpoint
from orchestration.activation.errors import AuthError, BatchRefusedError, MappingError, TransientError
from orchestration.settings import Settings

A_BATCH = 10_000
CAPABILITIES = Capabilities(
    objects=None, modes=frozenset({"audience"}), match_by=frozenset({"id"}), any_field=True, batch_size=A_BATCH
)
canonical = standard_canonical
_log = logging.getLogger(__name__)
_VERSION = "v24.0"
_RATE, _BURST = 2.0, 5
_AUDIENCE = re.compile(r"audience_(\d+)")
# Codes of https://developers.facebook.com/docs/marketing-api/error-reference: too much at a time, or theirs.
_LATER = (1, 2, 4, 17, 32, 613, 2650, 80003, 80004)
_LONGEST_WAIT = 3600.0

Form = Callable[[str], str | None]
# What Meta calls an identifier, and how it is written before it is hashed.
KNOWN_BY: dict[str, list[tuple[str, Form]]] = {
    "email": [("EMAIL", identifiers.email)],
    "phone": [("PHONE", identifiers.phone)],
    "first_name": [("FN", identifiers.letters)],
    "last_name": [("LN", identifiers.letters)],
    "city": [("CT", identifiers.letters)],
    "region": [("ST", identifiers.letters)],
    "postal_code": [("ZIP", identifiers.postal_code)],
    "country": [("COUNTRY", identifiers.country)],
    "gender": [("GEN", identifiers.gender)],
    "birth_date": [("DOBY", identifiers.part_of_date(0, 4)), ("DOBM", identifiers.part_of_date(5, 7)),
                   ("DOBD", identifiers.part_of_date(8, 10))],
    "mobile_id": [("MADID", identifiers.trimmed)],
    "external_id": [("EXTERN_ID", str)],
}  # fmt: skip
_PLAIN = ("MADID", "EXTERN_ID")


class MetaAudience:
    """One audience. What somebody is known by may be many things, each a column of what is sent."""

    def __init__(self, base_url: str, token: str, audience: str, sync: SyncDocument) -> None:
        self.endpoint, self.rate, self.burst, self.parallel = base_url, _RATE, _BURST, 1
        self.batch_size = A_BATCH
        self._audience = audience
        fields = [rule.to for rule in sync.fields.values()]
        self._columns = [(name, key, form) for name in fields for key, form in KNOWN_BY[name]]
        self._client = httpx.Client(
            base_url=f"{base_url}/{os.environ.get('META_API_VERSION', _VERSION)}",
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(120.0, connect=5.0),
            event_hooks=wire.HOOKS,
        )

    def prepare(self) -> None:
        """Whether the audience is there and ours; says how many people Meta found of what it holds."""
        fields = "name,operation_status,approximate_count_lower_bound,approximate_count_upper_bound"
        told = body_of(self._ask("GET", f"/{self._audience}", params={"fields": fields}), "id")
        low, high = (told.get(f"approximate_count_{end}_bound", -1) for end in ("lower", "upper"))
        if low >= 0:
            _log.info("Meta finds %d to %d people in audience %s", low, high, self._audience)

    def send(self, ops: Sequence[Op]) -> list[RowResult]:
        """Take out what was sent before, put in what is to be there; both are the same however often they are sent."""
        before = {op.seq: self._hashed(op.before or {}) for op in ops if op.op != "insert"}
        after = {op.seq: self._hashed(op.changes) for op in ops if op.op != "exit"}
        nobody = [op for op in ops if op.seq in after and not self._is_somebody(after[op.seq])]
        unknown = {op.seq for op in nobody}
        self._bring("DELETE", [row for row in before.values() if self._is_somebody(row)])
        self._bring("POST", [row for seq, row in after.items() if seq not in unknown])
        results = [RowResult(op.seq, "acknowledged", 200) for op in ops if op.seq not in unknown]
        reason = "nothing that Meta could know the person by: fill email, phone or mobile_id in the model"
        return results + [RowResult(op.seq, "rejected", None, "permanent", "NO_IDENTIFIER", reason) for op in nobody]

    def _hashed(self, values: dict[str, str | None]) -> list[str]:
        """A row as it is sent; empty where it says nothing."""
        texts = ((key, form(values.get(name) or "")) for name, key, form in self._columns)
        return [(text if key in _PLAIN else identifiers.digest(text)) if text else "" for key, text in texts]

    def _is_somebody(self, row: list[str]) -> bool:
        return any(text for text, (_, key, _) in zip(row, self._columns, strict=True) if key != "EXTERN_ID")

    def _bring(self, method: str, rows: list[list[str]]) -> None:
        if not rows:
            return
        session = {"session_id": secrets.randbits(62), "batch_seq": 1, "last_batch_flag": True,
                   "estimated_num_total": len(rows)}  # fmt: skip
        payload = {"schema": [key for _, key, _ in self._columns], "data": rows}
        form = {"payload": json.dumps(payload), "session": json.dumps(session)}
        told = body_of(self._ask(method, f"/{self._audience}/users", data=form), "num_received")
        if told.get("num_invalid_entries"):
            raise BatchRefusedError(
                "INVALID_ENTRIES", f"Meta cannot read {told['num_invalid_entries']} of {told['num_received']} rows"
            )

    def _ask(self, method: str, path: str, **content: object) -> httpx.Response:
        """One request; an answer that is no success becomes the error that says how to go on."""
        response = asked(self._client, method, path, **content)
        if response.is_success:
            return response
        error = (said(response) or {}).get("error") or {}
        code, message = error.get("code", 0), str(error.get("message") or response.text[:200])
        if code in _LATER or error.get("is_transient") or response.status_code in BUSY:
            raise TransientError(f"{code} {message}", status=response.status_code, retry_after=_wait(response))
        if code in (10, 102, 190, 294) or code in range(200, 300) or response.status_code in (401, 403):
            raise AuthError(
                f"Meta refuses us ({code} {message}): check META_ACCESS_TOKEN, its ads_management permission, and that "
                "the terms of Custom Audiences are accepted"
            )
        if method == "GET" or response.status_code == 404 or error.get("error_subcode") == 33:
            raise MappingError(f"Meta has no audience {self._audience} of ours ({code} {message}): correct the object")
        raise failure(response, str(code or f"HTTP_{response.status_code}"), message)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _wait(response: httpx.Response) -> float | None:
    """Seconds until Meta takes more of us, if it says so."""
    try:
        usage = json.loads(response.headers.get("X-Business-Use-Case-Usage", "{}"))
        minutes = [one.get("estimated_time_to_regain_access", 0) for some in usage.values() for one in some]
    except (ValueError, AttributeError, TypeError):
        return None
    return max(minutes, default=0) * 60.0 or None


def connect(settings: Settings, sync: SyncDocument, run: Run) -> MetaAudience:
    """The audience that the document names, by META_ACCESS_TOKEN.

    Raises AuthError without it, MappingError for an object or a field that is none, PlanRefusedError outside prod.
    """
    token = os.environ.get("META_ACCESS_TOKEN", "").strip()
    if not token:
        raise AuthError("META_ACCESS_TOKEN is not set: give the token of a system user with ads_management")
    named = _AUDIENCE.fullmatch(sync.object)
    if not named:
        raise MappingError(f"'{sync.object}' is no audience of Meta: give audience_ and its number")
    unknown = sorted({rule.to for rule in sync.fields.values()} - KNOWN_BY.keys())
    if unknown:
        raise MappingError(f"Meta knows nobody by {', '.join(unknown)}: map to {', '.join(KNOWN_BY)}")
    base_url = os.environ.get("META_BASE_URL", "https://graph.facebook.com").rstrip("/")
    # There is no account for trying that could be asked, so whoever gives the token says so.
    check_endpoint(settings, base_url, is_sandbox=lambda: os.environ.get("META_SANDBOX", "").lower() == "true")
    return MetaAudience(base_url, token, named[1], sync)

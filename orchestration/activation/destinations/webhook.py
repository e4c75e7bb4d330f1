"""An endpoint of the user's own: signed JSON by POST, as https://www.standardwebhooks.com has it.

Signed are id, time and body; a batch that is sent again has the same id, so that the receiver takes it once. When to
send again is in `delivery.py`.
"""

import base64
import binascii
import hashlib
import hmac
import os
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from orchestration.activation import wire
from orchestration.activation.destination import Capabilities, Op, RowResult, Run, standard_canonical
from orchestration.activation.document import SyncDocument
from orchestration.activation.endpoint import check_endpoint
from orchestration.activation.errors import (
    AuthError,
    BatchRefusedError,
    MappingError,
    SyncStoppedError,
    TransientError,
    UnknownError,
)
from orchestration.settings import Settings

CAPABILITIES = Capabilities(
    objects=None,
    modes=frozenset({"upsert", "insert_only", "mirror", "append"}),
    exits=frozenset({"delete"}),
    any_field=True,
    batch_size=100,
)
canonical = standard_canonical
# The endpoint is the user's own; when it is too much for it, it says so by 429.
_RATE, _BURST, PARALLEL = 1000.0, 100, 8
_BUSY = (408, 425, 429, 502, 503, 504)
# The address is wrong for every row alike: not found, no POST, no JSON there, or somewhere else.
_WRONG_ADDRESS = (301, 302, 303, 307, 308, 404, 405, 406, 415)
_SECRET_BYTES = range(24, 65)
_WHOLE = ("tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger")
# A reader of JSON may keep numbers as doubles, which hold no larger whole number.
_LARGEST_WHOLE = 2**53


class Webhook:
    """One endpoint; any answer below 300 acknowledges a batch."""

    def __init__(self, url: str, secrets: list[bytes], sync: SyncDocument, run: Run) -> None:
        self.endpoint = _origin(url)
        self.rate, self.burst = _number("WEBHOOK_REQUESTS_PER_SECOND", _RATE), _BURST
        self.batch_size = min(int(_number("WEBHOOK_BATCH_SIZE", CAPABILITIES.batch_size)), CAPABILITIES.batch_size)
        self.parallel = int(_number("WEBHOOK_PARALLEL", PARALLEL))
        self._url, self._secrets, self._sync, self._run = url, secrets, sync, run
        self._values = {name: _reader(kind) for name, kind in run.kinds.items()}
        self._client = httpx.Client(
            headers={"Content-Type": "application/json", "User-Agent": "tessera"},
            timeout=httpx.Timeout(20.0, connect=5.0),
            event_hooks=wire.HOOKS,
        )

    def prepare(self) -> None:
        """There is nothing to ask for: the first batch shows what the endpoint says."""

    def send(self, ops: Sequence[Op]) -> list[RowResult]:
        """One batch, one request, one kind of event."""
        body = self._body(ops)
        message_id = f"msg_{self._digest(ops)}"
        sent_at = int(time.time())
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": str(sent_at),
            "webhook-signature": " ".join(signature(secret, message_id, sent_at, body) for secret in self._secrets),
        }
        try:
            response = self._client.post(self._url, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise TransientError(f"{type(error).__name__}: {error}") from error
        self._judge(response)
        return [RowResult(op.seq, "acknowledged", response.status_code) for op in ops]

    def _body(self, ops: Sequence[Op]) -> bytes:
        event = "removed" if ops[0].op == "exit" else "appended" if self._sync.mode == "append" else "upserted"
        rows = [
            {"key": op.key, "op": op.op, "fields": {name: self._value(name, text) for name, text in op.changes.items()}}
            for op in ops
        ]
        return orjson.dumps(
            {
                "type": f"{self._sync.object}.{event}",
                "timestamp": f"{self._run.planned_at:%Y-%m-%dT%H:%M:%SZ}",
                "data": rows,
            }
        )

    def _value(self, name: str, text: str | None) -> Any:
        return self._values[name](text) if text else None

    def _digest(self, ops: Sequence[Op]) -> str:
        """The same for the same rows of the same run, resumed or not; another for any other."""
        named = f"{self._sync.name} {self._run.run_id} {' '.join(str(op.seq) for op in ops)}"
        return hashlib.sha256(named.encode()).hexdigest()[:32]

    def _judge(self, response: httpx.Response) -> None:
        """Nothing for an acknowledgement; every other answer is the error that says how to go on."""
        status = response.status_code
        if status < 300:
            return
        said = f"HTTP {status} {response.text[:200]}".strip()
        if status == 410:
            raise SyncStoppedError(
                f"{self.endpoint} says that it is gone for good ({said}): give another WEBHOOK_URL, or remove the sync"
            )
        if status in (401, 403):
            raise AuthError(f"{self.endpoint} refuses us ({said}): check WEBHOOK_SECRET, which the receiver must know")
        if status in _WRONG_ADDRESS:
            raise MappingError(f"{self.endpoint} takes no webhooks at this path ({said}): correct WEBHOOK_URL")
        if status in _BUSY:
            raise TransientError(said, status=status, retry_after=_seconds(response.headers.get("Retry-After")))
        if status >= 500:
            raise UnknownError(said, status=status)
        raise BatchRefusedError(f"HTTP_{status}", said, status=status)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def signature(secret: bytes, message_id: str, sent_at: int, body: bytes) -> str:
    """The signature of a message as its header has it."""
    signed = b".".join((message_id.encode(), str(sent_at).encode(), body))
    return "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


def secrets_of(text: str) -> list[bytes]:
    """Keys to sign with from `whsec_...`; several, with spaces between, while one replaces another.

    Raises AuthError.
    """
    bare = [one.removeprefix("whsec_") for one in text.split()]
    try:
        found = [base64.b64decode(one + "=" * (-len(one) % 4), validate=True) for one in bare]
    except binascii.Error:
        found = []
    if not found or any(len(secret) not in _SECRET_BYTES for secret in found):
        raise AuthError(
            "WEBHOOK_SECRET is not a secret: give whsec_ and the base64 of 24 to 64 random bytes, for example "
            "what `echo whsec_$(openssl rand -base64 32)` prints"
        )
    return found


def _reader(kind: str) -> Callable[[str], Any]:
    """How a value's text becomes JSON; decimals stay text, which loses nothing."""
    kind = kind.lower()
    if kind == "boolean":
        return lambda text: text == "true"
    if kind in _WHOLE:
        return lambda text: int(text) if abs(int(text)) <= _LARGEST_WHOLE else text
    if kind in ("double", "float", "real"):
        return float
    return str


def _origin(url: str) -> str:
    """The address without its path, which may be a secret too."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _number(name: str, default: float) -> float:
    text = os.environ.get(name, "")
    try:
        number = float(text or default)
    except ValueError:
        number = 0.0
    if number < 1:
        raise SyncStoppedError(f"{name} is '{text}': give a number of 1 or more")
    return number


def _seconds(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def connect(settings: Settings, sync: SyncDocument, run: Run) -> Webhook:
    """The endpoint that WEBHOOK_URL names, signed for with WEBHOOK_SECRET.

    Raises AuthError when one is missing, PlanRefusedError for an endpoint that this environment may not send to.
    """
    url = os.environ.get("WEBHOOK_URL", "").strip()
    if not url:
        raise AuthError("WEBHOOK_URL is not set: give the address that takes the events")
    secrets = secrets_of(os.environ.get("WEBHOOK_SECRET", ""))
    # An endpoint cannot be asked what it is, so whoever gives its address says so.
    check_endpoint(settings, _origin(url), is_sandbox=lambda: os.environ.get("WEBHOOK_SANDBOX", "").lower() == "true")
    return Webhook(url, secrets, sync, run)

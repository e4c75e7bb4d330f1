"""What every source behind a REST API needs: the connection from the environment, pages, clear errors.

The endpoints of one system, and its cursors, do not belong here.
"""

import hashlib
import ipaddress
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import orjson
import pyarrow as pa
import requests
import tenacity
from dlt.sources.helpers.requests import Client
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import BasePaginator

from ingestion.batch import RECORDS, NotConnectedError, RawBatch, SourceError

# A request that keeps failing gives up after this long, the waits that the API asks for (Retry-After) included.
MAX_SECONDS_PER_REQUEST = 400.0
RECORDS_PER_BATCH = 10_000
_SHOWN_CHARACTERS = 200
_REDIRECTS = range(300, 400)


def connect(system: str, default_url: str = "") -> RESTClient:
    """A client for `system` from `<SYSTEM>_BASE_URL` and `<SYSTEM>_TOKEN`; retries as dlt's runtime settings say.

    Raises SourceError that names the variable that is missing or cannot be used, NotConnectedError when both are.
    """
    prefix = system.upper()
    if not any(os.environ.get(f"{prefix}_{part}") for part in ("BASE_URL", "TOKEN")):
        needed = f"{prefix}_TOKEN" if default_url else f"{prefix}_BASE_URL and {prefix}_TOKEN"
        raise NotConnectedError(system, f"not connected: set {needed} to land it")
    base_url = (os.environ.get(f"{prefix}_BASE_URL") or default_url).strip().rstrip("/")
    token = (os.environ.get(f"{prefix}_TOKEN") or "").strip()
    if not base_url:
        raise SourceError(
            system, f"{prefix}_BASE_URL is not set: set it to the address, e.g. https://social.example.org"
        )
    host = urlsplit(base_url).hostname or ""
    is_local = _is_loopback(host)
    if not host or urlsplit(base_url).scheme not in (("http", "https") if is_local else ("https",)):
        raise SourceError(system, f"{prefix}_BASE_URL is {base_url}: use an https address (http only for this machine)")
    if not token:
        raise SourceError(system, f"{prefix}_TOKEN is not set: set it to an access token that may read {base_url}")
    client = Client(raise_for_status=False)
    client.configure()
    session = client.session
    session.send.retry.stop |= tenacity.stop_before_delay(MAX_SECONDS_PER_REQUEST)
    # A proxy that the environment names must not see requests to this machine.
    session.trust_env = not is_local
    return RESTClient(base_url, auth=BearerTokenAuth(token), session=session)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def pages(
    client: RESTClient, system: str, path: str, paginator: BasePaginator, *, method: str = "GET", **request: Any
) -> Iterator[list[Any]]:
    """Each page of an endpoint as a list: the rows where it answers a list, else the one object it answers.

    Raises SourceError that says what went wrong, at which address, and what to do. Transient failures are retried.
    """
    url = f"{client.base_url}/{path.lstrip('/')}"
    hooks = {"response": [_tell_when_to_retry, _raise_for_status]}
    found = client.paginate(
        path, method, paginator=paginator, data_selector="$", hooks=hooks, allow_redirects=False, **request
    )
    try:
        yield from found
    except requests.JSONDecodeError as error:
        raise SourceError(
            system,
            f"{url} answered something that is not JSON: check that {_variable(system)} is the address of the API",
        ) from error
    except requests.HTTPError as error:
        raise SourceError(system, _explained(system, url, error.response)) from error
    except requests.RequestException as error:
        raise SourceError(
            system,
            f"{url} cannot be reached or broke off ({type(error).__name__}): check {_variable(system)} and the "
            "network, then run again; the cursor has not moved",
        ) from error


def _variable(system: str) -> str:
    return f"{system.upper()}_BASE_URL"


def _raise_for_status(response: requests.Response, *_args: Any, **_settings: Any) -> None:
    if response.status_code in _REDIRECTS or response.status_code >= 400:
        raise requests.HTTPError(f"status {response.status_code}", response=response)


def _tell_when_to_retry(response: requests.Response, *_args: Any, **_settings: Any) -> None:
    """Writes the header that the session obeys, where an API says only when its window ends."""
    reset = response.headers.get("X-RateLimit-Reset", "")
    if response.status_code == 429 and "Retry-After" not in response.headers and "T" in reset:
        seconds = (datetime.fromisoformat(reset) - datetime.now(UTC)).total_seconds()
        response.headers["Retry-After"] = str(max(1, math.ceil(seconds)))


def _explained(system: str, url: str, response: requests.Response) -> str:
    status, token = response.status_code, f"{system.upper()}_TOKEN"
    if status == 401:
        return f"{url} refused the token (401): set {token} to a valid access token and run again"
    if status == 403:
        return f"{url} is forbidden to this token (403): give the token in {token} the right to read it"
    if status == 429:
        return f"{url} still answers 429 after all retries: too many requests; run again later"
    if status in _REDIRECTS:
        return f"{url} redirects ({status}): set {_variable(system)} to the address it leads to"
    return f"{url} answered {status}{_said(response)}: check the address and the service, then run again"


def _said(response: requests.Response) -> str:
    """What the API says about a failure, where it says it as JSON."""
    try:
        document = response.json()
    except requests.JSONDecodeError:
        return ""
    said = document.get("message") or document.get("error") if isinstance(document, Mapping) else None
    return f" ({str(said)[:_SHOWN_CHARACTERS]})" if said else ""


def repeated(system: str, resource: str, cursor: str) -> SourceError:
    """The error for an API that answers the same page again instead of the next one."""
    return SourceError(
        system,
        f"{resource} repeats a page at cursor {cursor}: the API does not move on; nothing of this run is kept; "
        "run again, and if it stays so report it to the operator of the API",
    )


def encode(item: Mapping[str, Any]) -> bytes:
    """One object as JSON."""
    return orjson.dumps(item)


def digest(raw: bytes) -> str:
    """A short hash that says whether a record is the one seen before."""
    return hashlib.blake2b(raw, digest_size=8).hexdigest()


def raw_batches(resource: str, encoded: Iterable[bytes]) -> Iterator[RawBatch]:
    """The records of one resource, numbered through, in batches that fit in memory."""
    lines = count(1)
    for chunk in _chunks(encoded):
        numbers = [next(lines) for _ in chunk]
        columns = [pa.array(chunk, RECORDS.field("raw").type), pa.array(numbers, pa.int64())]
        yield RawBatch(resource, "", "", pa.table(columns, schema=RECORDS))


def _chunks(encoded: Iterable[bytes]) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    for raw in encoded:
        chunk.append(raw)
        if len(chunk) == RECORDS_PER_BATCH:
            yield chunk
            chunk = []
    if chunk:
        yield chunk

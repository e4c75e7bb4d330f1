"""Mastodon: accounts, statuses, mentions and reactions of the community that the brand runs.

Judging and landing the records does not belong here.
"""

from collections.abc import Iterator
from typing import Any

from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import BasePaginator
from requests import Request, Response

from ingestion.batch import RawBatch, SourceError
from ingestion.rest import connect, digest, encode, pages, raw_batches, repeated

SYSTEM = "mastodon"
CHANNEL = "social"
ACCOUNTS = ("/api/v2/admin/accounts", {"origin": "local", "limit": 200})
# What only grows: resource -> (path, parameters). Needs the scopes read:statuses and read:notifications.
STREAMS = {
    "statuses": ("/api/v1/timelines/public", {"local": "true", "limit": 40}),
    "mentions": ("/api/v1/notifications", {"types[]": ["mention"], "limit": 80}),
    "reactions": ("/api/v1/notifications", {"types[]": ["favourite", "reblog"], "limit": 80}),
}


def batches(state: dict[str, Any]) -> Iterator[RawBatch]:
    """What is new since the cursors in `state`, which move when a resource is read to its end.

    `state[resource]["min_id"]` is the highest id read. Accounts change without a trace in any cursor, so all are read
    and only pages that differ from the last load are handed on. Raises SourceError.
    """
    client = connect(SYSTEM)
    yield from raw_batches("accounts", _accounts(client, state.setdefault("accounts", {})))
    for resource in STREAMS:
        yield from raw_batches(resource, _newer(client, resource, state.setdefault(resource, {})))


def id_key(value: str) -> tuple[int, str]:
    """Sorts ids as Mastodon does: they are numbers written as text."""
    return (len(value), value)


class Upwards(BasePaginator):
    """Pages from old to new by asking for what is just above the highest id so far; ends at an empty page.

    The Link header is not followed: it would decide to which host the token goes.
    """

    def __init__(self, resource: str, min_id: str) -> None:
        super().__init__()
        self._resource, self._min_id = resource, min_id

    def init_request(self, request: Request) -> None:
        request.params = {**request.params, "min_id": self._min_id}

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        if not all(isinstance(row, dict) and isinstance(row.get("id"), str) for row in data or []):
            raise SourceError(SYSTEM, f"{self._resource}: the answer is not a list of objects: check MASTODON_BASE_URL")
        ids = sorted((row["id"] for row in data or []), key=id_key)
        if ids and id_key(ids[0]) <= id_key(self._min_id):
            raise repeated(SYSTEM, self._resource, f"min_id {self._min_id}")
        # A page may be short without being the last one: the server filters after it limits.
        self._has_next_page = bool(ids)
        self._min_id = ids[-1] if ids else self._min_id

    def update_request(self, request: Request) -> None:
        request.params["min_id"] = self._min_id


def _ascending(
    client: RESTClient, resource: str, path: str, params: dict[str, Any], min_id: str
) -> Iterator[list[dict[str, Any]]]:
    for page in pages(client, SYSTEM, path, Upwards(resource, min_id), params=params):
        if page:
            yield sorted(page, key=lambda row: id_key(row["id"]))


def _newer(client: RESTClient, resource: str, cursor: dict[str, Any]) -> Iterator[bytes]:
    path, params = STREAMS[resource]
    highest = cursor.get("min_id", "0")
    for page in _ascending(client, resource, path, params, highest):
        yield from map(encode, page)
        highest = page[-1]["id"]
    cursor["min_id"] = highest


def _accounts(client: RESTClient, cursor: dict[str, Any]) -> Iterator[bytes]:
    """Accounts on pages that are not as they were; `cursor["pages"]` holds one digest for each."""
    known, seen, start = cursor.get("pages", {}), {}, "0"
    for page in _ascending(client, "accounts", *ACCOUNTS, "0"):
        encoded = [encode(row) for row in page]
        seen[start] = digest(b"\n".join(encoded))
        if known.get(start) != seen[start]:
            yield from encoded
        start = page[-1]["id"]
    cursor["pages"] = seen


if __name__ == "__main__":
    from ingestion.landing import main

    main(SYSTEM)

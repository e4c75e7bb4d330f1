"""HubSpot CRM v3: contacts, companies, deals and owners that changed since the last load.

Judging and landing the records does not belong here; nor does writing to the CRM.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import BasePaginator, SinglePagePaginator
from requests import Request, Response

from data_contracts.contract import load
from ingestion.batch import RawBatch, SourceError
from ingestion.rest import connect, digest, encode, pages, raw_batches, repeated

SYSTEM = "hubspot"
CHANNEL = "crm"
DEFAULT_URL = "https://api.hubapi.com"
# HubSpot calls the same thing differently from one object to the next.
MODIFIED = {"contacts": "lastmodifieddate", "companies": "hs_lastmodifieddate", "deals": "hs_lastmodifieddate"}
SEARCH_PAGE = 200
LIST_PAGE = 100
# Search shows a change only after a while, so a change can turn up behind the cursor: the last minutes are asked again.
OVERLAP = timedelta(minutes=5)
# Of what the overlap shows again, this many records are recognised and left out; more would only land twice.
MAX_REMEMBERED = 20_000


def batches(state: dict[str, Any]) -> Iterator[RawBatch]:
    """Records changed since the cursors in `state`, which move when a resource is read to its end.

    `state[resource]` holds `updated_at`, the newest change read, and digests of the records inside the overlap.
    Raises SourceError.
    """
    client = connect(SYSTEM, DEFAULT_URL)
    for resource in MODIFIED:
        cursor = state.setdefault(resource, {})
        yield from raw_batches(resource, _changed(client, resource, cursor))
        yield from raw_batches(resource, _archived(client, resource, cursor))
    yield from raw_batches("owners", _owners(client, state.setdefault("owners", {})))


_contract = cache(load)


def read_set(resource: str) -> tuple[list[str], list[str]]:
    """The properties and the associations that the contract names; nothing else is ever asked for."""
    paths = [column.path for column in _contract(SYSTEM).table(resource).columns]
    properties = [path.removeprefix("properties.") for path in paths if path.startswith("properties.")]
    return properties, [found[1] for path in paths if (found := re.match(r"associations\.(\w+)\.", path))]


def _milliseconds(moment: str) -> int:
    parsed = datetime.fromisoformat(moment)
    return round((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp() * 1000)


def _rows(resource: str, page: list[Any]) -> list[dict[str, Any]]:
    if not page or not isinstance(page[0], dict) or not isinstance(page[0].get("results"), list):
        raise SourceError(
            SYSTEM, f"{resource}: the answer holds no results: check that HUBSPOT_BASE_URL is the CRM API"
        )
    return page[0]["results"]


def _next_after(page: list[Any]) -> str | None:
    return ((page[0].get("paging") or {}).get("next") or {}).get("after")


class ById(BasePaginator):
    """Pages a search in id order by asking for the ids above the last one.

    So the 10,000 hits that a search may page through are no limit, and objects that change meanwhile shift nothing.
    """

    def __init__(self, resource: str) -> None:
        super().__init__()
        self._resource, self._last = resource, 0

    def init_request(self, request: Request) -> None:
        bound = {"propertyName": "hs_object_id", "operator": "GT", "value": "0"}
        request.json["filterGroups"][0]["filters"].append(bound)

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        rows = _rows(self._resource, data or [])
        self._has_next_page = _next_after(data) is not None
        ids = [int(row["id"]) for row in rows]
        if (ids and ids[0] <= self._last) or (self._has_next_page and not ids):
            raise repeated(SYSTEM, self._resource, f"id {self._last}")
        self._last = max(ids, default=self._last)

    def update_request(self, request: Request) -> None:
        request.json["filterGroups"][0]["filters"][-1]["value"] = str(self._last)


class ByAfter(BasePaginator):
    """Pages a list by the `after` that each page names."""

    def __init__(self, resource: str) -> None:
        super().__init__()
        self._resource, self._after = resource, None

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        _rows(self._resource, data or [])
        following = _next_after(data)
        self._has_next_page = following is not None
        if self._has_next_page and following == self._after:
            raise repeated(SYSTEM, self._resource, f"after {following}")
        self._after = following

    def update_request(self, request: Request) -> None:
        request.params = {**request.params, "after": self._after}


def _changed(client: RESTClient, resource: str, cursor: dict[str, Any]) -> Iterator[bytes]:
    """Objects whose last change lies after the cursor, up to the newest change there is now."""
    newest = _newest(client, resource)
    if newest is None:
        return
    overlap = int(OVERLAP.total_seconds() * 1000)
    known, remembered = cursor.get("seen", {}), {}
    since = _milliseconds(cursor["updated_at"]) - overlap if "updated_at" in cursor else None
    until = _milliseconds(newest)
    for page in _search(client, resource, since, until):
        for row in page:
            raw = encode(row)
            mark = digest(raw)
            if _milliseconds(row["updatedAt"]) >= until - overlap and len(remembered) < MAX_REMEMBERED:
                remembered[row["id"]] = mark
            if known.get(row["id"]) != mark:
                yield raw
    cursor["updated_at"], cursor["seen"] = newest, remembered


def _newest(client: RESTClient, resource: str) -> str | None:
    """When the last change of any object was; fixes the end of the window, so that changes made meanwhile wait."""
    sort = {"propertyName": MODIFIED[resource], "direction": "DESCENDING"}
    body = {"sorts": [sort], "limit": 1, "properties": [MODIFIED[resource]]}
    path = f"/crm/v3/objects/{resource}/search"
    for page in pages(client, SYSTEM, path, SinglePagePaginator(), method="POST", json=body):
        for row in _rows(resource, page):
            return row["updatedAt"]
    return None


def _search(client: RESTClient, resource: str, since: int | None, until: int) -> Iterator[list[dict[str, Any]]]:
    properties, associated = read_set(resource)
    window = [{"propertyName": MODIFIED[resource], "operator": "LTE", "value": str(until)}]
    if since is not None:
        window.append({"propertyName": MODIFIED[resource], "operator": "GTE", "value": str(since)})
    body = {
        "filterGroups": [{"filters": window}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": properties,
        "limit": SEARCH_PAGE,
    }
    path = f"/crm/v3/objects/{resource}/search"
    for page in pages(client, SYSTEM, path, ById(resource), method="POST", json=body):
        rows = _rows(resource, page)
        for other in associated:
            _associate(client, resource, other, rows)
        yield rows


def _associate(client: RESTClient, resource: str, other: str, rows: list[dict[str, Any]]) -> None:
    """Puts the associations on the rows as a list endpoint would: a search does not return them."""
    if not rows:
        return
    path = f"/crm/v4/associations/{resource}/{other}/batch/read"
    body = {"inputs": [{"id": row["id"]} for row in rows]}
    found: dict[str, list[dict[str, str]]] = {}
    for page in pages(client, SYSTEM, path, SinglePagePaginator(), method="POST", json=body):
        for result in _rows(f"associations of {resource}", page):
            found[str(result["from"]["id"])] = [{"id": str(to["toObjectId"])} for to in result["to"]]
    for row in rows:
        if row["id"] in found:
            row.setdefault("associations", {})[other] = {"results": found[row["id"]]}


def _listed(client: RESTClient, resource: str, path: str, **params: str) -> Iterator[dict[str, Any]]:
    for page in pages(client, SYSTEM, path, ByAfter(resource), params={"limit": LIST_PAGE, **params}):
        yield from _rows(resource, page)


def _archived(client: RESTClient, resource: str, cursor: dict[str, Any]) -> Iterator[bytes]:
    """Objects archived since the last load; the list has no filter, but HubSpot keeps them for 90 days only."""
    properties, associated = read_set(resource)
    params = {"archived": "true", "properties": ",".join(properties)}
    if associated:
        params["associations"] = ",".join(associated)
    since, known = cursor.get("archived_at", 0), set(cursor.get("archived_ids", []))
    newest: dict[int, list[str]] = {since: sorted(known)}
    for row in _listed(client, resource, f"/crm/v3/objects/{resource}", **params):
        moment = _milliseconds(row.get("archivedAt") or row["updatedAt"])
        if moment > since or (moment == since and row["id"] not in known):
            newest.setdefault(moment, []).append(row["id"])
            yield encode(row)
    cursor["archived_at"] = max(newest)
    cursor["archived_ids"] = newest[max(newest)]


def _owners(client: RESTClient, cursor: dict[str, Any]) -> Iterator[bytes]:
    """Owners that differ from the last load; they are few, so all are read each time."""
    known, seen = cursor.get("seen", {}), {}
    for archived in ("false", "true"):
        for row in _listed(client, "owners", "/crm/v3/owners", archived=archived):
            raw = encode(row)
            seen[row["id"]] = digest(raw)
            if known.get(row["id"]) != seen[row["id"]]:
                yield raw
    cursor["seen"] = seen


if __name__ == "__main__":
    from ingestion.landing import main

    main(SYSTEM)

"""The Mastodon API as our server answers it: admin accounts, the local timeline, notifications; read-only.

HTTP itself, tokens and faults do not belong here.
"""

import bisect
import json
from datetime import date
from pathlib import Path
from urllib.parse import urlencode

from orchestration.demo.answers import Answer
from orchestration.demo.records import nested, read

# path -> (resources that answer there, default page, largest page)
ENDPOINTS = {
    "/api/v2/admin/accounts": (("accounts",), 100, 200),
    "/api/v1/timelines/public": (("statuses",), 20, 40),
    "/api/v1/notifications": (("mentions", "reactions"), 40, 80),
}
# id as sorted, type, the object as JSON
Encoded = tuple[tuple[int, str], str, bytes]


def id_key(value: str) -> tuple[int, str]:
    """Sorts ids as Mastodon does: they are numbers written as text."""
    return (len(value), value)


class Mastodon:
    """All objects of the community, encoded once, in id order."""

    def __init__(self, api_dir: Path, until: date | None = None) -> None:
        self._objects: dict[str, list[Encoded]] = {}
        self._selections: dict[tuple, list[Encoded]] = {}
        for path, (resources, _, _) in ENDPOINTS.items():
            found = [flat for resource in resources for flat in read(api_dir, "mastodon", resource, until)]
            self._objects[path] = sorted(
                (id_key(flat["id"]), flat.get("type", ""), json.dumps(nested(flat)).encode()) for flat in found
            )

    def answer(self, method: str, path: str, query: dict[str, list[str]], base_url: str) -> Answer | None:
        """The answer to one request; None if the path is not Mastodon's."""
        if path not in ENDPOINTS:
            return Answer.json(404, {"error": "Record not found"}) if path.startswith("/api/") else None
        if method != "GET":
            return Answer.json(404, {"error": "Record not found"})
        _, default_limit, max_limit = ENDPOINTS[path]
        try:
            limit = min(max_limit, max(1, int(query.get("limit", [default_limit])[0])))
        except ValueError:
            return Answer.json(400, {"error": "limit must be a number"})
        page = self._page(path, query, limit)
        headers = {"Link": _link(base_url + path, query, page)} if page else {}
        return Answer(200, b"[" + b",".join(body for _, _, body in page) + b"]", headers=headers)

    def _of_types(self, path: str, types: frozenset[str], excluded: frozenset[str]) -> list[Encoded]:
        key = (path, types, excluded)
        if key not in self._selections:
            self._selections[key] = [
                found for found in self._objects[path] if (not types or found[1] in types) and found[1] not in excluded
            ]
        return self._selections[key]

    def _page(self, path: str, query: dict[str, list[str]], limit: int) -> list[Encoded]:
        """Newest first, as every page of Mastodon: just above `min_id` if asked, else the newest below `max_id`."""
        objects = self._of_types(path, frozenset(query.get("types[]", [])), frozenset(query.get("exclude_types[]", [])))
        low, high = 0, len(objects)
        for name in ("min_id", "since_id"):
            if name in query:
                low = max(low, bisect.bisect_right(objects, id_key(query[name][0]), key=lambda found: found[0]))
        if "max_id" in query:
            high = bisect.bisect_left(objects, id_key(query["max_id"][0]), key=lambda found: found[0])
        page = objects[low : min(high, low + limit)] if "min_id" in query else objects[max(low, high - limit) : high]
        return page[::-1]


def _link(url: str, query: dict[str, list[str]], page: list[Encoded]) -> str:
    kept = [(name, value) for name, values in query.items() if not name.endswith("_id") for value in values]
    older = urlencode([*kept, ("max_id", page[-1][0][1])])
    newer = urlencode([*kept, ("min_id", page[0][0][1])])
    return f'<{url}?{older}>; rel="next", <{url}?{newer}>; rel="prev"'

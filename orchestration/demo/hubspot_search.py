"""Which objects a search or a list of the CRM finds, in which order.

How objects are shown does not belong here.
"""

import bisect
import json
from collections.abc import Callable

from orchestration.demo.hubspot_objects import CUSTOM_PREFIX, Collection, Record, milliseconds

MAX_PAGE = 200
MAX_RESULTS = 10_000
_MAX_GROUPS, _MAX_FILTERS = 5, 6
_CACHED_QUERIES = 8


class InvalidRequestError(ValueError):
    """The request cannot be answered; says why."""


def _comparable(collection: Collection, name: str) -> Callable[[str], int | float | str]:
    """How a filter's text becomes what `Record.value` gives, so that both can be compared."""
    definition = collection.definitions.get(name)
    if definition is None and not name.startswith(CUSTOM_PREFIX):
        raise InvalidRequestError(f"There was a problem with the request: property {name} does not exist")
    if definition and definition["read_only"]:
        return milliseconds if definition["name"] != "hs_object_id" else int
    kind = definition["type"] if definition else "string"
    return {"number": float, "datetime": milliseconds}.get(kind, lambda value: str(value).lower())


def _predicate(collection: Collection, given: dict) -> Callable[[Record], bool]:
    name, operator = given.get("propertyName", ""), given.get("operator", "")
    convert = _comparable(collection, name)

    def value(record: Record):
        found = record.value(name)
        return found if found is None or isinstance(found, int) else convert(found)

    if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        return lambda record: (record.value(name) is not None) == (operator == "HAS_PROPERTY")
    try:
        if operator in ("IN", "NOT_IN"):
            wanted = {convert(str(item)) for item in given["values"]}
            return lambda record: (value(record) in wanted) == (operator == "IN")
        low = convert(str(given["value"]))
        high = convert(str(given["highValue"])) if operator == "BETWEEN" else None
    except (KeyError, ValueError) as problem:
        raise InvalidRequestError(f"Invalid filter on {name}: {problem}") from problem
    tests = {
        "EQ": lambda found: found == low,
        "NEQ": lambda found: found != low,
        "GT": lambda found: found > low,
        "GTE": lambda found: found >= low,
        "LT": lambda found: found < low,
        "LTE": lambda found: found <= low,
        "BETWEEN": lambda found: low <= found <= high,
    }
    if operator not in tests:
        raise InvalidRequestError(f"Invalid operator {operator!r} on {name}")
    return lambda record: (found := value(record)) is not None and tests[operator](found)


def _sorting(body: dict) -> tuple[str, bool]:
    sorts = body.get("sorts") or [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
    if len(sorts) > 1:
        raise InvalidRequestError("Only one sort is allowed")
    first = sorts[0] if isinstance(sorts[0], dict) else {"propertyName": sorts[0]}
    return first.get("propertyName", ""), first.get("direction", "ASCENDING") == "DESCENDING"


def _matching(collection: Collection, groups: list[dict], name: str, *, descending: bool) -> list[int]:
    """Ids of all hits, sorted; the last few searches are kept until something is written."""
    cache = collection.searches
    key = (collection.version, json.dumps(groups, sort_keys=True), name, descending)
    if key not in cache:
        tests = [[_predicate(collection, given) for given in group.get("filters", [])] for group in groups]
        records = (collection.records[found] for found in collection.ordered)
        hits = [
            record
            for record in records
            if not record.archived and (not tests or any(all(test(record) for test in group) for group in tests))
        ]
        if name != "hs_object_id" or descending:
            _comparable(collection, name)
            hits.sort(key=lambda record: (record.value(name) is None, record.value(name)), reverse=descending)
        while len(cache) >= _CACHED_QUERIES:
            del cache[next(iter(cache))]
        cache[key] = [record.id for record in hits]
    return cache[key]


def page(given: dict, largest: int) -> tuple[int, int]:
    """`limit` and `after` of a request. Raises InvalidRequestError."""
    try:
        limit, after = int(given.get("limit") or 10), int(given.get("after") or 0)
    except (TypeError, ValueError) as problem:
        raise InvalidRequestError(f"limit and after must be numbers: {problem}") from problem
    if not 1 <= limit <= largest:
        raise InvalidRequestError(f"limit must be between 1 and {largest}")
    return limit, after


def search(collection: Collection, body: dict) -> tuple[int, list[int], int]:
    """How many objects match, the ids of the page asked for, and the `after` of the next page.

    Raises InvalidRequestError for what HubSpot refuses: more than 200 a page, anything past the first 10,000 hits.
    """
    groups = body.get("filterGroups") or []
    if len(groups) > _MAX_GROUPS or any(len(group.get("filters", [])) > _MAX_FILTERS for group in groups):
        raise InvalidRequestError(f"At most {_MAX_GROUPS} groups of {_MAX_FILTERS} filters are allowed")
    limit, after = page(body, MAX_PAGE)
    if after + limit > MAX_RESULTS:
        raise InvalidRequestError(f"Paging past the first {MAX_RESULTS} results is not possible: narrow the filters")
    name, descending = _sorting(body)
    above, groups = _split_id_bound(groups) if (name, descending) == ("hs_object_id", False) else (None, groups)
    hits = _matching(collection, groups, name, descending=descending)
    first = 0 if above is None else bisect.bisect_right(hits, above)
    return len(hits) - first, hits[first + after : first + after + limit], after + limit


def _split_id_bound(groups: list[dict]) -> tuple[int | None, list[dict]]:
    """Takes `hs_object_id > x` out of a single group: in id order it is a position, and pages share one search."""
    if len(groups) != 1:
        return None, groups
    filters = groups[0].get("filters", [])
    bounds = [
        given for given in filters if (given.get("propertyName"), given.get("operator")) == ("hs_object_id", "GT")
    ]
    if len(bounds) != 1 or not str(bounds[0].get("value", "")).isdigit():
        return None, groups
    rest = [given for given in filters if given is not bounds[0]]
    return int(bounds[0]["value"]), [{"filters": rest}] if rest else []


def listed(collection: Collection, after: int, limit: int, *, archived: bool) -> list[int]:
    """The next `limit` ids from id `after` on, of objects that are archived, or are not."""
    found = []
    for key in collection.ordered[bisect.bisect_left(collection.ordered, after) :]:
        if collection.records[key].archived == archived:
            found.append(key)
            if len(found) == limit:
                break
    return found

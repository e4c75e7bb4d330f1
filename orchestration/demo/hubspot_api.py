"""The HubSpot CRM v3 API as our server answers it: search, lists, single objects, owners, properties, associations.

Batch writes are in hubspot_writes; HTTP itself, tokens and faults in server.
"""

import re
from collections.abc import Callable

from orchestration.demo import hubspot_search, hubspot_writes
from orchestration.demo.answers import Answer
from orchestration.demo.hubspot_crm import Crm
from orchestration.demo.hubspot_objects import CUSTOM_PREFIX, OBJECT_TYPES, Collection, Record, iso

DEFAULT_PROPERTIES = {
    "contacts": ["createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"],
    "companies": ["createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"],
    "deals": ["amount", "closedate", "createdate", "dealname", "dealstage", "hs_lastmodifieddate", "pipeline"],
}
MAX_LIST_PAGE = 100
MAX_OWNERS_PAGE = 500
MAX_ASSOCIATION_INPUTS = 1000
PROPERTY_TYPES = ("string", "number", "date", "datetime", "bool", "enumeration")


def error(status: int, category: str, message: str, **context: list[str]) -> Answer:
    """An error in HubSpot's shape."""
    body = {"status": "error", "message": message, "correlationId": "0" * 8, "category": category}
    return Answer.json(status, body | ({"context": context} if context else {}))


def answer(crm: Crm, method: str, path: str, query: dict[str, list[str]], body: object) -> Answer | None:
    """The answer to one request, from any thread; None if the path is not HubSpot's."""
    if not path.startswith("/crm/"):
        return None
    for wanted, pattern, endpoint in ROUTES:
        match = pattern.fullmatch(path)
        if match and method == wanted:
            if method != "GET" and not isinstance(body, dict):
                return error(400, "VALIDATION_ERROR", "Invalid input JSON: an object is expected")
            try:
                with crm.lock:
                    return endpoint(crm, *match.groups(), query if method == "GET" else body)
            except hubspot_search.InvalidRequestError as problem:
                return error(400, "VALIDATION_ERROR", str(problem))
    return error(404, "OBJECT_NOT_FOUND", f"No endpoint answers {method} {path}")


def shown(record: Record, properties: list[str]) -> dict:
    """A record as the API shows it: the properties asked for and nothing else; what is empty is null."""
    values = record.properties
    document = {
        "id": str(record.id),
        "properties": {name: values[name] if name in values else _kept(record, name) for name in properties},
        "createdAt": iso(record.created_at),
        "updatedAt": iso(record.updated_at),
        "archived": record.archived,
    }
    return document | {"archivedAt": iso(record.updated_at)} if record.archived else document


def _kept(record: Record, name: str) -> str | None:
    value = record.value(name)
    return value if value is None else str(value) if name == "hs_object_id" else iso(value)


def _asked(collection: Collection, names: list[str] | None) -> list[str]:
    if not names:
        return DEFAULT_PROPERTIES[collection.object_type]
    return [name for name in names if name in collection.definitions or name.startswith(CUSTOM_PREFIX)]


def _listed(query: dict[str, list[str]], name: str) -> list[str]:
    return [part for value in query.get(name, []) for part in value.split(",") if part]


def _page(query: dict[str, list[str]], default: int, largest: int) -> tuple[int, int]:
    given = {name: values[0] for name, values in query.items()}
    return hubspot_search.page(given | {"limit": given.get("limit", default)}, largest)


def _search(crm: Crm, object_type: str, body: dict) -> Answer:
    collection = crm.collections[object_type]
    total, ids, after = hubspot_search.search(collection, body)
    names = _asked(collection, body.get("properties"))
    document = {"total": total, "results": [shown(collection.records[key], names) for key in ids]}
    if after < total:
        document["paging"] = {"next": {"after": str(after)}}
    return Answer.json(200, document)


def _with_associations(record: Record, document: dict, object_type: str, wanted: list[str]) -> dict:
    for other in wanted:
        if found := record.associations.get(other):
            kind = f"{object_type.removesuffix('s')}_to_{other.replace('companies', 'company').removesuffix('s')}"
            document.setdefault("associations", {})[other] = {"results": [{"id": key, "type": kind} for key in found]}
    return document


def _list(crm: Crm, object_type: str, query: dict) -> Answer:
    collection = crm.collections[object_type]
    limit, after = _page(query, 10, MAX_LIST_PAGE)
    archived = query.get("archived", ["false"])[0] == "true"
    names, wanted = _asked(collection, _listed(query, "properties")), _listed(query, "associations")
    ids = hubspot_search.listed(collection, after, limit + 1, archived=archived)
    records = [collection.records[key] for key in ids[:limit]]
    document = {"results": [_with_associations(found, shown(found, names), object_type, wanted) for found in records]}
    if len(ids) > limit:
        document["paging"] = {"next": {"after": str(ids[limit])}}
    return Answer.json(200, document)


def _get(crm: Crm, object_type: str, key: str, query: dict) -> Answer:
    collection = crm.collections[object_type]
    record = collection.find(query.get("idProperty", [None])[0], key)
    if record is None:
        return error(404, "OBJECT_NOT_FOUND", f"No {object_type} object {key} found.")
    document = shown(record, _asked(collection, _listed(query, "properties")))
    return Answer.json(200, _with_associations(record, document, object_type, _listed(query, "associations")))


def _owners(crm: Crm, query: dict) -> Answer:
    limit, after = _page(query, 100, MAX_OWNERS_PAGE)
    archived = query.get("archived", ["false"])[0] == "true"
    owners = [owner for owner in crm.owners if bool(owner.get("archived", False)) == archived]
    document = {"results": owners[after : after + limit]}
    if after + limit < len(owners):
        document["paging"] = {"next": {"after": str(after + limit)}}
    return Answer.json(200, document)


def _associations(crm: Crm, object_type: str, other: str, body: dict) -> Answer:
    keys = [str(found.get("id", "")) for found in body.get("inputs", [])]
    if len(keys) > MAX_ASSOCIATION_INPUTS:
        return error(400, "VALIDATION_ERROR", f"At most {MAX_ASSOCIATION_INPUTS} inputs are allowed")
    results, errors = [], []
    for key in keys:
        record = crm.collections[object_type].find(None, key)
        if record and record.associations.get(other):
            kinds = [{"category": "HUBSPOT_DEFINED", "typeId": 3, "label": None}]
            to = [{"toObjectId": found, "associationTypes": kinds} for found in record.associations[other]]
            results.append({"from": {"id": key}, "to": to})
        else:
            message = f"No {other} is associated with {object_type} {key}."
            code = "crm.associations.NO_ASSOCIATIONS_FOUND"
            context = {"fromObjectId": [key]}
            errors.append(
                {"status": "error", "category": "OBJECT_NOT_FOUND", "subCategory": code, "message": message}
                | {"context": context}
            )
    document = {"status": "COMPLETE", "results": results}
    return Answer.json(
        207 if errors else 200, document | ({"numErrors": len(errors), "errors": errors} if errors else {})
    )


def _properties(crm: Crm, object_type: str, query: dict) -> Answer:
    return Answer.json(200, {"results": list(crm.collections[object_type].definitions.values())})


def _define(crm: Crm, object_type: str, body: dict) -> Answer:
    collection, name, kind = crm.collections[object_type], body.get("name", ""), body.get("type", "")
    if name in collection.definitions:
        return error(409, "OBJECT_ALREADY_EXISTS", f'A property named "{name}" already exists.')
    if not name.startswith(CUSTOM_PREFIX) or kind not in PROPERTY_TYPES:
        allowed = ", ".join(PROPERTY_TYPES)
        return error(400, "VALIDATION_ERROR", f"A property is named {CUSTOM_PREFIX}... and has a type of: {allowed}")
    collection.definitions[name] = body | {"read_only": False}
    return Answer.json(201, collection.definitions[name])


_TYPE = f"({'|'.join(OBJECT_TYPES)})"
ROUTES: list[tuple[str, re.Pattern, Callable[..., Answer]]] = [
    ("POST", re.compile(f"/crm/v3/objects/{_TYPE}/search"), _search),
    ("GET", re.compile(f"/crm/v3/objects/{_TYPE}"), _list),
    ("GET", re.compile(f"/crm/v3/objects/{_TYPE}/([^/]+)"), _get),
    ("GET", re.compile("/crm/v3/owners/?"), _owners),
    ("POST", re.compile(f"/crm/v4/associations/{_TYPE}/{_TYPE}/batch/read"), _associations),
    ("GET", re.compile(f"/crm/v3/properties/{_TYPE}"), _properties),
    ("POST", re.compile(f"/crm/v3/properties/{_TYPE}"), _define),
    ("POST", re.compile(f"/crm/v3/objects/{_TYPE}/batch/(create|update|upsert|archive|read)"), hubspot_writes.batch),
]

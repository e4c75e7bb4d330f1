"""Batches of the CRM: create, update, upsert, archive, read; refusals row by row.

Searching and showing objects do not belong here.
"""

from orchestration.demo.answers import Answer
from orchestration.demo.hubspot_crm import Crm
from orchestration.demo.hubspot_objects import CUSTOM_PREFIX, Collection, Record, invalid, iso

MAX_INPUTS = 100


class RowRefusedError(ValueError):
    """One input of a batch is refused; carries what HubSpot says about it."""

    def __init__(self, category: str, message: str, code: str | None = None, **context: list[str]) -> None:
        super().__init__(message)
        self.category, self.code, self.context = category, code, context


def _refused_whole(message: str) -> Answer:
    document = {"status": "error", "message": message, "correlationId": "0" * 8, "category": "VALIDATION_ERROR"}
    return Answer.json(400, document)


def batch(crm: Crm, object_type: str, operation: str, body: dict) -> Answer:
    """Answers one batch: 200, or 207 if rows were refused; 400 if the batch as a whole cannot be read."""
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not inputs or not all(isinstance(given, dict) for given in inputs):
        return _refused_whole("inputs must be a list of at least one object")
    if len(inputs) > MAX_INPUTS:
        return _refused_whole(f"The batch may hold at most {MAX_INPUTS} inputs, not {len(inputs)}")
    collection = crm.collections[object_type]
    keys = [str(given.get("id", "")).lower() for given in inputs]
    if operation != "create" and len(set(keys)) != len(keys):
        return _refused_whole("Duplicate IDs found in batch input")
    if operation == "archive":
        return _archive(crm, collection, inputs)
    now = crm.clock if operation == "read" else crm.tick()
    results, errors = [], []
    for given in inputs:
        try:
            results.append(_row(collection, operation, given, body, now))
        except RowRefusedError as refusal:
            errors.append(_error(refusal, given))
    document = {"status": "COMPLETE", "results": results, "startedAt": iso(now), "completedAt": iso(now)}
    if errors:
        document |= {"numErrors": len(errors), "errors": errors}
    writes = 0 if operation == "read" else len(results)
    created = operation == "create" and not errors
    return Answer.json(207 if errors else 201 if created else 200, document, writes=writes)


def _row(collection: Collection, operation: str, given: dict, body: dict, now: int) -> dict:
    key = str(given.get("id", ""))
    if operation == "read":
        record = collection.find(body.get("idProperty"), key)
        if record is None:
            raise RowRefusedError("OBJECT_NOT_FOUND", "Could not get some objects, they may be deleted.", ids=[key])
        return _result(record, body.get("properties") or [])
    id_property = given.get("idProperty")
    record = None if operation == "create" else collection.find(id_property, key)
    if operation == "update" and record is None:
        raise RowRefusedError("OBJECT_NOT_FOUND", f"No object found for id {key}.", ids=[key])
    properties = {name: "" if value is None else str(value) for name, value in (given.get("properties") or {}).items()}
    if operation == "upsert":
        if not id_property or not key:
            raise RowRefusedError("VALIDATION_ERROR", "Each input of an upsert needs id and idProperty.")
        properties.setdefault(id_property, key)
    properties = _checked(collection, properties, record)
    is_new = record is None
    if is_new:
        collection.next_id += 1
        record = Record(collection.next_id, {}, now, now)
        collection.add(record)
    collection.changed(record, properties)
    record.updated_at = now
    trace = {"objectWriteTraceId": given["objectWriteTraceId"]} if "objectWriteTraceId" in given else {}
    new = {"new": is_new} if operation == "upsert" else {}
    return _result(record, sorted(properties)) | new | trace


def _checked(collection: Collection, properties: dict[str, str], record: Record | None) -> dict[str, str]:
    """The properties as they will be stored; raises RowRefusedError for the first that cannot be."""
    for name, value in properties.items():
        definition = collection.definitions.get(name)
        if definition is None and not name.startswith(CUSTOM_PREFIX):
            message = f'Property values were not valid: Property "{name}" does not exist'
            raise RowRefusedError("VALIDATION_ERROR", message, "PROPERTY_DOESNT_EXIST", propertyName=[name])
        if definition is None:
            continue
        options = [option.get("value", "") for option in definition.get("options", [])]
        code = "READ_ONLY_VALUE" if definition["read_only"] else invalid(definition["type"], value, options)
        if code:
            message = f"Property values were not valid: {name} cannot hold the value given ({definition['type']})"
            raise RowRefusedError("VALIDATION_ERROR", message, code, propertyName=[name])
    email = properties.get("email", "").strip().lower()
    if email:
        holder = collection.index("email").get(email)
        if holder is not None and (record is None or holder != record.id):
            raise RowRefusedError(
                "CONFLICT", f"Contact already exists. Existing ID: {holder}", existingId=[str(holder)]
            )
    return properties | ({"email": email} if "email" in properties else {})


def _archive(crm: Crm, collection: Collection, inputs: list[dict]) -> Answer:
    now, found = crm.tick(), [collection.find(None, str(given.get("id", ""))) for given in inputs]
    for record in filter(None, found):
        collection.archive(record, now)
    return Answer(204, writes=sum(record is not None for record in found))


def _result(record: Record, properties: list[str]) -> dict:
    return {
        "id": str(record.id),
        "properties": {name: record.properties.get(name) for name in properties} | {"hs_object_id": str(record.id)},
        "createdAt": iso(record.created_at),
        "updatedAt": iso(record.updated_at),
        "archived": record.archived,
    }


def _error(refusal: RowRefusedError, given: dict) -> dict:
    context = dict(refusal.context)
    for name in ("id", "objectWriteTraceId"):
        if name in given:
            context[name] = [str(given[name])]
    row = {"status": "error", "category": refusal.category, "message": str(refusal), "context": context}
    if refusal.code:
        row["errors"] = [{"message": str(refusal), "code": refusal.code, "context": refusal.context}]
    return row

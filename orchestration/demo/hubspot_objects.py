"""The objects of the CRM in memory: what each holds, which properties exist, what a value may be.

Endpoints and their answers do not belong here.
"""

import bisect
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from orchestration.demo.records import highest_id, read, table

OBJECT_TYPES = ("contacts", "companies", "deals")
MODIFIED = {"contacts": "lastmodifieddate", "companies": "hs_lastmodifieddate", "deals": "hs_lastmodifieddate"}
CUSTOM_PREFIX = "tessera_"
# Ids of objects made through the API start well above those of the files: objects of later days never meet them.
ID_GAP = 1_000_000_000
_TYPES = {"string": "string", "boolean": "bool", "number": "number", "integer": "number", "timestamp": "datetime"}
_PATTERNS = {
    "number": (re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?"), "INVALID_INTEGER"),
    "bool": (re.compile("true|false"), "INVALID_BOOLEAN"),
    "email": (re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"), "INVALID_EMAIL"),
}


def milliseconds(text: str) -> int:
    """Epoch milliseconds of an ISO timestamp, or of a number written as text. Raises ValueError."""
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    moment = datetime.fromisoformat(text)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def iso(moment: int) -> str:
    """Epoch milliseconds as HubSpot writes a timestamp."""
    return datetime.fromtimestamp(moment // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{moment % 1000:03d}Z"


@dataclass
class Record:
    """One object; times in epoch milliseconds; `written` names the properties that came through the API."""

    id: int
    properties: dict[str, str]
    created_at: int
    updated_at: int
    archived: bool = False
    associations: dict[str, list[str]] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)
    is_touched: bool = False

    def value(self, name: str) -> str | int | None:
        """A property, those that the CRM keeps itself as numbers."""
        if name == "hs_object_id":
            return self.id
        if name in ("lastmodifieddate", "hs_lastmodifieddate"):
            return self.updated_at
        if name == "createdate":
            return self.created_at
        return self.properties.get(name)


def invalid(kind: str, value: str, options: list[str]) -> str | None:
    """HubSpot's error code for a value that a property of this kind cannot hold; None if it can. Empty clears."""
    if value == "" or kind == "string":
        return None
    if kind == "enumeration":
        return None if value in options else "INVALID_OPTION"
    if kind in _PATTERNS:
        pattern, code = _PATTERNS[kind]
        return None if pattern.fullmatch(value.strip()) else code
    try:
        if kind == "date" and not value.isdigit():
            date.fromisoformat(value)
        else:
            milliseconds(value)
    except ValueError:
        return "INVALID_DATE"
    return None


class Collection:
    """All objects of one type, in id order, with the indexes that the endpoints need."""

    def __init__(self, object_type: str, api_dir: Path, until: date | None) -> None:
        self.object_type = object_type
        self.records: dict[int, Record] = {}
        self.definitions: dict[str, dict] = {
            name: {"name": name, "type": "datetime", "read_only": True}
            for name in ("createdate", MODIFIED[object_type], "hs_object_id")
        }
        for column in table("hubspot", object_type).columns:
            _, found, name = column.path.partition("properties.")
            if found:
                kind = "email" if name == "email" else _TYPES[column.logical_type]
                self.definitions[name] = {"name": name, "type": kind, "read_only": False}
        for flat in read(api_dir, "hubspot", object_type, until):
            record = _record(flat)
            self.records[record.id] = record
        self.next_id = highest_id(api_dir, "hubspot", object_type) + ID_GAP
        self.ordered = sorted(self.records)
        self.version = 0
        self.searches: dict[tuple, list[int]] = {}
        self._unique: dict[str, dict[str, int]] = {}

    def add(self, record: Record) -> None:
        self.records[record.id] = record
        bisect.insort(self.ordered, record.id)

    def find(self, id_property: str | None, value: str) -> Record | None:
        """The object, archived ones left out, whose id, or unique property, is the value."""
        if id_property in (None, "", "hs_object_id"):
            found = self.records.get(int(value)) if str(value).isdigit() else None
        else:
            found = self.records.get(self.index(id_property).get(value.strip().lower(), -1))
        return found if found and not found.archived else None

    def index(self, name: str) -> dict[str, int]:
        """Value, lower case -> id, of a property that is unique; of equal ones the oldest object counts."""
        if name not in self._unique:
            self._unique[name] = {
                value.lower(): key
                for key in reversed(self.ordered)
                if (value := self.records[key].properties.get(name)) and not self.records[key].archived
            }
        return self._unique[name]

    def changed(self, record: Record, properties: dict[str, str]) -> None:
        """Puts the properties on the record (empty text clears one) and keeps the indexes right."""
        for name, value in properties.items():
            index = self._unique.get(name)
            before = record.properties.pop(name, None)
            if index is not None and before and index.get(before.lower()) == record.id:
                del index[before.lower()]
            if value != "":
                record.properties[name] = value
                if index is not None:
                    index.setdefault(value.lower(), record.id)
            record.written.add(name)
        record.is_touched = True
        self.version += 1

    def archive(self, record: Record, now: int) -> None:
        for name, index in self._unique.items():
            value = record.properties.get(name)
            if value and index.get(value.lower()) == record.id:
                del index[value.lower()]
        record.archived, record.updated_at, record.is_touched = True, now, True
        self.version += 1


def _record(flat: dict) -> Record:
    created = milliseconds(flat["createdAt"])
    associations = {}
    for path, value in flat.items():
        if found := re.fullmatch(r"associations\.(\w+)\.results\[0\]\.id", path):
            associations[found.group(1)] = [str(value)]
    return Record(
        id=int(flat["id"]),
        properties={
            path.removeprefix("properties."): str(value).lower() if isinstance(value, bool) else str(value)
            for path, value in flat.items()
            if path.startswith("properties.")
        },
        created_at=created,
        updated_at=milliseconds(flat["updatedAt"]) if "updatedAt" in flat else created,
        archived=bool(flat.get("archived", False)),
        associations=associations,
    )

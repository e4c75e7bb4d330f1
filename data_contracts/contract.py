"""The one reader of the contracts: ODCS v3.1 YAML in, small frozen views out.

What is done with a contract (SQL, dbt sources, checks) does not belong here.
"""

import difflib
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from data_contracts.odcs import ContractError, Document, read

FOLDER = Path(__file__).resolve().parent
FORMATS = ("json", "ndjson", "csv")
# A record larger than this is not an event but an accident; an API object may carry a long text.
MAX_RECORD_BYTES = {"json": 1 << 20, "ndjson": 32 << 10, "csv": 32 << 10}
_PHYSICAL = {
    "string": ("varchar", "json"),
    "integer": ("bigint",),
    "number": ("double", "decimal"),
    "boolean": ("boolean",),
    "date": ("date",),
    "timestamp": ("timestamp",),
}
_OPTIONS = ("pattern", "minLength", "maxLength", "minimum", "maximum")
_TABLE_PROPERTIES = ("format", "encoding", "maxRecordBytes", "keepRaw", "maxQuarantineShare")
_UNIT_DAYS = {"h": 1 / 24, "d": 1.0, "w": 7.0, "m": 30.4375, "y": 365.25}
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Column:
    """One landed column: where it is found in what was received, and every rule a value must keep."""

    name: str
    path: str
    logical_type: str
    physical_type: str
    required: bool
    key: bool
    classification: str
    description: str
    enum: tuple[str, ...] | None = None
    pattern: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None

    @property
    def sql_type(self) -> str:
        """The type of the landed column; JSON is kept as text."""
        return "varchar" if self.physical_type == "json" else self.physical_type


@dataclass(frozen=True)
class Table:
    """One resource of a system; `format` says how it arrives, `encoding` in which character set.

    `path` is its name at the source, where that is a database.
    """

    name: str
    description: str
    format: str
    columns: tuple[Column, ...]
    encoding: str
    max_record_bytes: int
    keep_raw: bool
    max_quarantine_share: float
    path: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.key)

    def column(self, name: str) -> Column:
        """The column of that name; KeyError names it if there is none."""
        return {column.name: column for column in self.columns}[name]


@dataclass(frozen=True)
class Contract:
    """What one system promises, table by table; `latency_hours` and `retention_days` may be None."""

    system: str
    channel: str
    version: str
    description: str
    tables: tuple[Table, ...]
    latency_hours: float | None
    retention_days: float | None
    path: Path

    def table(self, name: str) -> Table:
        """The table of that name; a ContractError with the nearest name if there is none."""
        for table in self.tables:
            if table.name == name:
                return table
        names = [table.name for table in self.tables]
        raise ContractError(f"{self.path.name}: no table {name!r}; {_suggest(name, names)}")

    @cached_property
    def fingerprint(self) -> str:
        """Changes with every edit that changes what is read; a comment changes nothing."""
        return hashlib.sha256(repr((self.version, self.tables)).encode()).hexdigest()[:16]


def systems(kind: str = "sources") -> tuple[str, ...]:
    """Names of the systems that have a contract, sorted."""
    return tuple(sorted(path.name.removesuffix(".odcs.yaml") for path in (FOLDER / kind).glob("*.odcs.yaml")))


def load(system: str, kind: str = "sources") -> Contract:
    """The contract of `system`; raises ContractError that names file, line, field and what to do."""
    path = FOLDER / kind / f"{system}.odcs.yaml"
    if not path.is_file():
        raise ContractError(f"{path}: no contract for {system!r}; {_suggest(system, systems(kind))}")
    contract = load_file(path)
    if contract.system != system:
        raise ContractError(f"{path}: name is {contract.system!r} but the file says {system!r}; make them equal")
    return contract


def readable(kind: str = "sources") -> tuple[list[Contract], list[ContractError]]:
    """Every contract that can be read, and why the others cannot."""
    contracts, errors = [], []
    for system in systems(kind):
        try:
            contracts.append(load(system, kind))
        except ContractError as error:
            errors.append(error)
    return contracts, errors


def load_file(path: Path) -> Contract:
    """The contract in one file, whatever its name."""
    found = path.stat() if path.is_file() else None
    return _parsed(path, (found.st_mtime_ns, found.st_size) if found else None)


# Loading definitions asks for each contract more than once, and parsing all takes an eighth of a second.
@cache
def _parsed(path: Path, stamp: tuple[int, int] | None) -> Contract:
    """The contract in a file that is as the stamp says."""
    document = read(path)
    root = document.root
    sla = {item["property"]: _days(document, item) for item in root.get("slaProperties") or []}
    tables = tuple(_table(document, item) for item in document.need(root, "schema"))
    _unique(document, root["schema"], "table")
    latency = sla.get("latency")
    return Contract(
        system=document.need(root, "name"),
        channel=document.need(root, "domain"),
        version=str(document.need(root, "version")),
        description=(root.get("description") or {}).get("purpose", ""),
        tables=tables,
        latency_hours=None if latency is None else latency * 24,
        retention_days=sla.get("retention"),
        path=path,
    )


def _table(document: Document, item: Mapping[str, Any]) -> Table:
    custom = {entry["property"]: entry.get("value") for entry in item.get("customProperties") or []}
    for entry in item.get("customProperties") or []:
        # The standard leaves custom properties open, so only what looks like a slip of ours is refused.
        if entry["property"] not in _TABLE_PROPERTIES and _near(entry["property"], _TABLE_PROPERTIES):
            raise document.error(
                entry, f"unknown property {entry['property']!r}; {_suggest(entry['property'], _TABLE_PROPERTIES)}"
            )
    form = custom.get("format", "json")
    if form not in FORMATS:
        raise document.error(item, f"format {form!r} of table {item.get('name')}; {_suggest(str(form), FORMATS)}")
    columns = tuple(_column(document, entry) for entry in document.need(item, "properties"))
    _unique(document, item["properties"], "column")
    if not any(column.key for column in columns):
        raise document.error(item, f"table {item['name']} has no key; mark its key with primaryKey: true")
    return Table(
        name=_name(document, item),
        description=item.get("description", ""),
        format=form,
        columns=columns,
        encoding=_encoding(document, item, custom.get("encoding", "utf-8")),
        max_record_bytes=int(custom.get("maxRecordBytes", MAX_RECORD_BYTES[form])),
        keep_raw=bool(custom.get("keepRaw", form != "csv")),
        max_quarantine_share=float(custom.get("maxQuarantineShare", 0.05)),
        path=item.get("physicalName") or _name(document, item),
    )


def _column(document: Document, item: Mapping[str, Any]) -> Column:
    name = _name(document, item)
    logical = document.need(item, "logicalType")
    if logical not in _PHYSICAL:
        raise document.error(
            item, f"logicalType {logical!r} of {name}; {_suggest(str(logical), _PHYSICAL)}", "logicalType"
        )
    physical = str(item.get("physicalType") or ("double" if logical == "number" else _PHYSICAL[logical][0])).lower()
    base = re.fullmatch(r"(\w+)(\(\d+, ?\d+\))?", physical)
    if base is None or base[1] not in _PHYSICAL[logical] or (base[1] == "decimal") != bool(base[2]):
        allowed = [kind if kind != "decimal" else "decimal(18,2)" for kind in _PHYSICAL[logical]]
        raise document.error(
            item, f"physicalType {physical!r} of {name} ({logical}); use {' or '.join(allowed)}", "physicalType"
        )
    options = item.get("logicalTypeOptions") or {}
    for option in options:
        if option not in _OPTIONS:
            raise document.error(options, f"option {option!r} of {name}; {_suggest(option, _OPTIONS)}", option)
    if "pattern" in options:
        _compiles(document, options, name)
    return Column(
        name=name,
        path=item.get("physicalName") or name,
        logical_type=logical,
        physical_type=physical.replace(" ", ""),
        required=bool(item.get("required")) or bool(item.get("primaryKey")),
        key=bool(item.get("primaryKey")),
        classification=item.get("classification", "internal"),
        description=item.get("description", ""),
        enum=_enum(document, item, name),
        pattern=options.get("pattern"),
        minimum=options.get("minimum"),
        maximum=options.get("maximum"),
        min_length=options.get("minLength"),
        max_length=options.get("maxLength"),
    )


def _enum(document: Document, item: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    for rule in item.get("quality") or []:
        if rule.get("metric") != "invalidValues" or rule.get("mustBe") != 0:
            raise document.error(rule, f"rule of {name}: only invalidValues with mustBe: 0 judges a single row")
        return tuple(str(value) for value in document.need(document.need(rule, "arguments"), "validValues"))
    return None


def _name(document: Document, item: Mapping[str, Any]) -> str:
    name = document.need(item, "name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise document.error(item, f"name {name!r}: use lower case letters, digits and underscores", "name")
    return name


def _unique(document: Document, items: list[Mapping[str, Any]], what: str) -> None:
    seen: set[str] = set()
    for item in items:
        if item["name"] in seen:
            raise document.error(item, f"{what} {item['name']!r} is there twice; remove one")
        seen.add(item["name"])


def _compiles(document: Document, options: Mapping[str, Any], name: str) -> None:
    try:
        re.compile(options["pattern"])
    except (re.error, TypeError) as error:
        raise document.error(options, f"pattern of {name} is not a regular expression: {error}", "pattern") from None


def _encoding(document: Document, item: Mapping[str, Any], encoding: str) -> str:
    try:
        # One byte a character, so that a record can be decoded without knowing its neighbours.
        single = all(len(bytes([byte]).decode(encoding, "replace")) == 1 for byte in range(256))
    except LookupError:
        single = False
    if encoding.lower() in ("utf-8", "utf8"):
        return "utf-8"
    if not single or "\n".encode(encoding) != b"\n":
        raise document.error(item, f"encoding {encoding!r} of table {item['name']}; use utf-8, cp1252 or iso-8859-15")
    return encoding


def _days(document: Document, item: Mapping[str, Any]) -> float:
    unit = str(item.get("unit", "d"))
    if unit not in _UNIT_DAYS or not isinstance(item.get("value"), int | float):
        raise document.error(
            item, f"{item.get('property')}: give a number as value and one of {list(_UNIT_DAYS)} as unit"
        )
    return item["value"] * _UNIT_DAYS[unit]


def _near(word: str, known: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)


def _suggest(word: str, known: Iterable[str]) -> str:
    known = list(known)
    near = _near(word, known)
    return f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(known)}"

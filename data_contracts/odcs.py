"""Reads one ODCS v3.1 document and keeps the line of every part, so that an error can point at it.

What the fields mean to us does not belong here; see `contract`.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml


class ContractError(ValueError):
    """A contract cannot be used; the message names file, line, field and what to do."""


@dataclass
class Document:
    """A parsed contract; `lines` maps the identity of each mapping, alone or with a key, to its line."""

    path: Path
    root: dict[str, Any] = field(default_factory=dict)
    lines: dict[Any, int] = field(default_factory=dict)

    def error(self, part: Any, message: str, key: str | None = None) -> ContractError:
        """An error at the line of `key` in `part`, or where `part` begins."""
        line = self.lines.get((id(part), key)) or self.lines.get(id(part))
        return ContractError(f"{self.path}{f':{line}' if line else ''}: {message}")

    def need(self, part: Mapping[str, Any], key: str) -> Any:
        """The value of `key`, which must be there and not empty."""
        value = part.get(key)
        if value is None or value == []:
            name = f" of {part['name']!r}" if part.get("name") else ""
            raise self.error(part, f"{key!r}{name} is missing; add it")
        return value


def read(path: Path) -> Document:
    """Parse and check the keys of the contract at `path`; raises ContractError."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ContractError(f"{path}{line}: not YAML: {error.problem}; check indentation and quotes here") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError(f"{path}: cannot be read: {error}") from None
    document = Document(path)
    root = _value(document, node)
    if not isinstance(root, dict):
        raise ContractError(f"{path}: empty, or not a mapping; start from another contract in this folder")
    document.root = root
    _check_keys(document)
    return document


def _value(document: Document, node: yaml.Node | None) -> Any:
    if isinstance(node, yaml.MappingNode):
        part: dict[str, Any] = {}
        document.lines[id(part)] = node.start_mark.line + 1
        for key, value in node.value:
            if key.value in part:
                raise ContractError(
                    f"{document.path}:{key.start_mark.line + 1}: {key.value!r} is there twice; remove one"
                )
            part[key.value] = _value(document, value)
            # A scalar has no identity of its own: remember where the key stands.
            document.lines[id(part), key.value] = key.start_mark.line + 1
        return part
    if isinstance(node, yaml.SequenceNode):
        return [_value(document, item) for item in node.value]
    if node is None:
        return None
    return yaml.SafeLoader("").construct_object(node, deep=True)


@cache
def _known_keys() -> dict[str, frozenset[str]]:
    # The model takes half a second to import, so only when a contract is really read.
    from open_data_contract_standard import model

    parts = {
        "contract": model.OpenDataContractStandard,
        "table": model.SchemaObject,
        "column": model.SchemaProperty,
        "rule": model.DataQuality,
        "custom property": model.CustomProperty,
        "service level": model.ServiceLevelAgreementProperty,
    }
    return {
        name: frozenset(info.alias or key for key, info in part.model_fields.items()) for name, part in parts.items()
    }


def _check_keys(document: Document) -> None:
    """Refuse every key the standard does not know: a misspelt rule would otherwise be a rule nobody keeps."""
    root = document.root
    _refuse_unknown(document, root, "contract")
    if not str(root.get("apiVersion", "")).startswith("v3.1"):
        raise ContractError(f"{document.path}: apiVersion is {root.get('apiVersion')!r}; write v3.1.0")
    for item in _parts(document, root, "slaProperties"):
        _refuse_unknown(document, item, "service level")
        document.need(item, "property")
    for table in _parts(document, root, "schema"):
        _refuse_unknown(document, table, "table")
        for item in _parts(document, table, "customProperties"):
            _refuse_unknown(document, item, "custom property")
            document.need(item, "property")
        for column in _parts(document, table, "properties"):
            _refuse_unknown(document, column, "column")
            document.need(column, "name")
            for rule in _parts(document, column, "quality"):
                _refuse_unknown(document, rule, "rule")


def _parts(document: Document, part: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    items = part.get(key) or []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise document.error(part, f"{key!r} must be a list of mappings")
    return items


def _refuse_unknown(document: Document, part: Mapping[str, Any], what: str) -> None:
    known = _known_keys()[what]
    for key in part:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "remove it, or put it under customProperties"
            name = f" {part['name']!r}" if part.get("name") else ""
            raise document.error(part, f"unknown key {key!r} in {what}{name}; {hint}", key)

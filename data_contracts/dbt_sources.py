"""Writes the dbt source file of each system from its contract, so that no column is declared twice.

Staging models do not belong here; a test asserts that the committed files are what this renders.
"""

from pathlib import Path
from typing import Any

import yaml

from data_contracts.contract import Contract, Table, load, systems
from data_contracts.landed import QUARANTINE_SUFFIX, layout

_HEADER = (
    "# Generated from data_contracts/sources/{system}.odcs.yaml by python -m data_contracts.dbt_sources: edit that.\n"
)
_WIDTH = 110


class _Indented(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        return super().increase_indent(flow, False)


def render(contract: Contract) -> str:
    """The text of `_<system>__sources.yml`: resources, their quarantine, batches and replays."""
    source = {
        "name": contract.system,
        "description": contract.description,
        "schema": contract.system,
        "config": {"meta": {"channel": contract.channel, "latency_hours": contract.latency_hours}},
        "tables": [_entry(contract, name, columns) for name, columns in layout(contract).items()],
    }
    body = yaml.dump(
        {"version": 2, "sources": [source]}, Dumper=_Indented, sort_keys=False, width=_WIDTH, allow_unicode=True
    )
    return _HEADER.format(system=contract.system) + body


def _entry(contract: Contract, name: str, columns: list[tuple[str, str, str]]) -> dict[str, Any]:
    tables = {table.name: table for table in contract.tables}
    resource = name.removesuffix(QUARANTINE_SUFFIX)
    table = tables.get(resource)
    return {
        "name": name,
        "description": _description(name, table),
        "config": {"meta": {"dagster": {"asset_key": ["landing", contract.system, name]}}},
        "columns": [_column(column, table) for column in columns],
    }


def _description(name: str, table: Table | None) -> str:
    if name == "batches":
        return "One row per file or set of API pages per load."
    if name == "replays":
        return "One row per quarantined row that has landed since."
    if name.endswith(QUARANTINE_SUFFIX):
        return f"One row per refused record of {table.name}."
    return f"{table.description} One row per record received; key: {', '.join(table.keys)}."


def _column(column: tuple[str, str, str], table: Table | None) -> dict[str, Any]:
    name, data_type, description = column
    entry: dict[str, Any] = {"name": name, "data_type": data_type, "description": description}
    declared = {c.name: c for c in table.columns} if table else {}
    if name in declared:
        entry["config"] = {"meta": {"classification": declared[name].classification}}
    elif name == "_raw":
        personal = any(c.classification != "internal" for c in declared.values())
        entry["config"] = {"meta": {"classification": "personal" if personal else "internal"}}
    return entry


def _target(dbt_project_dir: Path, system: str) -> Path:
    return dbt_project_dir / "models" / "staging" / system / f"_{system}__sources.yml"


def stale(dbt_project_dir: Path) -> list[Path]:
    """Source files that are missing or not what their contract renders."""
    found = []
    for system in systems():
        path = _target(dbt_project_dir, system)
        if not path.exists() or path.read_text(encoding="utf-8") != render(load(system)):
            found.append(path)
    return found


def write_all(dbt_project_dir: Path) -> list[Path]:
    """Write the stale source files and return them."""
    found = stale(dbt_project_dir)
    for path in found:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render(load(path.parent.name)), encoding="utf-8")
    return found


if __name__ == "__main__":
    write_all(Path(__file__).resolve().parents[1] / "dbt_project")

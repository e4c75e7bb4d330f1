"""Columns of dbt models traced back to the fields of sources that their values come from, through the compiled SQL.

What is followed is the expression of a column, model by model; not what filters, joins or groups its rows, which
decides what is in a table rather than what a value is. A table that Python makes (people, segments, scores)
ends the way: any column of it may come from whatever that code reads, and taking that for lineage would find a loop
wherever identity has read a record. Such an end is told by the table's name, as a hint, and refuses nothing; the
registry says in `depends_on` what it means. The project is compiled for the purpose, which takes seconds: this is for a
command, never for loading definitions.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlglot import exp, parse_one
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

from orchestration.settings import Settings
from orchestration.warehouse import dbt

_LANDED = re.compile(r"/landing/(\w+)/(\w+)/\*")
# Where a landed file stands as a table while names are resolved.
_LANDING = "landing"
Column = tuple[str, str]


@dataclass(frozen=True)
class Origin:
    """Where a column's values come from: landed columns as (`<system>.<table>`, column), and tables made by Python."""

    landed: frozenset[Column] = frozenset()
    opaque: frozenset[str] = frozenset()


@dataclass
class Lineage:
    """The origin of any column of the models given, worked out when asked for."""

    scopes: dict[str, Scope] = field(default_factory=dict)
    landed: frozenset[str] = frozenset()
    known: dict[Column, Origin] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, models: Iterable[tuple[str, str]], landed: Mapping[str, list[str]], made: Mapping[str, list[str]]):
        """Models as (`<schema>.<table>`, SQL), each after those it reads; columns of landed tables and of Python's."""
        found = cls(landed=frozenset(landed))
        schema: dict[str, dict[str, dict[str, str]]] = {}
        tables = {**{f"{_LANDING}.{name.replace('.', '__')}": columns for name, columns in landed.items()}, **made}
        for name, columns in tables.items():
            _remember(schema, name, columns)
        for name, sql in models:
            try:
                tree = qualify(
                    _plain(sql), schema=schema, dialect="duckdb", validate_qualify_columns=False, identify=False
                )
            except Exception as error:  # a model that cannot be followed ends the way, like a table made by Python
                found.unread[name] = str(error).splitlines()[0]
                continue
            found.scopes[name] = build_scope(tree)
            _remember(schema, name, tree.named_selects)
        return found

    def origin(self, table: str, column: str) -> Origin:
        """Where the values of a column come from."""
        if (table, column) not in self.known:
            # A model that reads itself, as an incremental one may, adds nothing of its own.
            self.known[table, column] = Origin()
            self.known[table, column] = self._traced(table, column)
        return self.known[table, column]

    def _traced(self, table: str, column: str) -> Origin:
        if table not in self.scopes:
            schema, _, name = table.partition(".")
            landed = name.replace("__", ".", 1)
            if schema == _LANDING and landed in self.landed:
                return Origin(frozenset({(landed, column)}))
            return Origin(opaque=frozenset({table}))
        ends = [self.origin(*leaf) for leaf in self._leaves(table, column)]
        return Origin(
            frozenset().union(*(end.landed for end in ends)), frozenset().union(*(end.opaque for end in ends))
        )

    def _leaves(self, table: str, column: str) -> Iterator[Column]:
        """Columns of other tables that a column is made of."""
        scope = self.scopes[table]
        if column not in scope.expression.named_selects:
            return
        root = lineage(column, scope.expression, schema={}, dialect="duckdb", scope=scope, copy=False)
        for node in root.walk():
            if isinstance(node.source, exp.Table) and node.source.name:
                yield f"{node.source.db}.{node.source.name}", node.name.rpartition(".")[2].strip('"')


def _remember(schema: dict[str, dict[str, dict[str, str]]], table: str, columns: Iterable[str]) -> None:
    place, name = table.split(".", 1)
    if listed := dict.fromkeys(columns, "varchar"):
        schema.setdefault(place, {})[name] = listed


def _plain(sql: str) -> exp.Expression:
    """The query with every landed file as a table of schema `landing`, and no name of a database."""
    tree = parse_one(sql, dialect="duckdb")
    for table in list(tree.find_all(exp.Table)):
        told = _LANDED.search(table.sql("duckdb")) if isinstance(table.this, exp.Func) else None
        if told:
            landed = exp.to_table(f"{_LANDING}.{told[1]}__{told[2]}")
            landed.set("alias", table.args.get("alias"))
            table.replace(landed)
        elif table.args.get("catalog"):
            table.set("catalog", None)
    return tree


def compiled() -> Lineage:
    """The lineage of every payload model of the project as it is on disk. Raises DbtError."""
    from data_contracts.contract import readable
    from data_contracts.landed import layout

    with TemporaryDirectory(prefix="tessera-") as folder:
        manifest = _manifest(Settings(home=Path(folder)))
    landed = {
        f"{contract.system}.{table}": [name for name, _, _ in columns]
        for contract in readable()[0]
        for table, columns in layout(contract).items()
    }
    made = {f"{one['schema']}.{one['identifier']}": list(one["columns"]) for one in manifest["sources"].values()}
    return Lineage.of(_in_order(manifest["nodes"]), landed, made)


def _manifest(settings: Settings) -> Mapping[str, Any]:
    """The manifest with the SQL of every payload and of what it is built from, as on a first run."""
    settings.spill.mkdir(parents=True)
    target = dbt.target_folder(settings)
    folders = ["--project-dir", str(dbt.PROJECT_DIR), "--profiles-dir", str(dbt.PROJECT_DIR)]
    command = [str(Path(sys.executable).with_name("dbt")), "--quiet", "compile", *folders, "--target-path", str(target)]
    command += ["--log-path", str(target / "logs"), "--select", "+path:models/activation,resource_type:model"]
    ran = subprocess.run(
        command, env={**os.environ, **dbt.environment(settings)}, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise dbt.DbtError(f"dbt cannot compile the project: {ran.stdout.strip() or ran.stderr.strip()}")
    return json.loads((target / "manifest.json").read_text())


def _in_order(nodes: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Compiled models as (`<schema>.<table>`, SQL), each after those it reads."""
    from graphlib import TopologicalSorter

    models = {key: one for key, one in nodes.items() if one["resource_type"] == "model" and one.get("compiled_code")}
    order = TopologicalSorter({key: models.keys() & set(one["depends_on"]["nodes"]) for key, one in models.items()})
    return [
        (f"{models[key]['schema']}.{models[key]['alias']}", models[key]["compiled_code"])
        for key in order.static_order()
    ]

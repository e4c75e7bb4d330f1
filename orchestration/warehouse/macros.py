"""dbt macros that clean one value, rendered outside dbt: whoever cleans a value the same way asks them, not a copy.

Only macros of `macros/normalise` that need nothing but the portable ones; models are dbt's.
"""

import re
from functools import cache
from typing import Any

import yaml

from orchestration.settings import PROJECT_ROOT

_PROJECT = PROJECT_ROOT / "dbt_project"
_FOLDERS = ("normalise", "portable")


class _Adapter:
    """Answers `adapter.dispatch` with DuckDB's macro, else the default one."""

    def __init__(self) -> None:
        self.macros: dict[str, Any] = {}

    def dispatch(self, name: str) -> Any:
        return self.macros.get(f"duckdb__{name}") or self.macros[f"default__{name}"]


@cache
def _macros() -> dict[str, Any]:
    from jinja2 import Environment

    project = yaml.safe_load((_PROJECT / "dbt_project.yml").read_text())
    adapter = _Adapter()
    environment = Environment(extensions=["jinja2.ext.do"])
    environment.globals |= {
        "adapter": adapter,
        "var": lambda name, default=None: project["vars"].get(name, default),
        "return": lambda value: value,
    }
    texts = [file.read_text() for folder in _FOLDERS for file in sorted((_PROJECT / "macros" / folder).glob("*.sql"))]
    # One template: a macro sees those beside it only.
    module = environment.from_string("\n".join(texts)).module
    adapter.macros |= {name: getattr(module, name) for name in re.findall(r"macro (\w+)\(", "\n".join(texts))}
    return adapter.macros


def render(macro: str, column: str) -> str:
    """The SQL, for DuckDB, of a macro over a column."""
    return str(_macros()[macro](column)).strip()

"""Who may import whom, and where things lie: the walls of the map in the README."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("data_contracts", "ingestion", "orchestration")
PYTHON = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
DAGSTER_ROOMS = ("orchestration/defs/", "orchestration/components/", "orchestration/definitions.py")


def _imports(path: Path, *, top_level_only: bool = False) -> set[str]:
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level_only else ast.walk(tree)
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found


def _relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _id(path: Path) -> str:
    return _relative(path)


@pytest.mark.parametrize("path", PYTHON, ids=_id)
def test_only_its_rooms_import_dagster_at_the_top(path):
    if _relative(path).startswith(DAGSTER_ROOMS):
        return
    assert not {name for name in _imports(path, top_level_only=True) if name.split(".")[0].startswith("dagster")}


@pytest.mark.parametrize("path", [p for p in PYTHON if _relative(p).startswith("ingestion/")], ids=_id)
def test_ingestion_knows_neither_dagster_nor_orchestration(path):
    assert not {name for name in _imports(path) if name.split(".")[0] in {"dagster", "dagster_dbt", "orchestration"}}


@pytest.mark.parametrize("path", [p for p in PYTHON if _relative(p).startswith("data_contracts/")], ids=_id)
def test_contracts_import_only_their_model(path):
    allowed = {"data_contracts", "open_data_contract_standard", "pydantic", "yaml"}
    import sys

    outside = {name.split(".")[0] for name in _imports(path)} - allowed - set(sys.stdlib_module_names)
    assert not outside


HEAVY = {"great_expectations", "splink", "dbt", "sklearn"}


@pytest.mark.parametrize("path", PYTHON, ids=_id)
def test_heavy_packages_are_imported_where_they_are_used(path):
    assert not {name.split(".")[0] for name in _imports(path, top_level_only=True)} & HEAVY


@pytest.mark.parametrize("path", PYTHON, ids=_id)
def test_no_drawer_for_odds_and_ends(path):
    assert not {"utils", "util", "helpers", "helper", "manager", "common", "misc"} & set(
        _relative(path).removesuffix(".py").split("/")
    )


@pytest.mark.parametrize("path", PYTHON, ids=_id)
def test_modules_say_what_they_hold(path):
    source = path.read_text()
    assert not source.strip() or ast.get_docstring(ast.parse(source)), "a module needs a docstring"


def test_sources_are_one_module_one_contract_one_staging_folder():
    from ingestion.discover import discover

    modules = set(discover())
    contracts = {path.name.removesuffix(".odcs.yaml") for path in (ROOT / "data_contracts/sources").glob("*.odcs.yaml")}
    folders = {path.name for path in (ROOT / "dbt_project/models/staging").iterdir() if path.is_dir()}
    assert modules == contracts == folders


def test_only_staging_reads_landing():
    systems = "|".join(
        path.name.removesuffix(".odcs.yaml") for path in (ROOT / "data_contracts/sources").glob("*.yaml")
    )
    reads = re.compile(rf"\b(landed|landed_files|last_version|current_batches)\(|\bsource\('({systems})'")
    readers = {
        path.relative_to(ROOT / "dbt_project/models").parts[0]
        for path in (ROOT / "dbt_project/models").rglob("*.sql")
        if reads.search(path.read_text())
    }
    assert readers == {"staging"}


def test_no_model_asks_the_clock():
    clocks = re.compile(r"\b(now|current_timestamp|current_date|getdate|today)\s*\(|\bcurrent_(date|timestamp)\b", re.I)
    guilty = [
        _relative(path) for path in (ROOT / "dbt_project/models").rglob("*.sql") if clocks.search(path.read_text())
    ]
    assert not guilty


def test_workspace_and_project_agree_on_the_location():
    import tomllib

    import yaml

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["dg"]["project"]
    location = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"][0]["python_module"]
    assert project["code_location_name"] == location["location_name"]


def test_locks_name_no_host():
    for lock in ROOT.glob("requirements*.lock"):
        assert "://" not in lock.read_text(), lock.name


def test_every_path_the_readme_names_is_there():
    named = set(
        re.findall(
            r"`((?:data_contracts|dbt_project|ingestion|orchestration|tests|docs|bench)/[\w./-]*)`",
            (ROOT / "README.md").read_text(),
        )
    )
    assert named, "the README carries a map"
    assert not [path for path in named if not (ROOT / path).exists()]


TOP_LEVEL = {
    ".ci", ".gitignore", ".pre-commit-config.yaml", ".sqlfluff", ".yamllint", "LICENSE", "Makefile", "README.md",
    "bench", "data_contracts", "dbt_project", "docs", "ingestion", "orchestration", "pyproject.toml",
    "requirements.lock", "requirements-dev.lock", "requirements-duckdb2.lock", "requirements-spark.lock", "tests",
    "workspace.yaml",
}  # fmt: skip


def test_nothing_else_lies_at_the_top():
    import subprocess

    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    assert {path.split("/")[0] for path in tracked} <= TOP_LEVEL

"""The check every YAML document carries: a document that cannot be read is a red asset, and the rest loads."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import dagster as dg

from orchestration.settings import PROJECT_ROOT

VALID = "document_is_valid"


class Problem(Protocol):
    """What is wrong at one line of a document."""

    file: Path
    line: int
    message: str


def validity_check(key: dg.AssetKey) -> dg.AssetCheckSpec:
    """The check that says whether the document behind the asset `key` can be used."""
    return dg.AssetCheckSpec(VALID, asset=key, description="The YAML document can be read and names only what exists.")


def valid(key: dg.AssetKey) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(check_name=VALID, asset_key=key, passed=True)


def invalid(key: dg.AssetKey, *, message: str) -> dg.AssetCheckResult:
    """The red result; `message` names the document's file and line, what is wrong and what to do."""
    return dg.AssetCheckResult(check_name=VALID, asset_key=key, passed=False, metadata={"what": message})


def broken_assets(group: str, problems: Iterable[Problem]) -> list[dg.AssetsDefinition]:
    """One asset `<group>/<file>` per document nobody can use: it does nothing but show the red check."""
    told: dict[Path, list[str]] = {}
    for problem in problems:
        told.setdefault(problem.file, []).append(f"{_shown(problem.file)}:{problem.line}: {problem.message}")
    return [_broken(dg.AssetKey([group, file.stem]), group, "; ".join(lines)) for file, lines in told.items()]


def _shown(file: Path) -> Path:
    return file.relative_to(PROJECT_ROOT) if file.is_relative_to(PROJECT_ROOT) else file


def _broken(key: dg.AssetKey, group: str, message: str) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=re.sub(r"\W", "_", f"broken_{'_'.join(key.path)}"),
        specs=[dg.AssetSpec(key, group_name=group, description=f"Not in use: {message}", skippable=True)],
        check_specs=[validity_check(key)],
    )
    def broken(context: dg.AssetExecutionContext):
        context.log.error(message)
        yield invalid(key, message=f"{message}; correct it and run again, the other documents are in use")

    return broken

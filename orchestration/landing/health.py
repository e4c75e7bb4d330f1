"""How each source did at its last landing, kept beside its data, so that what depends on a sick one can stop."""

import json
from collections.abc import Iterable
from pathlib import Path

from orchestration.errors import TesseraError
from orchestration.settings import Settings


class SickSourceError(TesseraError):
    """A source that something requires was not well at its last landing."""


def _file(settings: Settings, system: str) -> Path:
    return settings.landing / system / "_health.json"


def remember(settings: Settings, system: str, problems: list[str]) -> None:
    """Keep what was wrong at the landing that just ended; an empty list means well."""
    path = _file(settings, system)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps({"problems": problems}))
    draft.replace(path)


def problems_of(settings: Settings, system: str) -> list[str]:
    """What was wrong at the last landing of a system; empty when well or never landed."""
    path = _file(settings, system)
    return json.loads(path.read_text())["problems"] if path.exists() else []


def require_healthy(settings: Settings, systems: Iterable[str]) -> None:
    """Raise SickSourceError naming each of `systems` that was not well at its last landing."""
    sick = {system: problems for system in systems if (problems := problems_of(settings, system))}
    if sick:
        told = "; ".join(f"{system}: {problems[0]}" for system, problems in sick.items())
        raise SickSourceError(f"a source this depends on is not well ({told}): mend it and land again; nothing was sent")

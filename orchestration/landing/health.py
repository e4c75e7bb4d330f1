"""How each source did at its last landing, kept beside its data, so that what depends on a sick one can stop."""

import json
from collections.abc import Iterable
from pathlib import Path

from orchestration.settings import Settings


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


def sick_sources(settings: Settings, systems: Iterable[str]) -> str | None:
    """A sentence naming each of `systems` that was not well at its last landing, and why; None when all were."""
    sick = {system: problems for system in systems if (problems := problems_of(settings, system))}
    if not sick:
        return None
    told = "; ".join(f"{system}: {problems[0].removeprefix(f'{system}: ')}" for system, problems in sick.items())
    return f"a source this requires is not well ({told}): mend it and land again, the next run sends what waits"

"""Which trained model made a partition: its version, and a copy of every one that was ever applied.

How a model is trained is in `link`; here it is a file.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path

from orchestration.identity import dictionaries, model
from orchestration.settings import Settings


def path(settings: Settings) -> Path:
    """Where the model in use lies: beside the kept ones, which share its dictionaries."""
    return settings.root / "identity" / "models" / f"in-use-{model.VERSION}.json"


def of(file: Path) -> str:
    """The version of a trained model: that of its definition, and of what was learned."""
    learned = hashlib.md5(file.read_bytes()).hexdigest()[:10] if file.exists() else "untrained"
    return f"{model.VERSION}-{learned}"


def keep(settings: Settings) -> None:
    """Keep a copy of the model in use, by its version."""
    used = path(settings)
    kept = _kept(settings, of(used))
    if used.exists() and not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        _bring_dictionary(used, kept)
        shutil.copyfile(used, kept)


def install(settings: Settings, file: Path) -> None:
    """Make a trained model the one in use, in one step."""
    _bring_dictionary(file, path(settings))
    unfinished = path(settings).with_suffix(".tmp")
    shutil.copyfile(file, unfinished)
    os.replace(unfinished, path(settings))


def bring_back(settings: Settings, version: str) -> bool:
    """Make a kept version the one in use again; False when its copy, or its definition, is no more."""
    kept = _kept(settings, version)
    if not kept.exists() or not version.startswith(f"{model.VERSION}-"):
        return False
    install(settings, kept)
    return True


def _bring_dictionary(file: Path, target: Path) -> None:
    """What a model knows of words lies beside it, under a name of its own, and must be there before it."""
    name = json.loads(file.read_text(encoding="utf-8")).get("dictionary")
    dictionaries.bring(name, file.parent, target.parent)


def _kept(settings: Settings, version: str) -> Path:
    return settings.root / "identity" / "models" / f"{version}.json"

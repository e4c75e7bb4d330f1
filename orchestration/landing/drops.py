"""What lies in the drop folders, at a glance: cheap enough for a sensor. Reading the files is `ingestion`'s."""

import hashlib
import os
from difflib import get_close_matches
from pathlib import Path

from ingestion.discover import discover
from orchestration.settings import Settings


def drops_folder(settings: Settings) -> Path:
    """`$TESSERA_DROPS`, else `drops` in the home."""
    return Path(os.environ.get("TESSERA_DROPS") or settings.root / "drops")


def marks(settings: Settings, system: str) -> dict[str, int | str]:
    """Number of files of a system and a fingerprint of their names, sizes and times; contents are not read."""
    folder = drops_folder(settings) / system
    digest, count = hashlib.sha256(), 0
    for path in sorted(folder.rglob("*")) if folder.exists() else ():
        if path.is_file():
            stat = path.stat()
            digest.update(f"{path.relative_to(folder)}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
            count += 1
    return {"files": count, "fingerprint": digest.hexdigest()[:16]}


def nobodys_folders(settings: Settings) -> list[str]:
    """A sentence for each folder among the drops that no source reads: perhaps its name is misspelt."""
    root, systems = drops_folder(settings), sorted(discover())
    folders = sorted(path for path in root.glob("[!._]*") if path.is_dir() and path.name not in systems)
    return [f"{path}: no source has this name{_nearest(path.name, systems)}; nothing in it is read" for path in folders]


def _nearest(name: str, systems: list[str]) -> str:
    near = get_close_matches(name, systems, n=1)
    return f" (is it {near[0]!r}?)" if near else ""

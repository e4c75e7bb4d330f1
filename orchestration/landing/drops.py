"""What lies in the drop folders, at a glance: cheap enough for a sensor. Reading the files is `ingestion`'s."""

import hashlib
import os
from pathlib import Path

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

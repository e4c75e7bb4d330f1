"""Room on the disk, asked before a run starts, so that it does not die half-way."""

import shutil

from orchestration.errors import TesseraError
from orchestration.settings import Settings

# A publish writes the marts anew beside the old ones, and a rebuild the warehouse: twice the file is the worst case.
_FACTOR = 2
_LEAST_BYTES = 256 * 1024**2


class DiskFullError(TesseraError):
    """Too little room for a run."""


def require_room(settings: Settings) -> None:
    """Raise DiskFullError unless twice the warehouse (at least 256 MB) is free where the home lies."""
    size = settings.warehouse.stat().st_size if settings.warehouse.exists() else 0
    needed = max(_LEAST_BYTES, _FACTOR * size)
    free = shutil.disk_usage(settings.root).free
    if free < needed:
        raise DiskFullError(
            f"{settings.root} has {free / 1024**2:,.0f} MB free and a run may need {needed / 1024**2:,.0f} MB: "
            "free some space, or move the home to a larger disk with TESSERA_HOME, and run again; nothing was changed"
        )

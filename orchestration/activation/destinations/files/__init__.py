"""Audience files: the whole audience as of one day, as CSV for people and as Parquet, unaltered, for machines.

`drafts` writes them, `home` puts them in the home, `remote` to another place: a folder, SFTP or an object store. Who is
in an audience is the payload model's business.
"""

import os

from orchestration.activation.destination import Capabilities, Run, SnapshotDestination, standard_canonical
from orchestration.activation.destinations.files.home import HomeFolder
from orchestration.activation.destinations.files.remote import RemoteFolder
from orchestration.activation.document import SyncDocument
from orchestration.settings import Settings

CAPABILITIES = Capabilities(
    objects=frozenset({"audience"}),
    modes=frozenset({"mirror"}),
    exits=frozenset({"delete"}),
    any_field=True,
    delivery="snapshot",
)
canonical = standard_canonical


def connect(settings: Settings, sync: SyncDocument, run: Run) -> SnapshotDestination:
    """The folder of the sync's audience, below FILES_URL if that is set, else in the home of this environment."""
    home = settings.root / "exports" / sync.name
    url = os.environ.get("FILES_URL", "").strip().rstrip("/")
    return RemoteFolder(settings, f"{url}/{sync.name}", home, run) if url else HomeFolder(home, run)

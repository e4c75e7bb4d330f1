"""Audience files: `exports/<name>/<as_of>.csv` for people and `.parquet` for machines, `latest.*` always the newest.

Both hold the whole audience. Who is in it is the payload model's business.
"""

import os
from datetime import date
from pathlib import Path

import duckdb

from orchestration.activation.destination import Capabilities, Run, standard_canonical
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
# A spreadsheet runs a cell that begins so; an apostrophe before it makes it text.
_FORMULA = "^[=+\\-@\\t\\r\\n]"


class AudienceFiles:
    """The folder of one audience."""

    def __init__(self, folder: Path, as_of: date) -> None:
        self.endpoint = str(folder)
        self._folder, self._as_of = folder, as_of

    def write(self, con: duckdb.DuckDBPyConnection, rows: str) -> dict[str, str]:
        """Write both files beside their places, then put them there, each in one step; returns their paths."""
        self._folder.mkdir(parents=True, exist_ok=True)
        columns = con.execute(f"describe {rows}").fetchall()
        fields = [(name, kind) for name, kind, *_ in columns if name != "_key"]
        formats = {
            "csv": (", ".join(_safe(name, kind) for name, kind in fields), "format csv, header"),
            "parquet": (", ".join(f'"{name}"' for name, _ in fields), "format parquet, compression zstd"),
        }
        written = {}
        for extension, (selection, options) in formats.items():
            draft = self._folder / f".{self._as_of}.{extension}.draft"
            con.execute(f"copy (select {selection} from {rows} order by _key) to '{draft}' ({options})")
            written[extension] = draft
        for extension, draft in written.items():
            written[extension] = self._put(draft, f"{self._as_of}.{extension}", f"latest.{extension}")
        return {extension: str(file) for extension, file in written.items()}

    def _put(self, draft: Path, name: str, alias: str) -> Path:
        file = self._folder / name
        os.replace(draft, file)
        link = self._folder / f".{alias}.draft"
        link.unlink(missing_ok=True)
        link.symlink_to(name)
        os.replace(link, self._folder / alias)
        return file

    def close(self) -> None:
        """Nothing is held open."""


def _safe(name: str, kind: str) -> str:
    """A column for a spreadsheet; numbers and dates are no formulas."""
    if kind != "VARCHAR":
        return f'"{name}"'
    return f'case when regexp_matches("{name}", \'{_FORMULA}\') then \'\'\'\' || "{name}" else "{name}" end as "{name}"'


def connect(settings: Settings, sync: SyncDocument, run: Run) -> AudienceFiles:
    """The folder of the sync's audience under the home of this environment."""
    return AudienceFiles(settings.root / "exports" / sync.name, run.as_of)

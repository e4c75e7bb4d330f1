"""Audience files in the home: `exports/<name>/<as_of>.*`, and `latest.*` for the newest."""

import os
from pathlib import Path

import duckdb

from orchestration.activation.destination import Run
from orchestration.activation.destinations.files.drafts import write_drafts


class HomeFolder:
    """The folder of one audience."""

    def __init__(self, folder: Path, run: Run) -> None:
        self.endpoint = str(folder)
        self._folder, self._run = folder, run

    def write(self, con: duckdb.DuckDBPyConnection, rows: str) -> dict[str, str]:
        """Write the files beside their places, then put them there, each in one step; returns their paths."""
        drafts = write_drafts(con, rows, self._folder, self._run)
        return {extension: str(self._put(draft, extension)) for extension, draft in drafts.items()}

    def _put(self, draft: Path, extension: str) -> Path:
        file = self._folder / f"{self._run.as_of}.{extension}"
        os.replace(draft, file)
        link = self._folder / f".latest.{extension}.draft"
        link.unlink(missing_ok=True)
        link.symlink_to(file.name)
        os.replace(link, self._folder / f"latest.{extension}")
        return file

    def close(self) -> None:
        """Nothing is held open."""

"""Every setting of a run, from the environment; where each kind of state lives.

Secrets of a source or a destination do not belong here: their modules read them when they connect.
"""

from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parents[1]


class Settings(BaseSettings):
    """What `TESSERA_*` variables say, with defaults that suit one laptop."""

    model_config = SettingsConfigDict(env_prefix="TESSERA_", frozen=True)

    home: Path = Path(".tessera")
    env: Literal["dev", "staging", "prod"] = "dev"
    as_of: date | None = None
    memory_limit: str = "4GB"
    threads: int = Field(default=2, ge=1)
    lock_timeout_seconds: float = 20.0
    notify_url: str | None = None

    @property
    def root(self) -> Path:
        return self.home.expanduser().resolve()

    @property
    def landing(self) -> Path:
        """Append-only Parquet, by system and resource."""
        return self.root / "landing"

    @property
    def warehouse(self) -> Path:
        """The working database; can always be rebuilt."""
        return self.root / "warehouse.duckdb"

    @property
    def state(self) -> Path:
        """Id registry, ledgers, decisions, sync state: backed up, never rebuilt."""
        return self.root / "state.duckdb"

    @property
    def published(self) -> Path:
        return self.root / "published"

    @property
    def dlt(self) -> Path:
        return self.root / "dlt"

    @property
    def spill(self) -> Path:
        return self.root / "spill"

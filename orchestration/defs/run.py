"""What every step of a run shares: settings, the business day it is for, the writer lane, who owns what.

No asset and no logic of a stage belongs here.
"""

from datetime import date

import dagster as dg

from orchestration.landing.business_day import latest_business_day
from orchestration.settings import Settings

OWNERS = ["team:data"]
WRITER = "duckdb_writer"
AS_OF_TAG = "tessera/as_of"


def settings() -> Settings:
    """The settings of this process, read from the environment each time."""
    return Settings()


def as_of(context: dg.AssetExecutionContext | dg.OpExecutionContext) -> date:
    """The business day of the run: its tag, else `TESSERA_AS_OF`, else the latest complete day landed."""
    tag = context.run.tags.get(AS_OF_TAG)
    return date.fromisoformat(tag) if tag else latest_business_day(settings())

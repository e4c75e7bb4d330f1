"""Which business day a run is for, when nobody says: the latest complete one that has landed."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pyarrow.parquet as pq

from data_contracts.landed import QUARANTINE_SUFFIX
from ingestion import layout
from orchestration.errors import TesseraError
from orchestration.settings import Settings
from orchestration.warehouse import engine

DAY = "business_date"
# A day with fewer rows than this share of the median day is a stray date on a few rows, not a day that was traded.
_COMPLETE_SHARE = 0.05


class NothingLandedError(TesseraError):
    """No source has landed anything a business day could be told from."""


def latest_business_day(settings: Settings) -> date:
    """`TESSERA_AS_OF` if set, else the newest complete business date of any landed table that has one.

    Tills close a day before they drop it, so a day that has landed is complete; a stray future date on a few rows is
    passed over, and so is a batch that was taken back. A day that was withdrawn still counts: it was traded, and runs
    do not go back in time. Raises NothingLandedError when there is none.
    """
    if settings.as_of:
        return settings.as_of
    with engine.memory(settings) as con:
        days = [_latest(con, settings, system, table) for system, table in _dated_tables(settings)]
    known = [day for day in days if day is not None]
    if not known:
        raise NothingLandedError(
            f"no business day has landed in {settings.landing}: land one, e.g. `tessera land receipts`, or say which "
            "day the run is for: `tessera run daily --as-of 2026-01-31`, or TESSERA_AS_OF=2026-01-31"
        )
    return max(known)


def _dated_tables(settings: Settings) -> Iterator[tuple[str, str]]:
    """System and name of each landed table with a business date; a contract that cannot be read hides none of them."""
    for path in sorted(settings.landing.glob(f"*/*/{layout.SCHEMA_FILE}")):
        table = path.parent.name
        if not table.endswith(QUARANTINE_SUFFIX) and DAY in pq.read_schema(path).names:
            yield path.parents[1].name, table


def _latest(con: Any, settings: Settings, system: str, table: str) -> date | None:
    return con.execute(
        f"""
        with days as (
            select {DAY} as day, count(*) as count_rows from {layout.complete(settings.root, system, table)} as t
            where {DAY} is not null and _batch_id not in (
                select batch_id from {layout.complete(settings.root, system, "batches")} as b where status = 'rejected'
            )
            group by 1
        )
        select max(day) from days where count_rows >= {_COMPLETE_SHARE} * (select median(count_rows) from days)
        """
    ).fetchall()[0][0]

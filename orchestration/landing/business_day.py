"""Which business day a run is for, when nobody says: the latest complete one that has landed."""

from datetime import date

from data_contracts.contract import load, systems
from orchestration.errors import TesseraError
from orchestration.settings import Settings
from orchestration.warehouse import engine

DAY = "business_date"
# A day with fewer rows than this share of the median day is a stray date on a few rows, not a day that was traded.
_COMPLETE_SHARE = 0.05


class NothingLandedError(TesseraError):
    """No source has landed anything a business day could be told from."""


def latest_business_day(settings: Settings) -> date:
    """`TESSERA_AS_OF` if set, else the newest complete business date of any landed table whose contract has one.

    Tills close a day before they drop it, so a day that has landed is complete; a stray future date on a few rows is
    passed over. Raises NothingLandedError when there is none.
    """
    if settings.as_of:
        return settings.as_of
    days = []
    with engine.memory(settings) as con:
        for contract in map(load, systems()):
            for table in contract.tables:
                folder = settings.landing / contract.system / table.name
                if any(column.name == DAY for column in table.columns) and any(folder.glob("*.parquet")):
                    days += con.execute(
                        f"with days as (select {DAY} as day, count(*) as count_rows "
                        f"from read_parquet('{folder}/*.parquet', union_by_name = true) "
                        f"where {DAY} is not null group by 1) "
                        f"select max(day) from days where count_rows >= "
                        f"{_COMPLETE_SHARE} * (select median(count_rows) from days)"
                    ).fetchall()[0]
    known = [day for day in days if day is not None]
    if not known:
        raise NothingLandedError(
            f"no business day has landed in {settings.landing}: land a source that has one "
            "(`tessera land receipts`), or say the day: TESSERA_AS_OF=2026-01-31"
        )
    return max(known)

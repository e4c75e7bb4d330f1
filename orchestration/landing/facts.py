"""Facts about the last load of each resource, one row each: what the batch suite judges.

What is too much or too little is said in `checks`; single records are judged in `ingestion.split`.
"""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.contract import Contract, Table, load
from ingestion import layout
from orchestration.settings import Settings
from orchestration.warehouse import engine

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

# Fewer earlier batches than this say nothing about what is usual.
_USUAL_BATCHES = 7
_TRAILING_BATCHES = 28
# One bad record of three is no share to speak of.
_NOTABLE_QUARANTINE = 10


def batch_facts(settings: Settings, system: str, as_of: date | None = None) -> "pd.DataFrame":
    """One row per resource that has landed; shares are 0 to 1, null where there is nothing to compare with.

    count_offered, count_landed, count_quarantined: of the last load. quarantine_share (0 while there are few), and
    allowed_quarantine_share by the contract. rows_per_batch: of the last load, median_rows_per_batch: of the batches
    before it, volume_ratio: the one by the other. null_share_rise: the largest rise of a column's null share against
    the earlier loads, null_share_column: its name. repeated_key_share: rows of a CSV whose key is in it twice.
    hours_behind: from the newest record of the system to the end of `as_of`.
    """
    import pandas as pd

    contract = load(system)
    layout.write_schemas(settings.root, contract)
    with engine.memory(settings) as con:
        behind = _hours_behind(con, settings.root, contract, as_of)
        rows = [_facts(con, settings.root, system, table) for table in contract.tables]
    frame = pd.DataFrame([row | {"hours_behind": behind} for row in rows if row is not None])
    numbers = [name for name in frame.columns if name not in ("resource", "null_share_column")]
    return frame.astype(dict.fromkeys(numbers, "float64"))


def _facts(con: "duckdb.DuckDBPyConnection", home: Path, system: str, table: Table) -> dict | None:
    volume = _volume(con, home, system, table.name)
    if volume is None:
        return None
    last_load, offered, landed, quarantined, rows_per_batch, median, earlier = volume
    usual = median if earlier >= _USUAL_BATCHES else None
    rise, column = _null_share_rise(con, home, system, table, last_load)
    return {
        "resource": table.name,
        "count_offered": offered,
        "count_landed": landed,
        "count_quarantined": quarantined,
        "quarantine_share": quarantined / offered if quarantined >= _NOTABLE_QUARANTINE else 0.0,
        "allowed_quarantine_share": table.max_quarantine_share,
        "rows_per_batch": rows_per_batch,
        "median_rows_per_batch": usual,
        "volume_ratio": rows_per_batch / usual if usual else None,
        "null_share_rise": rise,
        "null_share_column": column,
        "repeated_key_share": _repeated_key_share(con, home, system, table, last_load),
    }


def _volume(con: "duckdb.DuckDBPyConnection", home: Path, system: str, resource: str) -> tuple | None:
    """Of the last load id, offered, landed, quarantined, rows per batch; of the batches before median and number."""
    rows = con.execute(
        f"""
        with batches as (
            select * from {layout.complete(home, system, "batches")} where resource = ? and status = 'landed'
        ),
        last_load as (select max(_dlt_load_id) as load_id from batches),
        earlier as (
            select offered from batches, last_load where _dlt_load_id < load_id
            order by received_at desc, file desc limit {_TRAILING_BATCHES}
        )
        select
            max(load_id), sum(offered), sum(landed), sum(quarantined), avg(offered),
            (select median(offered) from earlier), (select count(*) from earlier)
        from batches, last_load
        where _dlt_load_id = load_id
        """,
        [resource],
    ).fetchall()
    return rows[0] if rows[0][0] is not None else None


def _null_share_rise(
    con: "duckdb.DuckDBPyConnection", home: Path, system: str, table: Table, last_load: str
) -> tuple[float | None, str | None]:
    names = [column.name for column in table.columns if not column.required]
    if not names:
        return None, None
    shares = ", ".join(f"1 - count({name}) / nullif(count(*), 0)" for name in names)
    source = layout.complete(home, system, table.name)
    now = con.execute(f"select {shares} from {source} as t where _dlt_load_id = ?", [last_load]).fetchall()[0]
    before = con.execute(f"select {shares} from {source} as t where _dlt_load_id < ?", [last_load]).fetchall()[0]
    rises = [(a - b, name) for a, b, name in zip(now, before, names, strict=True) if a is not None and b is not None]
    return max(rises) if rises else (None, None)


def _repeated_key_share(
    con: "duckdb.DuckDBPyConnection", home: Path, system: str, table: Table, last_load: str
) -> float | None:
    # Only a CSV file is a list of things; in a stream of changes a thing rightly comes again.
    if table.format != "csv":
        return None
    keys = ", ".join(table.keys)
    return con.execute(
        f"select 1 - count(*) / nullif(sum(n), 0) from (select count(*) as n from "
        f"{layout.complete(home, system, table.name)} as t where _dlt_load_id = ? group by _batch_id, {keys}) as k",
        [last_load],
    ).fetchall()[0][0]


def _hours_behind(con: "duckdb.DuckDBPyConnection", home: Path, contract: Contract, as_of: date | None) -> float | None:
    """Per system, not per resource: some resources rightly have nothing new for weeks."""
    newest = []
    for table in contract.tables:
        moment = next((c.name for c in table.columns if c.required and c.sql_type == "timestamp"), None)
        if moment:
            source = layout.complete(home, contract.system, table.name)
            newest.append(f"select max({moment}) as newest from {source} as t")
    if as_of is None or not newest:
        return None
    return con.execute(
        f"select date_diff('minute', max(newest), cast(? as date) + interval 1 day) / 60 "
        f"from ({' union all '.join(newest)}) as n",
        [as_of],
    ).fetchall()[0][0]

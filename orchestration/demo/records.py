"""The flat Parquet files of a generated system, read as the nested objects that its API answers with.

What an endpoint is called, how it pages and what it refuses do not belong here.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path

import duckdb
import pytz

from data_contracts.contract import Column, Table, load

STORE_TIME_ZONE = pytz.timezone("America/New_York")


@cache
def table(system: str, resource: str) -> Table:
    """What the contract of the system says about a resource; parsed once."""
    return _contract(system).table(resource)


_contract = cache(load)


def end_of_day(day: date) -> datetime:
    """The first instant after a business day, UTC without zone: the day ends at midnight in store time."""
    midnight = STORE_TIME_ZONE.localize(datetime.combine(day + timedelta(days=1), time()))
    return midnight.astimezone(UTC).replace(tzinfo=None)


def _expression(column: Column, present: set[str], limit: datetime | None) -> str:
    name = f'"{column.name}"'
    if column.logical_type == "timestamp":
        value = f"cast({name} as timestamp)"
        if limit and column.name == "updated_at" and "created_at" in present:
            # An object that changes later is known today as it was made.
            value = f"case when {value} < timestamp '{limit}' then {value} else cast(created_at as timestamp) end"
        return f"strftime({value}, '%Y-%m-%dT%H:%M:%S.%g') || 'Z'"
    if column.logical_type in ("integer", "boolean"):
        return name
    return f"cast({name} as varchar)"


def read(api_dir: Path, system: str, resource: str, until: date | None = None) -> Iterator[dict]:
    """One dict per object, path -> value, nulls left out; timestamps as ISO text, UTC, milliseconds.

    With `until`, objects made after that business day are left out. A resource without a file has no objects.
    """
    file = Path(api_dir) / system / f"{resource}.parquet"
    if not file.exists():
        return
    with duckdb.connect() as con:
        source = f"read_parquet('{file}')"
        present = {row[0] for row in con.execute(f"describe select * from {source}").fetchall()}
        wanted = [column for column in table(system, resource).columns if column.name in present]
        limit = end_of_day(until) if until else None
        expressions = ", ".join(f'{_expression(column, present, limit)} as "{column.name}"' for column in wanted)
        where = (
            f"where cast(created_at as timestamp) < timestamp '{limit}'" if limit and "created_at" in present else ""
        )
        rows = con.execute(f"select {expressions} from {source} {where}").fetchall()
    paths = [column.path for column in wanted]
    parsed = [position for position, column in enumerate(wanted) if column.physical_type == "json"]
    for row in rows:
        values = list(row)
        for position in parsed:
            values[position] = json.loads(values[position]) if values[position] else None
        yield {path: value for path, value in zip(paths, values, strict=True) if value is not None}


def highest_id(api_dir: Path, system: str, resource: str) -> int:
    """The highest numeric id in the file, also among objects that `until` hides; 0 without any."""
    file = Path(api_dir) / system / f"{resource}.parquet"
    if not file.exists():
        return 0
    with duckdb.connect() as con:
        found = con.execute(f"select max(try_cast(id as bigint)) as id from read_parquet('{file}')").fetchall()
    return found[0][0] or 0


@cache
def _steps(path: str) -> list[str | int]:
    return [int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", path)]


def nested(flat: dict) -> dict:
    """`{"account.id": 1, "links.results[0].id": 2}` as `{"account": {"id": 1}, "links": {"results": [{"id": 2}]}}`."""
    result: dict = {}
    for path, value in flat.items():
        steps = _steps(path)
        place: dict | list = result
        for step, following in zip(steps, [*steps[1:], None], strict=True):
            child = value if following is None else ([] if isinstance(following, int) else {})
            if isinstance(place, list):
                if len(place) <= step:
                    place.append(child)
            elif following is None or step not in place:
                place[step] = child
            place = place[step]
    return result

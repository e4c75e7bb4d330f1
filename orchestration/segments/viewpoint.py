"""Where a preview looks: the snapshot of the last run; before the first one, the warehouse. What it counts is there."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import duckdb

from orchestration.errors import TesseraError
from orchestration.segments import lists, rules, snapshot
from orchestration.segments.declaration import SegmentDocument, table_of
from orchestration.segments.layout import SNAPSHOT, WAREHOUSE, Layout, list_table
from orchestration.segments.members import involved, lacking, prepare
from orchestration.settings import Settings
from orchestration.warehouse import engine


class NothingToPreviewError(TesseraError):
    """No warehouse with profiles and features yet."""


@dataclass(frozen=True)
class View:
    """Where a preview looks: an open connection, a layout, the day, how many people there are, the lists resolved."""

    con: duckdb.DuckDBPyConnection
    layout: Layout
    as_of: date
    count_people: int
    resolved: dict[str, lists.Resolved]


@contextmanager
def looking(settings: Settings, segment: SegmentDocument, everything: Sequence[SegmentDocument]) -> Iterator[View]:
    deciding = involved([segment], everything)
    if not snapshot.file(settings).exists():
        with _opened(settings) as con:
            as_of = features_day(con, settings)
            _refuse(lacking(con, segment, everything))
            count = con.execute("select count(*) from profile.people").fetchall()[0][0]
            yield View(con, WAREHOUSE, as_of, count, prepare(con, [segment], everything))
        return
    if not any(one.file or one.model for one in deciding):
        with snapshot.reading(settings) as (con, header):
            _refuse(_not_in_snapshot(con, segment, deciding))
            yield View(con, SNAPSHOT, header.as_of, header.count_people, {})
        return
    with _opened(settings) as con:
        header = snapshot.attach(con, settings)
        _refuse(lacking(con, segment, everything) or _not_in_snapshot(con, segment, deciding))
        resolved = _bring(con, segment, deciding, header)
        yield View(con, SNAPSHOT, header.as_of, header.count_people, resolved)


def _bring(
    con: duckdb.DuckDBPyConnection,
    segment: SegmentDocument,
    deciding: Sequence[SegmentDocument],
    header: snapshot.Header,
) -> dict[str, lists.Resolved]:
    """Add to `sets` the lists and models that the snapshot lacks, and this segment's own as it is now."""
    resolved, parts = {}, []
    for one in deciding:
        if not (one.file or one.model) or (one.name in header.sets and one.name != segment.name):
            continue
        if one.file:
            resolved[one.name] = lists.resolve(con, one.file, list_table(one.name))
        table = list_table(one.name) if one.file else table_of(one.model or "")
        parts.append(
            f"select '{one.name}' as segment, number from snapshot.main.people "
            f"where person_id in (select person_id from {table})"
        )
    kept = f"from snapshot.main.sets where segment <> '{segment.name}'"
    con.execute(f"create or replace temp table brought as {' union all '.join([kept, *parts])}")
    con.execute("create or replace temp view sets as from brought")
    return resolved


@contextmanager
def _opened(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    if not settings.warehouse.exists():
        raise NothingToPreviewError(f"there is no warehouse in {settings.root}: run the pipeline first (`make demo`)")
    with engine.reading(settings) as con:
        yield con


def _refuse(missing: str | None) -> None:
    if missing:
        raise NothingToPreviewError(missing)


def _not_in_snapshot(
    con: duckdb.DuckDBPyConnection, segment: SegmentDocument, deciding: Sequence[SegmentDocument]
) -> str | None:
    kinds = {type(leaf) for one in deciding for _, leaf in rules.leaves(one.definition)}
    if rules.Score in kinds and not any(
        name.startswith("scores_") for name in con.table("snapshot.main.people").columns
    ):
        return f"{segment.name} needs scores.people, which is not there yet: `tessera run daily` computes it"
    return None


def features_day(con: duckdb.DuckDBPyConnection, settings: Settings) -> date:
    """The day that the features in the warehouse look from. Raises NothingToPreviewError when there are none."""
    day = None
    if engine.table_exists(con, "features", "people"):
        day = con.execute("select max(as_of_date) from features.people").fetchall()[0][0]
    if day is None:
        raise NothingToPreviewError(f"{settings.warehouse} holds no features: run the pipeline first (`make demo`)")
    return day

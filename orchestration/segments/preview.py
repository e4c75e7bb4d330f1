"""What a segment would be, before it is used: size, reach, overlap, breakdown, masked examples. Writes nothing."""

from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from orchestration.errors import TesseraError
from orchestration.segments.compile import membership_query
from orchestration.segments.document import load_document
from orchestration.settings import Settings
from orchestration.warehouse import engine

_STATES = """
    select coalesce(state, 'unknown'), count(*) from members inner join profile.people using (person_id)
    group by 1 order by 2 desc, 1
"""
_OVERLAP = """
    select segment, count(*), count(*) filter (person_id in (select person_id from members))
    from segments.membership where left_date is null and segment <> ? group by 1 order by 3 desc, 1
"""
# Enough of each value to recognise a person one knows, not enough to learn one.
_EXAMPLES = """
    select
        person_id,
        first_name[1] || '***' as first_name,
        last_name[1] || '***' as last_name,
        email[1] || '***@***' || regexp_extract(email, '[.][^.]*$') as email,
        '***' || right(phone, 2) as phone,
        state
    from members inner join profile.people using (person_id)
    order by md5(person_id) limit 10
"""


class NothingToPreviewError(TesseraError):
    """No warehouse with profiles and features yet."""


def preview(settings: Settings, document: Path) -> dict[str, Any]:
    """What the segment in file `document` would be on the day that the features look from.

    Keys: segment, as_of, size, share (of all people), reachable_by_email (how many may be mailed), overlap (per other
    segment: size, shared), by_state (state to people), examples (ten masked people). Raises InvalidDocumentError
    and NothingToPreviewError.
    """
    segment, everything = load_document(document)
    if not settings.warehouse.exists():
        raise NothingToPreviewError(f"there is no warehouse in {settings.root}: run the pipeline first (`make demo`)")
    with engine.reading(settings) as con:
        as_of = features_day(con, settings)
        con.execute(
            "create temp table members as select person_id "
            f"from ({membership_query([segment], everything, as_of)}) as evaluated where s0"
        )
        return {"segment": segment.name, "as_of": as_of, **_figures(con, segment.name)}


def features_day(con: duckdb.DuckDBPyConnection, settings: Settings) -> date:
    """The day that the features in the warehouse look from. Raises NothingToPreviewError when there are none."""
    day = None
    if engine.table_exists(con, "features", "people"):
        day = con.execute("select max(as_of_date) from features.people").fetchall()[0][0]
    if day is None:
        raise NothingToPreviewError(f"{settings.warehouse} holds no features: run the pipeline first (`make demo`)")
    return day


def _figures(con: duckdb.DuckDBPyConnection, name: str) -> dict[str, Any]:
    size, reachable = con.execute(
        "select count(*), count(*) filter (is_email_consented) from members inner join profile.people using (person_id)"
    ).fetchall()[0]
    people = con.execute("select count(*) from profile.people").fetchall()[0][0]
    others = con.execute(_OVERLAP, [name]).fetchall() if engine.table_exists(con, "segments", "membership") else []
    by_state = dict(con.execute(_STATES).fetchall())
    examples = con.execute(_EXAMPLES)
    columns = [column[0] for column in examples.description]
    return {
        "size": size,
        "share": round(size / people, 4) if people else 0.0,
        "reachable_by_email": reachable,
        "overlap": {other: {"size": count, "shared": shared} for other, count, shared in others},
        "by_state": by_state,
        "examples": [dict(zip(columns, row, strict=True)) for row in examples.fetchall()],
    }


def preview_text(settings: Settings, document: Path) -> str:
    """The preview as lines to read. Raises as `preview` does."""
    seen = preview(settings, document)
    lines = [
        f"{seen['segment']} as of {seen['as_of']}: {seen['size']} people, {seen['share']:.1%} of all",
        f"may be mailed: {seen['reachable_by_email']}",
        "",
        "also in",
        *(f"  {name:<24} {one['shared']:>8} of {one['size']}" for name, one in seen["overlap"].items()),
        "",
        "by state",
        *(f"  {state:<24} {count:>8}" for state, count in seen["by_state"].items()),
        "",
        "for example",
        *("  " + "  ".join(str(part or "-") for part in example.values()) for example in seen["examples"]),
    ]
    return "\n".join(lines)

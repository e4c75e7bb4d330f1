"""What a segment would be, before it is used: size, reach, overlap, breakdown, masked examples. Writes nothing.

Where it looks is in `viewpoint`, the words are in `telling`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orchestration.segments import facets
from orchestration.segments.declaration import SegmentDocument
from orchestration.segments.document import load_document
from orchestration.segments.layout import SNAPSHOT
from orchestration.segments.members import gates, gates_query
from orchestration.segments.viewpoint import View, looking
from orchestration.settings import Settings
from orchestration.warehouse import engine

# Enough of each value to recognise a person one knows, not enough to learn one.
_EXAMPLES = """
    select
        people.person_id,
        first_name[1] || '***' as first_name,
        last_name[1] || '***' as last_name,
        email[1] || '***@***' || regexp_extract(email, '[.][^.]*$') as email,
        '***' || right(phone, 2) as phone,
        state
    from {people} as people where people.{key} in {ten} order by people.{key}
"""
_OVERLAP = """
    select segment, count(*), count(*) filter (person_id in (select person_id from members))
    from segments.membership where left_date is null group by 1 order by 3 desc, 1
"""


def preview(settings: Settings, document: Path) -> dict[str, Any]:
    """What the segment in file `document` would be on the day of the last run.

    Keys: segment, as_of, size, share (of all people), reachable (who may be written to by email, by sms, by any),
    withheld (exclusion, or earlier segment of its group, to people it takes), overlap (per other segment: size,
    shared), by_channel (channel to people seen on it), by_state (state to people), list (rows, matched, match_rate,
    unmatched; null for other kinds), examples (ten masked people). Raises InvalidDocumentError and
    NothingToPreviewError.
    """
    segment, everything = load_document(document)
    with looking(settings, segment, everything) as view:
        withheld = _members(view, segment, everything)
        size = view.con.execute("select count(*) from members").fetchall()[0][0]
        counted = _on_snapshot(view) if view.layout is SNAPSHOT else _on_warehouse(view)
        overlap = {name: {"size": count, "shared": shared} for name, count, shared in counted.pop("overlap")
                   if name != segment.name}  # fmt: skip
        own = view.resolved.get(segment.name)
        return {
            "segment": segment.name,
            "as_of": view.as_of,
            "size": size,
            "share": round(size / view.count_people, 4) if view.count_people else 0.0,
            **counted,
            "withheld": withheld,
            "overlap": overlap,
            "list": own and {"rows": own.count_rows, "matched": own.count_matched, "match_rate": own.match_rate,
                             "unmatched": own.unmatched},
            "examples": _examples(view),
        }  # fmt: skip


def _members(view: View, segment: SegmentDocument, everything: Sequence[SegmentDocument]) -> dict[str, int]:
    """Temporary table `members`; returns how many fit, but are kept out by each exclusion and each earlier segment."""
    judges, key = gates(segment, everything), view.layout.key
    named = [*judges.exclusions, *judges.earlier]
    query = gates_query(segment, everything, view.as_of, view.layout)
    if not named:
        view.con.execute(f"create or replace temp table members as select {key} from ({query}) as judged where s0")
        return {}
    told = " or ".join(["s0", *(f"g{number}" for number in range(len(named)))])
    view.con.execute(f"create or replace temp table judged as select * from ({query}) as judged where {told}")
    view.con.execute(f"create or replace temp table members as select {key} from judged where s0")
    each = ", ".join(f"count(*) filter (g{number})" for number in range(len(named)))
    counts = view.con.execute(f"select {each} from judged").fetchall()[0]
    return {one.name: count for one, count in zip(named, counts, strict=True)}


def _on_snapshot(view: View) -> dict[str, Any]:
    """Reach, channels, states and overlap, from the bits of the snapshot."""
    counted = facets.count(view.con)
    states = {name: shared for name, (_, shared) in counted.get("state", {}).items() if shared}
    overlap = [(name, *counts) for name, counts in counted.get("segment", {}).items()]
    return {
        "reachable": {name: shared for name, (_, shared) in counted["reachable"].items()},
        "by_channel": {name: shared for name, (_, shared) in counted.get("channel", {}).items()},
        "by_state": dict(sorted(states.items(), key=lambda one: (-one[1], one[0]))),
        "overlap": sorted(overlap, key=lambda one: (-one[2], one[0])),
    }


def _on_warehouse(view: View) -> dict[str, Any]:
    """The same from the tables themselves."""
    con = view.con
    seen = facets.channels({row[0] for row in con.execute("describe features.people").fetchall()})
    channels = "".join(f", count(features.{column})" for column in seen.values())
    email, sms, reachable, *counts = con.execute(
        "select count(*) filter (is_email_consented), count(*) filter (is_sms_consented), "
        f"count(*) filter (is_email_consented or is_sms_consented){channels} from members "
        "inner join profile.people using (person_id) left join features.people as features using (person_id)"
    ).fetchall()[0]
    states = con.execute(
        "select coalesce(state, 'unknown'), count(*) from members inner join profile.people using (person_id) "
        "group by 1 order by 2 desc, 1"
    ).fetchall()
    return {
        "reachable": {"email": email, "sms": sms, "any": reachable},
        "by_channel": dict(zip(seen, counts, strict=True)),
        "by_state": dict(states),
        "overlap": con.execute(_OVERLAP).fetchall() if engine.table_exists(con, "segments", "membership") else [],
    }


def _examples(view: View) -> list[dict[str, Any]]:
    people, key = view.layout.people, view.layout.key
    # Looked up by name: a join would read every member's names to show ten.
    ten = [row[0] for row in view.con.execute(f"select {key} from members order by {key} limit 10").fetchall()]
    if not ten:
        return []
    named = f"({', '.join('?' for _ in ten)})"
    examples = view.con.execute(_EXAMPLES.format(people=people, key=key, ten=named), ten)
    columns = [column[0] for column in examples.description]
    return [dict(zip(columns, row, strict=True)) for row in examples.fetchall()]

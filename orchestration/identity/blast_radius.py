"""What a change of the partition would do downstream, before it is done: golden values, segments, syncs, messages.

Computed on people as they would be (`hypothesis`), by the SQL that the next run uses. Writes nothing.
"""

from dataclasses import dataclass, field
from typing import Any

import duckdb

from orchestration.activation.comparison import key_of
from orchestration.activation.document import SyncDocument
from orchestration.activation.document import load_documents as load_syncs
from orchestration.activation.run import FOLDER as SYNCS
from orchestration.identity import hypothesis
from orchestration.identity.apply import Change
from orchestration.settings import Settings
from orchestration.warehouse import engine

_SHOWN = 12


@dataclass(frozen=True)
class BlastRadius:
    """What differs after a change. `golden`: person, attribute, value now, value then.

    `segments`: name -> people who enter, who leave. `syncs`: name -> rows delivered that are then wrong, rows to send
    that were not. None where it could not be computed, `notes` say why. `messages`: sent to the people as they are
    now, by kind.
    """

    count_people_before: int
    count_people_after: int
    golden: list[tuple[str, str, str | None, str | None]] | None = None
    segments: dict[str, tuple[int, int]] | None = None
    syncs: dict[str, tuple[int, int]] | None = None
    messages: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def numbers(self) -> dict[str, Any]:
        """Counts only, no personal data."""
        return {
            "people_before": self.count_people_before,
            "people_after": self.count_people_after,
            "golden_values": len(self.golden or []),
            "segments": {name: {"enter": a, "leave": b} for name, (a, b) in (self.segments or {}).items()},
            "sync_rows": {name: {"correct": a, "new": b} for name, (a, b) in (self.syncs or {}).items()},
            "messages": self.messages,
        }

    def told(self, *, with_values: bool = False) -> str:
        """Lines for a terminal; values only when asked, for they are personal."""
        lines = [f"{self.count_people_before:,} people become {self.count_people_after:,}"]
        if self.golden is not None:
            lines.append(f"golden values that change: {len(self.golden):,}")
            if with_values:
                lines += [f"  {p} {name}: {old or '-'} -> {new or '-'}" for p, name, old, new in self.golden[:_SHOWN]]
                lines += [f"  and {len(self.golden) - _SHOWN} more"] if len(self.golden) > _SHOWN else []
        for name, (entered, left) in sorted((self.segments or {}).items()):
            lines.append(f"segment {name}: {entered:,} enter, {left:,} leave")
        for name, (wrong, new) in sorted((self.syncs or {}).items()):
            lines.append(f"sync {name}: {wrong:,} delivered rows to correct, {new:,} rows to send for the first time")
        for kind, count in sorted(self.messages.items()):
            lines.append(f"{kind}: {count:,}")
        return "\n".join([*lines, *self.notes])


def measure(settings: Settings, change: Change, *, since_run: int | None = None) -> BlastRadius:
    """The blast radius of a change; with `since_run` also what was sent to these people since that run."""
    with engine.reading(settings) as con:
        hypothesis.make(con, settings, change)
        before, after = con.execute(
            "select (select count(distinct person_id) from former), (select count(*) from given)"
        ).fetchall()[0]
        messages = _messages(con, since_run) if since_run is not None else {}
        if not hypothesis.rebuild_profiles(con, settings):
            return BlastRadius(before, after, messages=messages, notes=["profiles: not built yet"])
        golden = con.execute(_GOLDEN).fetchall()
        if not hypothesis.rebuild_segments(con, settings):
            why = "segments and syncs: features are not built yet"
            return BlastRadius(before, after, golden, messages=messages, notes=[why])
        segments = {name: (entered, left) for name, entered, left in con.execute(_SEGMENTS).fetchall()}
        return BlastRadius(before, after, golden, segments, _syncs(con, settings), messages, _notes(con))


def _notes(con: duckdb.DuckDBPyConnection) -> list[str]:
    count = hypothesis.count_people(con)
    if count <= hypothesis.MOST_RANKED:
        return []
    return [
        f"segments and syncs are estimated: ranks as of RFM scores are among {hypothesis.MOST_RANKED:,} of {count:,} "
        "people, drawn by chance"
    ]


_GOLDEN = """
    select person_id, attribute, old.value, new.value
    from (from warehouse.profile.attributes where person_id in (from affected)) as old
    full join (from profile.attributes where person_id in (from affected)) as new using (person_id, attribute)
    where old.value is distinct from new.value
    order by all
"""
_SEGMENTS = """
    with old as (
        select segment, person_id from warehouse.segments.membership
        where left_date is null and person_id in (from affected)
    ),
    new as (select segment, person_id from segments.membership where left_date is null and person_id in (from affected))
    select segment, count(*) filter (old.person_id is null), count(*) filter (new.person_id is null)
    from old full join new using (segment, person_id)
    where old.person_id is null or new.person_id is null
    group by segment
"""


def _syncs(con: duckdb.DuckDBPyConnection, settings: Settings) -> dict[str, tuple[int, int]]:
    """Per sync: rows that were delivered and would differ or go, and rows that were not and would be."""
    if not engine.table_exists(con, "activation", "state", "state"):
        return {}
    found = {}
    for sync in load_syncs(SYNCS)[0]:
        if hypothesis.rebuild_payload(con, settings, sync):
            found[sync.name] = con.execute(_differing_rows(sync), [sync.name]).fetchall()[0]
    return {name: counts for name, counts in found.items() if any(counts)}


def _differing_rows(sync: SyncDocument) -> str:
    columns = ", ".join(f"m.{name}" for name in sync.fields)
    rows = (
        f"(select {key_of(sync)} as key, hash(row({columns})) as content from {{catalog}}{sync.model} as m "
        f"where cast(m.{sync.person} as varchar) in (from affected))"
    )
    return (
        "with delivered as (select key from state.activation.state where sync = ?) "
        "select count(*) filter (delivered.key is not null), "
        "count(*) filter (delivered.key is null and new.key is not null and old.key is null) "
        f"from {rows.format(catalog='warehouse.')} as old full join {rows.format(catalog='')} as new using (key) "
        "left join delivered using (key) where old.content is distinct from new.content"
    )


def _messages(con: duckdb.DuckDBPyConnection, since_run: int) -> dict[str, int]:
    """What was sent to the affected people since a run: by the sources' own account, and by our syncs."""
    as_of, recorded_at = con.execute(
        "select as_of, recorded_at from state.identity.runs where run_no = ?", [since_run]
    ).fetchall()[0]
    counts = {}
    if engine.table_exists(con, "conformed", "interactions", "warehouse"):
        rows = con.execute(
            "select channel, count(*) from warehouse.conformed.interactions where interaction_type = 'sent' "
            "and record_id in (select record_id from former) and event_date >= coalesce(?, event_date) group by 1",
            [as_of],
        ).fetchall()
        counts = {f"{channel} messages sent since {as_of}": count for channel, count in rows}
    if engine.table_exists(con, "activation", "attempts", "state"):
        sent = con.execute(
            "select p.sync, count(*) from state.activation.plan as p inner join state.activation.attempts as a "
            "on a.sync = p.sync and a.run_id = p.run_id and a.seq = p.seq and a.outcome = 'acknowledged' "
            "where p.person_id in (select person_id from former) and a.answered_at >= ? group by 1",
            [recorded_at],
        ).fetchall()
        counts |= {f"rows sent by {sync} since {recorded_at:%Y-%m-%d %H:%M}": count for sync, count in sent}
    return counts

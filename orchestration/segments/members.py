"""Who is in a segment in the end: its own definition, less exclusions, and of a priority group the first that fits.

What a definition means is in `compile`. `{segment: x}` in rules asks for x's definition alone; exclusions and
priorities apply to each segment's own members, last.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
from sqlglot import exp

from orchestration.segments import lists, rules
from orchestration.segments.compile import Evaluation, condition, query
from orchestration.segments.declaration import SegmentDocument
from orchestration.segments.layout import WAREHOUSE, Layout, list_table
from orchestration.warehouse import engine

_BUILT_BY = "`tessera run daily` computes it"


@dataclass(frozen=True)
class Gates:
    """What may keep people out who fit: exclusions, and the segments before it in its priority group."""

    exclusions: tuple[SegmentDocument, ...]
    earlier: tuple[SegmentDocument, ...]


def gates(segment: SegmentDocument, everything: Sequence[SegmentDocument]) -> Gates:
    """The gates of a segment among those in use; an exclusion has none."""
    if segment.kind == "exclusion":
        return Gates((), ())
    active = [one for one in everything if one.status == "active" and one.name != segment.name]
    in_group = [one for one in active if segment.priority and one.priority_group == segment.priority_group]
    return Gates(
        tuple(one for one in active if one.excludes(segment.name)),
        tuple(sorted((one for one in in_group if one.priority < segment.priority), key=lambda one: one.priority)),
    )


def involved(documents: Sequence[SegmentDocument], everything: Sequence[SegmentDocument]) -> list[SegmentDocument]:
    """The documents with all that decide about them: named in rules, exclusions, earlier ones of their group."""
    by_name = {segment.name: segment for segment in everything} | {segment.name: segment for segment in documents}
    found: dict[str, SegmentDocument] = {}
    waiting = list(documents)
    while waiting:
        segment = waiting.pop()
        if segment.name in found:
            continue
        found[segment.name] = segment
        judges = gates(segment, everything)
        waiting += [*judges.exclusions, *judges.earlier]
        named = [leaf.segment for _, leaf in rules.leaves(segment.definition) if isinstance(leaf, rules.InSegment)]
        waiting += [by_name[name] for name in named]
    return list(found.values())


def lacking(
    con: duckdb.DuckDBPyConnection, document: SegmentDocument, everything: Sequence[SegmentDocument]
) -> str | None:
    """The table that deciding about a segment needs and the warehouse lacks, as a sentence; None when all is there."""
    for segment in involved([document], everything):
        for _, leaf in rules.leaves(segment.definition):
            table = {rules.Feature: "features.people", rules.Score: "scores.people"}.get(type(leaf))
            table = leaf.table if isinstance(leaf, rules.InModel) else table
            if table and not engine.table_exists(con, *table.split("."), catalog="warehouse"):
                return f"{document.name} needs {table}, which is not there yet: {_BUILT_BY}"
    return None


def membership_query(
    documents: Sequence[SegmentDocument],
    everything: Sequence[SegmentDocument],
    as_of: date,
    layout: Layout = WAREHOUSE,
    only: str | None = None,
) -> str:
    """SQL of one row per person: the layout's key and a boolean per document, `s0` for the first.

    `everything` holds every segment that a rule may name. Lists are read from the tables that `prepare` makes. `only`
    is as in `query`.
    """
    fitting, judges = _fitting(documents, everything, as_of, layout, only)
    columns = [exp.alias_(_is_member(one, judges), f"s{at}", quoted=True) for at, one in enumerate(documents)]
    return exp.select(layout.key, *columns).from_(fitting).sql(dialect="duckdb")


def gates_query(segment: SegmentDocument, everything: Sequence[SegmentDocument], as_of: date, layout: Layout) -> str:
    """As the membership query of one segment, with a boolean per gate, `g0` for the first: fits, but is in that one."""
    fitting, judges = _fitting([segment], everything, as_of, layout)
    named = [*judges[segment.name].exclusions, *judges[segment.name].earlier]
    own = exp.column(f"fits_{segment.name}", quoted=True)
    kept_out = [
        exp.alias_(exp.and_(own, exp.column(f"fits_{one.name}", quoted=True)), f"g{at}") for at, one in enumerate(named)
    ]
    is_member = exp.alias_(_is_member(segment, judges), "s0")
    return exp.select(layout.key, is_member, *kept_out).from_(fitting).sql(dialect="duckdb")


def _fitting(
    documents: Sequence[SegmentDocument],
    everything: Sequence[SegmentDocument],
    as_of: date,
    layout: Layout,
    only: str | None = None,
) -> tuple[exp.Subquery, dict[str, Gates]]:
    """A row per person with `fits_<segment>` of the documents and all their gates; the gates of each."""
    evaluation = Evaluation(as_of, {one.name: one for one in [*everything, *documents]}, layout)
    fits: dict[str, SegmentDocument] = {}
    judges: dict[str, Gates] = {}
    waiting = list(documents)
    while waiting:
        segment = waiting.pop()
        if segment.name not in fits:
            fits[segment.name] = segment
            judges[segment.name] = gates(segment, everything)
            waiting += [*judges[segment.name].exclusions, *judges[segment.name].earlier]
    columns = {f"fits_{name}": condition(one.definition, evaluation) for name, one in fits.items()}
    return query(columns, evaluation, only).subquery("fitting"), judges


def _is_member(segment: SegmentDocument, judges: dict[str, Gates]) -> exp.Expression:
    """In it, and not in an earlier one of its group, over columns `fits_<segment>`."""
    passed = [exp.not_(exp.paren(_passes(earlier, judges))) for earlier in judges[segment.name].earlier]
    return exp.and_(_passes(segment, judges), *passed)


def _passes(segment: SegmentDocument, judges: dict[str, Gates]) -> exp.Expression:
    """Fits and is in no exclusion."""
    kept = [exp.not_(exp.column(f"fits_{one.name}", quoted=True)) for one in judges[segment.name].exclusions]
    return exp.and_(exp.column(f"fits_{segment.name}", quoted=True), *kept)


def prepare(
    con: duckdb.DuckDBPyConnection, documents: Sequence[SegmentDocument], everything: Sequence[SegmentDocument]
) -> dict[str, lists.Resolved]:
    """Make the temporary tables of the lists that decide about documents; what became of their rows, by segment."""
    resolved = {}
    for segment in involved(documents, everything):
        if segment.file:
            resolved[segment.name] = lists.resolve(con, segment.file, list_table(segment.name))
    return resolved

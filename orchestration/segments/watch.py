"""Whether the size of a segment is usual: today's beside the median of its earlier runs. Raises nothing, tells."""

from dataclasses import dataclass
from statistics import median

from orchestration.segments.declaration import SegmentDocument
from orchestration.settings import Settings
from orchestration.warehouse import engine

_RUNS = 7
# Fewer days say nothing about what is usual.
_ENOUGH = 3


@dataclass(frozen=True)
class Size:
    """The size today and the usual one (null while too little is known); `what` is told, in a sentence."""

    passed: bool
    size: int
    usual: float | None
    what: str


def sizes(settings: Settings, documents: list[SegmentDocument]) -> dict[str, Size]:
    """The verdict per active segment, from the ledger of runs."""
    history: dict[str, list[int]] = {}
    with engine.writing_state(settings) as con:
        rows = con.execute("select segment, count_members from segments.runs order by as_of desc").fetchall()
    for name, count in rows:
        history.setdefault(name, []).append(count)
    return {one.name: judge(one, history.get(one.name, [0])) for one in documents if one.status == "active"}


def judge(document: SegmentDocument, counts: list[int]) -> Size:
    """`counts`: members by run, the newest first."""
    size, earlier = counts[0], counts[1 : 1 + _RUNS]
    if earlier and earlier[0] and not size:
        return Size(False, size, float(median(earlier)), f"nobody is in it any more, {earlier[0]} were")
    if len(earlier) < _ENOUGH:
        return Size(True, size, None, f"{size} people; fewer than {_ENOUGH} earlier days to compare with")
    usual, watched = float(median(earlier)), document.size_watch
    change = abs(size - usual)
    passed = change <= watched.min_people or change <= watched.max_change * usual
    allowed = f"at most {watched.max_change:.0%} of it may come or go (size_watch)"
    return Size(passed, size, usual, f"{size} people, usual are {usual:.0f}: {allowed}")

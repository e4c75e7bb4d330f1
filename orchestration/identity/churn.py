"""How much of the people a new partition would change, and how much of that is let through without a person's word.

A source that sends rubbish, a model gone wrong or a missing file shows here first: as people that merge, fall apart or
vanish in numbers. Holding a run back, and letting it go, is in `plans`.
"""

from dataclasses import asdict, dataclass
from typing import Any

import duckdb

# The limits, as shares of the people there were before; a run above one of them waits for `tessera identity promote`.
# An ordinary day of the demo changes a tenth of a percent.
MAX_MERGED_SHARE = 0.05
MAX_PARTED_SHARE = 0.03
MAX_RETIRED_SHARE = 0.20
# As many people may always change: shares say nothing about a handful.
ALWAYS_ALLOWED_PEOPLE = 25


@dataclass(frozen=True)
class Churn:
    """What a proposed partition does to people: numbers of people, but `records`, which change person.

    `merged` vanish into others, `parted` lose records to others, `retired` lose all records they had.
    """

    existing: int = 0
    created: int = 0
    merged: int = 0
    parted: int = 0
    retired: int = 0
    restored: int = 0
    records: int = 0

    def broken_limits(self) -> list[str]:
        """A sentence for each limit that is exceeded; the first partition breaks none."""
        limits = (
            ("be merged into others", self.merged, MAX_MERGED_SHARE),
            ("lose records to others", self.parted, MAX_PARTED_SHARE),
            ("be left without a record", self.retired, MAX_RETIRED_SHARE),
        )
        return [
            f"{count:,} of {self.existing:,} people ({count / self.existing:.1%}) would {what}, at most {limit:.0%} may"
            for what, count, limit in limits
            if self.existing and count > max(ALWAYS_ALLOWED_PEOPLE, limit * self.existing)
        ]

    def told(self) -> str:
        """One line for a terminal."""
        return (
            f"{self.merged:,} people merged, {self.parted:,} parted, {self.created:,} new, {self.restored:,} back, "
            f"{self.retired:,} retired of {self.existing:,} there were; {self.records:,} records change person"
        )

    def numbers(self) -> dict[str, Any]:
        """Everything, with the shares, for JSON and for a check's metadata."""
        shares = {
            f"{name}_share": getattr(self, name) / max(self.existing, 1) for name in ("merged", "parted", "retired")
        }
        return asdict(self) | shares


def measure(con: duckdb.DuckDBPyConnection) -> Churn:
    """The churn of what `proposal.propose` left, before it is applied."""
    existing = con.execute("select count(*) from identity.people where status = 'current'").fetchall()[0][0]
    row = con.execute(
        "select count(*) filter (event = 'created'), count(distinct person_id) filter (event = 'merged'), "
        "count(distinct person_id) filter (event in ('split', 'moved')), count(*) filter (event = 'retired'), "
        "count(*) filter (event = 'restored'), (select count(*) from moving) from events"
    ).fetchall()[0]
    return Churn(existing, *row)

"""What a plan and a run of a sync amount to, in numbers a person can read. No personal data."""

from dataclasses import dataclass, field
from datetime import date
from typing import Literal


@dataclass(frozen=True)
class PlanSummary:
    """Rows by what would happen to them; `fields` counts the rows in which each field changes."""

    sync: str
    run_id: str
    as_of: date
    model: int = 0
    insert: int = 0
    update: int = 0
    exit: int = 0
    unchanged: int = 0
    held: int = 0
    rejected_before: int = 0
    acknowledged_before: int = 0
    fields: dict[str, int] = field(default_factory=dict)
    refusals: tuple[str, ...] = ()

    @property
    def to_send(self) -> int:
        return self.insert + self.update + self.exit

    def summary(self) -> str:
        """Some lines for a terminal."""
        lines = [
            f"{self.sync}, as of {self.as_of}: {self.to_send} of {self.model} rows to send "
            f"({self.insert} new, {self.update} changed, {self.exit} leaving), {self.unchanged} unchanged, "
            f"{self.held} held, {self.rejected_before} rejected earlier and unchanged since"
        ]
        lines += [f"  {name}: {count} rows" for name, count in sorted(self.fields.items())]
        return "\n".join([*lines, *(f"  refused: {reason}" for reason in self.refusals)])


@dataclass(frozen=True)
class SyncResult:
    """How a run of a sync ended: `rejects` = all was sent, some rows were refused; `stopped` = the rest waits.

    `kept` counts, by field, the rows in which somebody had filled it, so that ours was not written.
    """

    sync: str
    run_id: str
    as_of: date
    status: Literal["succeeded", "rejects", "stopped", "refused", "planned"]
    plan: PlanSummary
    acknowledged: int = 0
    rejected: int = 0
    held_late: int = 0
    open: int = 0
    seconds: float = 0.0
    message: str | None = None
    kept: dict[str, int] = field(default_factory=dict)

    @property
    def success(self) -> bool:
        return self.status in ("succeeded", "rejects", "planned")

    def summary(self) -> str:
        """Some lines for a terminal."""
        if self.status == "planned":
            return self.plan.summary()
        late = f", {self.held_late} held at the last moment" if self.held_late else ""
        waiting = f", {self.open} wait for the next run" if self.open else ""
        said = f"\n  {self.message}" if self.message else ""
        kept = [f"\n  {name}: left as it is in {count} rows, filled there" for name, count in self.kept.items()]
        return (
            f"{self.plan.summary()}\n  {self.status}: {self.acknowledged} acknowledged, {self.rejected} rejected"
            f"{late}{waiting}, {self.seconds:.1f} s{said}{''.join(kept)}"
        )

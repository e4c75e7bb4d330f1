"""What waits in quarantine, as text for a terminal; judging it again. The work itself is `ingestion.quarantine`'s."""

from ingestion import quarantine
from orchestration.settings import Settings


def list_text(settings: Settings, system: str | None) -> str:
    """One line per file and reason, then what to do; never a personal value."""
    waiting = quarantine.list_rows(settings.root, system)
    if not waiting:
        return "nothing is in quarantine"
    lines = [f"{row.system}/{row.resource}  {row.file or 'API'}  {row.reason}: {row.count} rows" for row in waiting]
    total = sum(row.count for row in waiting)
    lines.append(f"{total} rows; correct the contract or the source, then: tessera quarantine replay SYSTEM")
    return "\n".join(lines)


def replay_text(settings: Settings, system: str, resource: str | None) -> str:
    """Judge a system's quarantined rows by its contract as it is now."""
    report = quarantine.replay(settings.root, system, resource)
    return f"{system}: {report.landed} rows landed, {report.kept} still break the contract and stay"

"""What waits in quarantine, as text for a terminal; judging it again. The work itself is `ingestion.quarantine`'s."""

from data_contracts.contract import readable
from ingestion import quarantine
from orchestration.settings import Settings


def list_text(settings: Settings, system: str | None) -> str:
    """One line per file and reason, then what to do; never a personal value."""
    waiting = quarantine.list_rows(settings.root, system)
    unread = [] if system else [f"not listed: {error}" for error in readable()[1]]
    if not waiting:
        return "\n".join([*unread, "nothing is in quarantine"])
    lines = [
        f"{row.system}/{row.resource}  {row.file or 'API'}:{row.line}  {row.reason}: "
        + ("1 row" if row.count == 1 else f"{row.count} rows, this is the first")
        for row in waiting
    ]
    total = sum(row.count for row in waiting)
    lines.append(
        f"{total} in all; correct the contract and `tessera quarantine replay SYSTEM`, or deliver the file again"
    )
    return "\n".join([*unread, *lines])


def replay_text(settings: Settings, system: str, resource: str | None) -> str:
    """Judge a system's quarantined rows by its contract as it is now."""
    report = quarantine.replay(settings.root, system, resource)
    return f"{system}: {report.landed} rows landed, {report.kept} still break the contract and stay"

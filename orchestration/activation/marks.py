"""Which run of a sync was recorded last, noted outside the state database: a restored backup of it is then seen.

What the ledger says is in `ledger.py`.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from orchestration.activation import ledger, outbox
from orchestration.settings import Settings


def _file(settings: Settings, sync: str) -> Path:
    return outbox.folder(settings) / f"{sync}.mark"


def put(settings: Settings, sync: str, run_id: str) -> None:
    """Note that the ledger knows this run."""
    file = _file(settings, sync)
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".mark.draft")
    draft.write_text(json.dumps({"run_id": run_id, "recorded_at": f"{datetime.now(UTC):%Y-%m-%d %H:%M}"}))
    os.replace(draft, file)


def remove(settings: Settings, sync: str) -> None:
    """Forget the mark: the ledger is believed as it is."""
    _file(settings, sync).unlink(missing_ok=True)


def behind(con: duckdb.DuckDBPyConnection, settings: Settings, sync: str) -> str | None:
    """What is wrong when catalog `state` lacks the run that was recorded last, and what to do; None when it has it."""
    try:
        last = json.loads(_file(settings, sync).read_text())
    except (FileNotFoundError, ValueError):
        return None
    known = (
        ledger.exists(con)
        and con.execute(
            "select 1 from state.activation.runs where sync = ? and run_id = ?", [sync, last["run_id"]]
        ).fetchall()
    )
    if known:
        return None
    return (
        f"{settings.state} does not know run {last['run_id']} of {last['recorded_at']} UTC: it is older than what was "
        f"sent, a restored backup perhaps; put back the newer file, or let `tessera sync {sync} --adopt` read what "
        f"the destination holds, or send again what the file does not know of: `--accept-older-ledger`"
    )

"""A whole sync in one call: plan, send, record. What each step does is in the module of its name."""

from datetime import date, datetime
from pathlib import Path
from uuid import uuid4

from orchestration.activation import outbox
from orchestration.activation.adoption import adopt
from orchestration.activation.delivery import Patience
from orchestration.activation.document import SyncDocument
from orchestration.activation.errors import SyncStoppedError
from orchestration.activation.masters.compiled import usable_syncs
from orchestration.activation.plan import plan, preview
from orchestration.activation.record import record
from orchestration.activation.result import SyncResult
from orchestration.activation.scope import USUAL, Scope
from orchestration.activation.send import send
from orchestration.landing.business_day import latest_business_day
from orchestration.settings import PROJECT_ROOT, Settings

FOLDER = PROJECT_ROOT / "orchestration" / "defs" / "activation"


def run_sync(
    settings: Settings,
    sync: SyncDocument,
    as_of: date,
    run_id: str,
    dry_run: bool = False,
    *,
    patience: Patience | None = None,
    scope: Scope = USUAL,
) -> SyncResult:
    """Plan, send, record. What stops the run midway is recorded with what was acknowledged, then raised."""
    if dry_run:
        planned = preview(settings, sync, as_of, scope)
        return SyncResult(sync.name, "preview", as_of, "planned", planned)
    plan(settings, sync, run_id, as_of, scope)
    try:
        send(settings, sync, run_id, patience)
    except SyncStoppedError:
        if outbox.path(settings, sync.name, run_id).exists():
            record(settings, sync.name, run_id)
        raise
    return record(settings, sync.name, run_id)


def find_document(name: str, folder: Path = FOLDER) -> SyncDocument:
    """The sync of that name; SyncStoppedError says why there is none."""
    valid, errors = usable_syncs(folder)
    for sync in valid:
        if sync.name == name:
            return sync
    broken = [str(error) for error in errors if error.file.stem == name]
    known = ", ".join(sync.name for sync in valid)
    raise SyncStoppedError("; ".join(broken) or f"no sync '{name}': known are {known}")


def run_named(
    settings: Settings,
    name: str,
    *,
    as_of: date | None = None,
    dry_run: bool = False,
    run_id: str | None = None,
    scope: Scope = USUAL,
) -> SyncResult:
    """`run_sync` for a document by name; `as_of` defaults to the setting, else the latest business day landed."""
    sync, day = find_document(name), as_of or latest_business_day(settings)
    return run_sync(settings, sync, day, run_id or _new_run_id(), dry_run, scope=scope)


def adopt_named(settings: Settings, name: str, *, as_of: date | None = None) -> str:
    """Adopt what the destination of a document holds, and say what is to be sent then."""
    sync, day = find_document(name), as_of or latest_business_day(settings)
    adoption = adopt(settings, sync, _new_run_id(), day)
    return f"{adoption.summary()}\nthe next run:\n{preview(settings, sync, day).summary()}"


def _new_run_id() -> str:
    return f"{datetime.now():%Y%m%d%H%M%S}-{uuid4().hex[:6]}"

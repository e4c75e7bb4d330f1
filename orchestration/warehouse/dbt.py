"""Runs dbt inside this process: no start-up of a child, no look-up of the newest version, one parsed manifest kept.

Nothing of Dagster belongs here; `orchestration.defs.dbt` turns the events into materialisations and checks.
"""

import hashlib
import json
import os
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.errors import TesseraError
from orchestration.settings import PROJECT_ROOT, Settings

PROJECT_DIR = PROJECT_ROOT / "dbt_project"
_SOURCES = ("*.sql", "*.yml", "*.yaml", "*.csv")
_RESULTS = {"LogModelResult", "LogSeedResult", "LogSnapshotResult", "LogTestResult", "LogNodeResult"}
# The manifest that `parsed` wrote stays right; a step looks at its own schemas only; what went wrong is told by the
# results. Together a fifth of the time of a run without news.
_LEAN = ("--no-write-json", "--cache-selected-only", "--log-level", "none", "--log-level-file", "none")
_kept: dict[str, Any] = {}


class DbtError(TesseraError):
    """A dbt invocation failed; the message names each failed node and its error."""


def environment(settings: Settings) -> dict[str, str]:
    """What `profiles.yml` and the macros read."""
    return {
        "TESSERA_HOME": str(settings.root),
        "TESSERA_WAREHOUSE": str(settings.warehouse),
        "TESSERA_LANDING": str(settings.landing),
        "TESSERA_IDENTITY": str(settings.root / "identity"),
        "TESSERA_MEMORY_LIMIT": settings.memory_limit,
        "TESSERA_THREADS": str(settings.threads),
        # One dbt at a time holds the warehouse.
        "TESSERA_SPILL": str(settings.spill / "dbt"),
    }


def fingerprint() -> str:
    """Stands for all that dbt parses, as it is on disk; a manifest of another one is stale.

    Not the latest modification alone: a home that was copied, and a file that was deleted, would seem in order.
    """
    folders = (PROJECT_DIR / "models", PROJECT_DIR / "macros", PROJECT_DIR / "seeds", PROJECT_DIR / "tests")
    files = [PROJECT_DIR / "dbt_project.yml", PROJECT_DIR / "profiles.yml"]
    files += [path for folder in folders for pattern in _SOURCES for path in folder.rglob(pattern)]
    seen = [(str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(files) if path.exists()]
    return hashlib.md5(repr(seen).encode()).hexdigest()


def target_folder(settings: Settings) -> Path:
    """Where dbt keeps what it compiled for this home: two homes never write to one folder."""
    return settings.root / "dbt"


def _base(settings: Settings) -> list[str]:
    target = target_folder(settings)
    project = ["--project-dir", str(PROJECT_DIR), "--profiles-dir", str(PROJECT_DIR)]
    return [*project, "--target-path", str(target), "--log-path", str(target / "logs")]


def parsed(settings: Settings) -> Any:
    """The manifest object of the project as it is on disk now; parsed once per change."""
    from dbt.cli.main import dbtRunner

    os.environ.update(environment(settings))
    key = (fingerprint(), str(settings.root))
    if _kept.get("key") != key:
        lean = ["--no-write-json"] if _is_written(settings) else []
        result = dbtRunner().invoke(["--quiet", *lean, "parse", *_base(settings)])
        if not result.success:
            raise DbtError(f"dbt cannot read the project: {result.exception}")
        if not lean:
            _stamp(settings).write_text(_state_of(settings), encoding="utf-8")
        _kept.update(key=key, manifest=result.result)
    return _kept["manifest"]


def manifest_dict(settings: Settings) -> Mapping[str, Any]:
    """The manifest as dbt wrote it for this home; parsed again when the project changed."""
    if not _is_written(settings):
        parsed(settings)
    return json.loads(_written(settings).read_text())


def _written(settings: Settings) -> Path:
    return target_folder(settings) / "manifest.json"


def _is_written(settings: Settings) -> bool:
    """Whether the written manifest is the one of the project as it is on disk."""
    stamp = _stamp(settings)
    return _written(settings).exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == _state_of(settings)


def _stamp(settings: Settings) -> Path:
    return target_folder(settings) / "manifest.of"


def _state_of(settings: Settings) -> str:
    """What a written manifest is of: the project, and the file itself, which dbt by hand writes anew."""
    return f"{fingerprint()} {_written(settings).stat().st_mtime_ns}"


def _close_connections() -> None:
    # Without this the file stays locked for every other process after dbt has finished.
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    DuckDBConnectionManager.close_all_connections()


def stream(settings: Settings, args: Sequence[str], *, as_of: date) -> Iterator[dict[str, Any]]:
    """Run `dbt <args>` and yield each node's result event as a dict while it runs.

    Raises DbtError after the last event when any node failed.
    """
    from dbt.cli.main import dbtRunner
    from google.protobuf.json_format import MessageToDict

    manifest = parsed(settings)
    events: queue.Queue = queue.Queue()
    outcome: dict[str, Any] = {}

    def forward(event: Any) -> None:
        if event.info.name in _RESULTS:
            events.put(MessageToDict(event, preserving_proto_field_name=True))

    def work() -> None:
        try:
            variables = ["--vars", json.dumps({"as_of": as_of.isoformat()})]
            runner = dbtRunner(manifest=manifest, callbacks=[forward])
            outcome["result"] = runner.invoke(["--quiet", *_LEAN, *args, *variables, *_base(settings)])
        except BaseException as error:  # handed to the caller's thread below
            outcome["error"] = error
        finally:
            _close_connections()
            events.put(None)

    worker = threading.Thread(target=work, name="dbt")
    worker.start()
    while (event := events.get()) is not None:
        yield event
    worker.join()
    if "error" in outcome:
        raise outcome["error"]
    if not outcome["result"].success:
        raise DbtError(_failures(outcome["result"]))


def run(settings: Settings, args: Sequence[str], *, as_of: date) -> int:
    """Run `dbt <args>` to its end; returns how many nodes were built or tested."""
    return sum(1 for _ in stream(settings, args, as_of=as_of))


def _failures(result: Any) -> str:
    if result.exception is not None:
        return f"dbt stopped: {result.exception}"
    failed = [r for r in result.result.results if str(r.status) in {"error", "fail", "runtime error"}]
    return "\n".join(f"{r.node.name} ({Path(r.node.original_file_path)}): {r.message}" for r in failed)

"""Running a job of the graph in this process, one run at a time, and what came out of it."""

import fcntl
import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from orchestration.errors import TesseraError
from orchestration.home import prepare, variables
from orchestration.settings import Settings
from orchestration.warehouse.disk import require_room

JOBS = ("everything", "daily", "hourly", "sync")


class RunInProgressError(TesseraError):
    """Another run of this home is under way."""


@dataclass(frozen=True)
class Outcome:
    """What a run did: seconds, peak memory in MB, checks, steps that failed."""

    run_id: str
    success: bool
    seconds: float
    peak_megabytes: float
    checks_passed: int
    failed_checks: tuple[str, ...]
    failed_steps: tuple[str, ...]

    def summary(self) -> str:
        state = "done" if self.success else "FAILED"
        lines = [
            f"run {self.run_id} {state} in {self.seconds:.1f} s, peak memory {self.peak_megabytes:,.0f} MB",
            f"{self.checks_passed} checks passed, {len(self.failed_checks)} failed",
            *(f"  check failed: {name}" for name in self.failed_checks),
            *(f"  step failed: {name}" for name in self.failed_steps),
        ]
        return "\n".join(lines)


@contextmanager
def only_run(settings: Settings) -> Iterator[None]:
    """Hold the home's run lock. Raises RunInProgressError naming the process that holds it."""
    path = settings.root / "run.lock"
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise RunInProgressError(
                f"a run is under way in {settings.root} ({lock.read().strip() or 'unknown process'}): "
                "wait for it to end, or stop that process, and run again"
            ) from error
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, since {datetime.now():%H:%M:%S}")
        lock.flush()
        yield


def run_job(settings: Settings, job: str, *, as_of: date | None = None) -> Outcome:
    """Run `job` to its end in this process; it is recorded in the home's Dagster instance like any run.

    Raises TesseraError for an unknown job, a run under way or too little disk. Failed steps do not raise: see Outcome.
    """
    if job not in JOBS:
        raise TesseraError(f"no job named {job!r}: choose one of {', '.join(JOBS)}")
    prepare(settings)
    require_room(settings)
    os.environ.update(variables(settings))
    with only_run(settings):
        started = time.monotonic()
        result = _execute(job, as_of)
        return _outcome(result, time.monotonic() - started)


def _execute(job: str, as_of: date | None) -> Any:
    from dagster import DagsterInstance

    from orchestration.definitions import defs

    tags = {"tessera/as_of": as_of.isoformat()} if as_of else {}
    definition = defs().get_job_def(job)
    with DagsterInstance.get() as instance:
        return definition.execute_in_process(instance=instance, raise_on_error=False, tags=tags)


def _outcome(result: Any, seconds: float) -> Outcome:
    checks = result.get_asset_check_evaluations()
    failed = tuple(f"{check.asset_key.to_user_string()}: {check.check_name}" for check in checks if not check.passed)
    return Outcome(
        run_id=result.run_id,
        success=result.success,
        seconds=seconds,
        peak_megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        checks_passed=len(checks) - len(failed),
        failed_checks=failed,
        failed_steps=tuple(event.step_key for event in result.get_step_failure_events()),
    )

"""Running a job of the graph in this process, one run at a time, and what came out of it."""

import fcntl
import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from orchestration import findings
from orchestration.errors import TesseraError
from orchestration.home import prepare, variables
from orchestration.settings import Settings
from orchestration.warehouse.disk import require_room

JOBS = ("everything", "daily", "hourly", "sync", "after_identity")


class RunInProgressError(TesseraError):
    """Another run of this home is under way."""


@dataclass(frozen=True)
class Outcome:
    """What a run did: seconds, peak memory in MB, checks, steps that failed.

    `success`: every step ended well. `reasons` says of each failed check, warning and failed step what was found.
    """

    run_id: str
    success: bool
    seconds: float
    peak_megabytes: float
    checks_passed: int
    failed_checks: tuple[str, ...]
    warnings: tuple[str, ...]
    failed_steps: tuple[str, ...]
    reasons: dict[str, str] = field(default_factory=dict)

    @property
    def healthy(self) -> bool:
        """Whether nobody has to look: every step ended well and no check is red."""
        return self.success and not self.failed_checks

    def summary(self) -> str:
        state = "done" if self.success else "FAILED"
        lines = [
            f"run {self.run_id} {state} in {self.seconds:.1f} s, peak memory {self.peak_megabytes:,.0f} MB",
            f"{self.checks_passed} checks passed, {len(self.failed_checks)} failed, {len(self.warnings)} warnings",
            *self._told("check failed", self.failed_checks),
            *self._told("warning", self.warnings),
            *self._told("step failed", self.failed_steps),
        ]
        return "\n".join(lines)

    def _told(self, kind: str, names: tuple[str, ...]) -> list[str]:
        return findings.grouped(f"  {kind}: ", {name: self.reasons.get(name, "") for name in names})


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
    definition = defs().resolve_job_def(job)
    with DagsterInstance.get() as instance:
        return definition.execute_in_process(
            instance=instance, raise_on_error=False, tags=tags, run_config={"loggers": {"progress": {}}}
        )


def _outcome(result: Any, seconds: float) -> Outcome:
    checks = result.get_asset_check_evaluations()
    failed = {findings.name_of(check): check for check in checks if not check.passed}
    broken = {event.step_key: event for event in result.get_step_failure_events()}
    told = {name: findings.told_by(check) for name, check in failed.items()}
    return Outcome(
        run_id=result.run_id,
        success=result.success,
        seconds=seconds,
        peak_megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        checks_passed=len(checks) - len(failed),
        failed_checks=tuple(name for name, check in failed.items() if check.severity.value == "ERROR"),
        warnings=tuple(name for name, check in failed.items() if check.severity.value == "WARN"),
        failed_steps=tuple(broken),
        reasons=told | {step: findings.why_failed(event) for step, event in broken.items()},
    )

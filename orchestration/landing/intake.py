"""One landing of one system, judged: what came in, whether all of it is accounted for, and whether it looks as usual.

How records are read and split is `ingestion`'s. A source that fails, or a batch that is unsound, never raises here:
the verdict says so and the last good landing stays.
"""

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from data_contracts.contract import Contract
from data_contracts.odcs import ContractError
from ingestion.batch import NotConnectedError, SourceError
from ingestion.files import resource_of
from ingestion.landing import LandingReport, land
from ingestion.rejection import reject
from orchestration.errors import is_disk_full, root_cause
from orchestration.landing import checks, facts
from orchestration.landing.business_day import NothingLandedError, latest_business_day
from orchestration.landing.health import remember
from orchestration.settings import Settings


@dataclass(frozen=True)
class Verdict:
    """The result of one check. `is_error` false: worth a look, no more."""

    passed: bool
    message: str = "as it should be"
    is_error: bool = True
    numbers: dict[str, int | float] = field(default_factory=dict)


@dataclass(frozen=True)
class TableIntake:
    """Records of one table in this landing, rows landed in all, and its three verdicts."""

    offered: int
    landed: int
    quarantined: int
    rows_landed: int
    healthy: Verdict
    reconciled: Verdict
    sound: Verdict


@dataclass(frozen=True)
class Intake:
    """What came of one landing; `problems` are what an operator must mend, empty when well."""

    system: str
    tables: dict[str, TableIntake]
    problems: tuple[str, ...]
    seconds: float

    @property
    def healthy(self) -> bool:
        return not self.problems

    def summary(self) -> str:
        """Records by table; the problems were logged as they were found."""
        lines = [
            f"{self.system}.{name}: {table.landed:,} landed, {table.quarantined:,} quarantined"
            for name, table in self.tables.items()
        ]
        return "\n".join([*lines, f"{self.seconds:.1f} s"])


def take_in(settings: Settings, contract: Contract, *, log: Callable[[str], object]) -> Intake:
    """Land what is new at a system, reject what is unsound as a whole, and judge the result."""
    started = time.monotonic()
    report, problem, is_connected = _land(settings, contract, log)
    findings = _judge(settings, contract) if report and report.load_ids else []
    taken_back = _take_back(settings, contract, findings, report)
    balance = checks.reconciled(settings, contract)
    # Who never connected a source does not miss it; where rows of it lie, somebody does.
    is_unused = not is_connected and not any(counted.offered for counted in balance.values())
    tables = {
        table.name: _table(table.name, report, _health(report, problem, table.name, is_unused), findings, balance)
        for table in contract.tables
    }
    problems = _problems(tables, report, problem, taken_back)
    for told in problems:
        log(told)
    remember(settings, contract.system, problems)
    return Intake(contract.system, tables, tuple(problems), time.monotonic() - started)


def _land(
    settings: Settings, contract: Contract, log: Callable[[str], object]
) -> tuple[LandingReport | None, str | None, bool]:
    """What landed, or why nothing could, and whether the source is connected at all.

    A full disk is no fault of the source and is raised.
    """
    try:
        return land(contract.system, settings.root), None, True
    except (SourceError, ContractError) as error:
        return None, str(error), not isinstance(error, NotConnectedError)
    except Exception as error:
        if is_disk_full(error):
            raise
        # Whatever a source manages to break, it breaks for itself alone.
        log(traceback.format_exc())
        cause = root_cause(error)
        first_line = next(iter(str(cause).splitlines()), "")
        told = (
            f"{contract.system}: landing broke off ({type(cause).__name__}: {first_line}): look at what the source "
            "delivered last, and in the log for the details"
        )
        return None, told, True


def _judge(settings: Settings, contract: Contract) -> list[checks.Finding]:
    return checks.validate(
        facts.batch_facts(settings, contract.system, _business_day(settings)), checks.suite(contract)
    )


def _business_day(settings: Settings) -> date | None:
    """The day freshness is measured from; none before anything with a business day has landed."""
    try:
        return latest_business_day(settings)
    except NothingLandedError:
        return None


def _take_back(
    settings: Settings, contract: Contract, findings: list[checks.Finding], report: LandingReport | None
) -> list[str]:
    """Reject the files that this landing brought to a table whose suite failed as an error."""
    if report is None:
        return []
    bad = {found.resource: found.message for found in findings if not found.passed and found.severity == "error"}
    files = [
        (resource, reject(settings.root, contract.system, resource, load_id, message))
        for resource, message in bad.items()
        for load_id in report.load_ids
    ]
    return [f"{contract.system}/{resource}: {len(names)} files taken back" for resource, names in files if names]


def _table(
    name: str,
    report: LandingReport | None,
    healthy: Verdict,
    findings: list[checks.Finding],
    balances: dict[str, checks.Reconciliation],
) -> TableIntake:
    balance = balances[name]
    counts = report.resources[name] if report else None
    failed = [found for found in findings if found.resource == name and not found.passed]
    return TableIntake(
        offered=counts.offered if counts else 0,
        landed=counts.landed if counts else 0,
        quarantined=counts.quarantined if counts else 0,
        rows_landed=balance.landed,
        healthy=healthy,
        reconciled=Verdict(
            passed=balance.is_equal,
            message="every record is landed or quarantined" if balance.is_equal else "records are lost or doubled",
            numbers={name: getattr(balance, name) for name in ("offered", "landed", "quarantined", "lost", "doubled")},
        ),
        sound=Verdict(
            passed=not failed,
            message="; ".join(found.message for found in failed) or "as usual",
            is_error=any(found.severity == "error" for found in failed),
            numbers={found.check: found.observed for found in findings if found.resource == name and found.observed},
        ),
    )


def _concerns(file: str, table: str, report: LandingReport) -> bool:
    """Whether a refused file is shown at `table`: it is named after it, or after no table and shown at each."""
    named = resource_of(file)
    return named == table or named not in report.resources


def _health(report: LandingReport | None, problem: str | None, table: str, is_unused: bool) -> Verdict:
    if problem and is_unused:
        return Verdict(passed=True, message=problem)
    if problem:
        return Verdict(passed=False, message=f"{problem}; the last good landing stays in use")
    refused = {file: why for file, why in report.rejected.items() if _concerns(file, table, report)} if report else {}
    told = "; ".join(f"{file}: {why}" for file, why in sorted(refused.items()))
    message = f"{told}; what landed of it before stays in use" if refused else "read to its end"
    return Verdict(passed=not refused, message=message, numbers={"files_refused": len(refused)})


def _problems(
    tables: dict[str, TableIntake], report: LandingReport | None, problem: str | None, taken_back: list[str]
) -> list[str]:
    found = [problem] if problem else []
    found += [f"{file}: {why}" for file, why in sorted(report.rejected.items())] if report else []
    found += taken_back
    found += [f"{name}: {table.reconciled.message}" for name, table in tables.items() if not table.reconciled.passed]
    return found

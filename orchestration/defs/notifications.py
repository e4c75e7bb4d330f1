"""Who is told when: failed runs and failed checks. How a message leaves: `orchestration.notify`."""

import dagster as dg

from orchestration import findings
from orchestration.defs.run import settings
from orchestration.notify import notify


@dg.run_failure_sensor(
    default_status=dg.DefaultSensorStatus.RUNNING, description="Tells the webhook of a run that failed."
)
def run_failure_notification(context: dg.RunFailureSensorContext) -> None:
    steps = {
        event.step_key: findings.why_failed(event) for event in context.get_step_failure_events() if event.step_key
    }
    notify(
        settings(),
        title=f"Run of {context.dagster_run.job_name} failed",
        text="\n".join(findings.grouped("", steps))
        if steps
        else f"No step failed, the run itself stopped: {context.failure_event.message}",
        what_to_do="Mend what the first failed step names and run the job again; the last good data is still served.",
        run_id=context.dagster_run.run_id,
    )


def _red_checks(context: dg.RunStatusSensorContext) -> dict[str, str]:
    events = context.instance.all_logs(context.dagster_run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    checks = (entry.dagster_event.asset_check_evaluation_data for entry in events if entry.dagster_event)
    return {
        findings.name_of(check): findings.told_by(check)
        for check in checks
        if not check.passed and check.severity is dg.AssetCheckSeverity.ERROR
    }


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells the webhook of checks that failed in a run that otherwise went through; warnings are not told.",
)
def check_failure_notification(context: dg.RunStatusSensorContext) -> dg.SkipReason | None:
    red = _red_checks(context)
    if not red:
        return dg.SkipReason("no check is red")
    notify(
        settings(),
        title=f"{len(red)} checks failed in {context.dagster_run.job_name}",
        text="\n".join(findings.grouped("", red)),
        what_to_do="Mend what each line names and run the job again; the last good data is still served.",
        run_id=context.dagster_run.run_id,
    )
    return None

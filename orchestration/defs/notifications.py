"""Who is told when: failed runs and failed checks. How a message leaves: `orchestration.notify`."""

import dagster as dg

from orchestration.defs.run import settings
from orchestration.notify import notify



@dg.run_failure_sensor(
    default_status=dg.DefaultSensorStatus.RUNNING, description="Tells the webhook of a run that failed."
)
def run_failure_notification(context: dg.RunFailureSensorContext):
    steps = [event.step_key for event in context.get_step_failure_events() if event.step_key]
    notify(
        settings(),
        title=f"Run of {context.dagster_run.job_name} failed",
        text=f"Failed steps: {', '.join(steps) or 'none; the run itself stopped'}",
        what_to_do="Open the run in the UI, read the first failed step, run the job again when its cause is gone.",
        run_id=context.dagster_run.run_id,
    )


def _failed_checks(context: dg.RunStatusSensorContext) -> list[str]:
    events = context.instance.all_logs(
        context.dagster_run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    )
    found = (entry.dagster_event.asset_check_evaluation_data for entry in events if entry.dagster_event)
    return [f"{check.asset_key.to_user_string()}: {check.check_name}" for check in found if not check.passed]


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells the webhook of checks that failed in a run that otherwise went through.",
)
def check_failure_notification(context: dg.RunStatusSensorContext):
    failed = _failed_checks(context)
    if not failed:
        return dg.SkipReason("every check passed")
    notify(
        settings(),
        title=f"{len(failed)} checks failed in {context.dagster_run.job_name}",
        text="\n".join(failed),
        what_to_do="Open the asset's Checks tab: it says what was found. The last good data is still served.",
        run_id=context.dagster_run.run_id,
    )
    return None

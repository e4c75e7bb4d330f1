"""When things run: jobs, schedules, and the sensor that sees new till drops. What they run is declared elsewhere."""

import json
from typing import Any

import dagster as dg

from orchestration.defs.run import settings
from orchestration.landing.drops import marks

_SENDS = dg.AssetSelection.tag("tessera/sends", "true")
_SYNCS = dg.AssetSelection.groups("activation") | dg.AssetSelection.assets(
    ["marts", "sync_results"], ["marts", "published"]
)
_TO_PROFILE = dg.AssetSelection.groups("landing", "staging", "conformed", "identity", "profile")

everything = dg.define_asset_job(
    "everything", dg.AssetSelection.all(), description="Landing to activation and marts, in one run."
)
daily = dg.define_asset_job("daily", dg.AssetSelection.all() - _SENDS, description="Landing to marts; sends nothing.")
hourly = dg.define_asset_job("hourly", _TO_PROFILE, description="What is new, from landing to profiles.")
sync = dg.define_asset_job("sync", _SYNCS, description="Every active sync: plan, send, record.")


def _schedule(job: Any, cron: str, status: dg.DefaultScheduleStatus) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name=f"{job.name}_schedule", job=job, cron_schedule=cron, execution_timezone="UTC", default_status=status
    )


daily_schedule = _schedule(daily, "30 3 * * *", dg.DefaultScheduleStatus.RUNNING)
hourly_schedule = _schedule(hourly, "15 * * * *", dg.DefaultScheduleStatus.RUNNING)
# Sending is switched on by a person, in the UI, once the dry runs look right.
sync_schedule = _schedule(sync, "0 5 * * *", dg.DefaultScheduleStatus.STOPPED)


@dg.sensor(
    job=hourly,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A new, changed or withdrawn file among the till drops starts the hourly job.",
)
def till_drop_sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    now = marks(settings(), "receipts")
    seen = json.loads(context.cursor) if context.cursor else None
    if now == seen:
        return dg.SkipReason("no till drop is new, changed or gone")
    context.update_cursor(json.dumps(now))
    if seen is None:
        return dg.SkipReason("first look: remembered what is there")
    return dg.RunRequest(run_key=f"till:{now['fingerprint']}")

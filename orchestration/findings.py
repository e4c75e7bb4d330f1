"""What Dagster's events say went wrong, as sentences for a terminal or a message. Deciding whom to tell is not done here."""

from typing import Any

from orchestration.errors import disk_full, says_disk_full

_DBT_ROWS = "dagster_dbt/failed_row_count"


def name_of(check: Any) -> str:
    """`landing/receipts/payments: source_answered` of a check evaluation."""
    return f"{check.asset_key.to_user_string()}: {check.check_name}"


def told_by(check: Any) -> str:
    """What a failed check found: its `what`, after the place in `where` if it names one; empty if it says nothing."""
    said = {name: str(value.value) for name, value in check.metadata.items()}
    what = said.get("what") or (f"{said[_DBT_ROWS]} rows break it" if _DBT_ROWS in said else "")
    return f"{said['where']}: {what}" if "where" in said else what


def why_failed(event: Any) -> str:
    """The message of the exception that ended a step, without its frames."""
    failure = event.step_failure_data
    described = failure.user_failure_data and failure.user_failure_data.description
    # The outer error is Dagster's own, the next one what our code raised.
    raised = failure.error and (failure.error.cause or failure.error)
    message = described or (raised.message.strip() if raised else "it says nothing")
    return disk_full(message) if says_disk_full(message) else message

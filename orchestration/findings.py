"""What Dagster says went wrong in a run, as sentences. Whom to tell, and how, is decided elsewhere."""

from typing import Any

from orchestration.errors import disk_full, says_disk_full

_DBT_ROWS = "dagster_dbt/failed_row_count"
_OURS = ("orchestration.", "ingestion.", "data_contracts.")


def name_of(check: Any) -> str:
    """`landing/receipts/payments: source_answered` of a check evaluation."""
    return f"{check.asset_key.to_user_string()}: {check.check_name}"


def grouped(kind: str, reasons: dict[str, str]) -> list[str]:
    """Lines that say each reason once, under all the names it stopped."""
    names: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        names.setdefault(reason, []).append(name)
    return [
        "\n".join([*(f"{kind}{name}" for name in together), *([f"    {reason}"] if reason else [])])
        for reason, together in names.items()
    ]


def told_by(check: Any) -> str:
    """What a failed check found, or how many rows break a dbt test; empty if it says nothing."""
    said = {name: str(value.value) for name, value in check.metadata.items()}
    return said.get("what") or (f"{said[_DBT_ROWS]} rows break it" if _DBT_ROWS in said else "")


def why_failed(event: Any) -> str:
    """The message of the exception that ended a step, without its frames."""
    failure = event.step_failure_data
    described = failure.user_failure_data and failure.user_failure_data.description
    # The outer error is Dagster's own, the next one what our code raised.
    raised = failure.error and (failure.error.cause or failure.error)
    message = described or (_without_class(raised.message.strip()) if raised else "it says nothing")
    return disk_full(message) if says_disk_full(message) else message


def _without_class(message: str) -> str:
    """Our own errors say all in words; of any other the class is part of what it says."""
    return message.partition(": ")[2] if message.startswith(_OURS) else message

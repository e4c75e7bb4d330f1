"""What a run says on a terminal: one line per finished step, errors in full. The UI keeps everything anyway."""

import logging
import sys

import dagster as dg

_SHOWN = {"STEP_SUCCESS", "STEP_FAILURE"}
# Tests of a source that two steps share run with whichever comes first.
_HARMLESS = "which is not selected. Letting it through"


class _StepLines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        meta = getattr(record, "dagster_meta", None) or {}
        event = meta.get("dagster_event") if isinstance(meta, dict) else getattr(meta, "dagster_event", None)
        if event is not None and event.event_type_value in _SHOWN:
            sys.stderr.write(f"  {_line(event)}\n")
        elif event is None and record.levelno >= logging.WARNING and _HARMLESS not in record.getMessage():
            sys.stderr.write(f"  {record.levelname.lower()}: {record.getMessage().rsplit(' - ', 1)[-1]}\n")
        sys.stderr.flush()


def _line(event: dg.DagsterEvent) -> str:
    step = (event.step_key or "").rsplit(".", 1)[-1]
    if event.event_type_value == "STEP_SUCCESS":
        return f"{event.step_success_data.duration_ms / 1000:7.1f} s  {step}"
    return f" FAILED    {step}: {event.step_failure_data.error_display_string.splitlines()[0]}"


@dg.logger(description="One line per finished step, for a terminal.")
def progress(init_context: dg.InitLoggerContext) -> logging.Logger:
    logger = logging.Logger("progress", logging.DEBUG)
    logger.addHandler(_StepLines())
    return logger


@dg.definitions
def loggers() -> dg.Definitions:
    return dg.Definitions(loggers={"progress": progress, "console": dg.colored_console_logger})

"""What a run says on a terminal: one line per finished step; why one failed, at the end. The UI keeps all."""

import logging
import sys

import dagster as dg

_SHOWN = {"STEP_SUCCESS", "STEP_FAILURE"}
# Tests of a source that two steps share run with whichever comes first; steps after a failed one are not news.
_HARMLESS = ("which is not selected. Letting it through", "Dependencies for step")


class _StepLines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        meta = getattr(record, "dagster_meta", None) or {}
        event = meta.get("dagster_event") if isinstance(meta, dict) else getattr(meta, "dagster_event", None)
        if event is not None and event.event_type_value in _SHOWN:
            sys.stderr.write(f"  {_line(event)}\n")
        elif event is None and record.levelno >= logging.WARNING and not _is_harmless(record):
            sys.stderr.write(f"  {record.levelname.lower()}: {record.getMessage().rsplit(' - ', 1)[-1]}\n")
        sys.stderr.flush()


def _line(event: dg.DagsterEvent) -> str:
    step = (event.step_key or "").rsplit(".", 1)[-1]
    if event.event_type_value == "STEP_SUCCESS":
        return f"{event.step_success_data.duration_ms / 1000:7.1f} s  {step}"
    return f" FAILED    {step}"


def _is_harmless(record: logging.LogRecord) -> bool:
    return any(part in record.getMessage() for part in _HARMLESS)


@dg.logger(description="One line per finished step, for a terminal.")
def progress(init_context: dg.InitLoggerContext) -> logging.Logger:
    logger = logging.Logger("progress", logging.DEBUG)
    logger.addHandler(_StepLines())
    return logger


@dg.definitions
def loggers() -> dg.Definitions:
    return dg.Definitions(loggers={"progress": progress, "console": dg.colored_console_logger})

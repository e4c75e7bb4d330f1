"""The code location: loads `defs/` and chooses the executor; nothing else."""

import os
import sys
from pathlib import Path

import dagster as dg

from orchestration.home import OutsideHomeError, require_dagster_home

try:
    require_dagster_home(os.environ)
except OutsideHomeError:
    # Dagster prints it up to four times, each with the frames of its own loader: the message alone says what to do.
    sys.tracebacklimit = 0
    raise


@dg.definitions
def defs() -> dg.Definitions:
    loaded = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
    # One process: DuckDB has one writer, and on a small machine each child costs more than its step.
    return dg.Definitions.merge(loaded, dg.Definitions(executor=dg.in_process_executor))

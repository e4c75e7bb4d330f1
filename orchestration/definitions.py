"""The code location: loads `defs/` and chooses the executor; nothing else."""

import os
from pathlib import Path

import dagster as dg

from orchestration.home import require_dagster_home

require_dagster_home(os.environ)


@dg.definitions
def defs() -> dg.Definitions:
    loaded = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
    # One process: DuckDB has one writer, and on a small machine each child costs more than its step.
    return dg.Definitions.merge(loaded, dg.Definitions(executor=dg.in_process_executor))

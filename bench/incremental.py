"""Writes the figures of runs on changed records into `docs/identity.md`: `make bench-incremental`.

`python -m bench.incremental [--sizes 10000,100000]`. For each size a model is trained on its records, beyond a million
on a million like them; then come a run over all records and one over a batch of a hundredth of them, each in a process
of its own, through the same `solve` and store as the pipeline's. What one step does is in `incremental_steps`; nothing
is done here, so that no step's peak memory has this process's in it.
"""

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb

from bench import identity_page
from bench.incremental_table import MOST_LEARNED_FROM

ROOT = Path(__file__).parents[1]
SIZES = (10_000, 100_000, 1_000_000)
SECONDS = 900
SPLINK_SECONDS = 300
# At a million records; the last at any size.
BARS = {"full": 25.0, "megabytes": 2_500.0, "batch": 2.5, "kept": 0.999}

Figures = dict[str, Any]


def measured(sizes: list[int], folder: Path) -> dict[int, Figures]:
    """Figures by size; a size stands with what could be measured in the time there is."""
    found: dict[int, Figures] = {}
    for count in sizes:
        learned = min(count, MOST_LEARNED_FROM)
        for table in {count, learned}:
            if not (folder / str(table)).exists():
                _step("table", folder, table, SECONDS)
        if not (folder / str(learned) / "model.json").exists():
            _step("train", folder, learned, SECONDS)
        limits = {"full": SECONDS, "batch": SECONDS, "splink": SPLINK_SECONDS}
        steps = {name: _step(name, folder, count, limit) for name, limit in limits.items()}
        found[count] = steps
        print(f"{count:,}: {json.dumps(steps)}", flush=True)
    return found


def _step(name: str, folder: Path, count: int, limit: int) -> Figures:
    """What the step prints, or `not_run` and why."""
    command = [sys.executable, "-m", "bench.incremental_steps", name, str(folder), str(count)]
    try:
        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return {"not_run": f"not done in {limit // 60} minutes"}
    if done.returncode:
        if name in ("table", "train", "full"):
            sys.exit(done.stderr)
        reason = (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
        print(f"{name} of {count:,}: {reason}", file=sys.stderr)
        return {"not_run": "out of memory" if "Memory" in reason or done.returncode < 0 else "failed"}
    return json.loads(done.stdout.splitlines()[-1])


def block(found: dict[int, Figures]) -> str:
    """The tables of the page."""
    machine = (
        f"Measured {date.today()}: {os.cpu_count()} cores, not necessarily quiet, {platform.system()}, Python "
        f"{platform.python_version()}, duckdb {duckdb.__version__}; `make bench-incremental`. The model of a full run "
        f"is of the same records, beyond {MOST_LEARNED_FROM:,} of so many like them. DuckDB held to 2 threads and "
        "2 GB, beyond a million records 2 GB a million. In brackets processor seconds, which other work on the machine "
        "changes less.\n\n"
    )
    heads = ["records", "pairs compared", "full run, s", "peak MB", "batch of 1%, s", "looked at again"]
    heads += ["people whose id stays", "Splink, s", "full run / Splink"]
    return machine + identity_page.table(heads, [_row(count, steps) for count, steps in found.items()]) + _growth(found)


def _row(count: int, steps: Figures) -> list[str]:
    full, batch, splink = steps["full"], steps["batch"], steps["splink"]
    row = [f"{count:,}"]
    row += _cells(full, lambda it: [f"{it['pairs']:,}", _seconds(it), f"{it['megabytes']:,.0f}"], 3)
    row += _cells(batch, lambda it: [_seconds(it), f"{it['touched']:,}", f"{it['kept']:.5f}"], 3)
    row += _cells(splink, lambda it: [_seconds(it)], 1)
    ratio = "-"
    if "seconds" in full and "seconds" in splink:
        ratio = f"{full['seconds'] / splink['seconds']:.2f} ({full['processor'] / splink['processor']:.2f})"
    return [*row, ratio]


def _cells(step: Figures, told: Any, count: int) -> list[str]:
    return [step["not_run"], *["-"] * (count - 1)] if "not_run" in step else told(step)


def _seconds(step: Figures) -> str:
    return f"{step['seconds']:.1f} ({step['processor']:.1f})"


def _growth(found: dict[int, Figures]) -> str:
    """How much more than in proportion time grows: 1 is in proportion."""
    lines = []
    sizes = sorted(found)
    for less, more in pairwise(sizes):
        told = []
        for name, step in (("full run", "full"), ("batch", "batch"), ("Splink", "splink")):
            times = [found[size][step].get("processor") for size in (less, more)]
            if all(times):
                told.append(f"{name} {math.log(times[1] / times[0]) / math.log(more / less):.2f}")
        if told:
            lines.append(f"{less:,} to {more:,}: {', '.join(told)}")
    return f"\n\nGrowth exponents of processor time: {'; '.join(lines)}." if lines else ""


def _missed(found: dict[int, Figures]) -> list[str]:
    """Bars that a figure does not reach."""
    missed = []
    for count, steps in found.items():
        values = {"kept": steps["batch"].get("kept")}
        if count == 1_000_000:
            values |= {"full": steps["full"].get("seconds"), "megabytes": steps["full"].get("megabytes")}
            values |= {"batch": steps["batch"].get("seconds")}
        for name, value in values.items():
            if value is not None and (value < BARS[name] if name == "kept" else value > BARS[name]):
                missed.append(f"{count:,} records, {name}: {value:,.4g} (bar {BARS[name]:g})")
    return missed


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.incremental", description=__doc__)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="numbers of records, by commas")
    parser.add_argument("--keep", type=Path, help="an existing folder for tables, model and stores; else a passing one")
    given = parser.parse_args()
    sizes = [int(size) for size in given.sizes.split(",")]
    with tempfile.TemporaryDirectory() as passing:
        found = measured(sizes, given.keep or Path(passing))
    identity_page.put(ROOT / "docs" / "identity.md", {"incremental": block(found)})
    for line in _missed(found):
        print(f"above its bar: {line}")


if __name__ == "__main__":
    main()

"""Measures the published figures, each in a process of its own: `make bench`, or `python -m bench NAME` for one.

Every figure is printed with its bar and kept nowhere; publish it with date and machine.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

Figures = dict[str, tuple[float, str, float | None]]
PEOPLE, SEED = 10_000, 1
MANY = 1_000_000


def start_up(_: Path) -> Figures:
    """How long `tessera --help` takes, the best of five."""
    command = [str(Path(sys.executable).with_name("tessera")), "--help"]
    times = []
    for _attempt in range(5):
        started = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.monotonic() - started)
    return {"tessera --help": (min(times), "s", 1.0)}


def generator(folder: Path) -> Figures:
    """A million people with what each source knows of them, and then all their receipt lines."""
    from orchestration.demo.generate import connect, generate_identities, write_lines_parquet

    with connect(MANY, SEED) as con:
        started = time.monotonic()
        generate_identities(con, folder)
        identities = time.monotonic() - started
        started = time.monotonic()
        lines = write_lines_parquet(con, folder / "lines")
        seconds = time.monotonic() - started
    return {
        f"identity records of {MANY:,} people": (identities, "s", 60.0),
        "receipt lines to Parquet": (lines / seconds, "lines/s", 500_000.0),
    }


def flow(folder: Path) -> Figures:
    """The demo's whole graph: first, again when the own sync came back as news, without news, with one more day."""
    os.environ["TESSERA_HOME"] = str(folder)
    from orchestration.demo.generate import generate
    from orchestration.demo.run import demo_folder, sources
    from orchestration.jobs import run_job
    from orchestration.settings import Settings

    settings = Settings()
    figures: Figures = {}
    bars = {"first run": 120.0, "run on its own echo": None, "run without news": 45.0, "run with one more day": None}
    for name, bar in bars.items():
        if name in ("first run", "run with one more day"):
            until = date(2017, 12, 30) if name == "first run" else None
            generate(PEOPLE, SEED, demo_folder(settings), until=until)
        with sources(settings):
            outcome = run_job(settings, "everything")
        if not outcome.healthy:
            sys.exit(outcome.summary())
        figures[f"{name}, {PEOPLE:,} people"] = (outcome.seconds, "s", bar)
        if name == "first run":
            figures["peak memory of it"] = (outcome.peak_megabytes, "MB", 3_000.0)
    return figures


FIGURES: dict[str, Callable[[Path], Figures]] = {"start_up": start_up, "generator": generator, "flow": flow}


def measured(name: str) -> Figures:
    """The figures of one measurement, taken in a process of its own and in a folder that is removed again."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bench", name, folder]
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return {figure: tuple(values) for figure, values in json.loads(said.splitlines()[-1]).items()}


def main(arguments: list[str]) -> None:
    if len(arguments) == 2:
        print(json.dumps(FIGURES[arguments[0]](Path(arguments[1]))))
        return
    unknown = set(arguments) - FIGURES.keys()
    if unknown:
        sys.exit(f"no measurement named {', '.join(sorted(unknown))}: choose of {', '.join(FIGURES)}")
    print(f"{date.today()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for name in arguments or FIGURES:
        for figure, (value, unit, bar) in measured(name).items():
            told = f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
            print(f"{figure:45} {told:>12} {unit:8}" + (f" (bar {bar:,.0f})" if bar else ""), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

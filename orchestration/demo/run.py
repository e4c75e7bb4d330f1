"""The demo: a generated population, the whole flow on it, and a summary. Nothing of a stage belongs here."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.errors import TesseraError
from orchestration.jobs import run_job
from orchestration.settings import Settings

if TYPE_CHECKING:
    from orchestration.demo.faults import Faults

TOKEN = "demo-token"
# In the demo's folder: which population it holds.
_MARKER = "population.json"


def demo_folder(settings: Settings) -> Path:
    return settings.root / "demo"


def ensure_population(settings: Settings, *, people: int, seed: int) -> float:
    """Generate the demo's sources and truth unless the same are there; returns the seconds it took.

    Raises TesseraError when the home holds another population: its people would be mixed with the new ones.
    """
    folder = demo_folder(settings)
    marker, wanted = folder / _MARKER, {"people": people, "seed": seed}
    if marker.exists():
        there = json.loads(marker.read_text())
        if there != wanted:
            raise TesseraError(
                f"{settings.root} holds a demo of {there['people']} people with seed {there['seed']}: "
                "use another home (TESSERA_HOME=/path), or remove this one (make clean), and run again"
            )
        return 0.0
    started = time.monotonic()
    _generate(people, seed, folder)
    marker.write_text(json.dumps(wanted))
    return time.monotonic() - started


def _generate(people: int, seed: int, folder: Path) -> None:
    try:
        from orchestration.demo.generate import generate
        from orchestration.demo.spine import SpineMissingError
    except ImportError as error:
        raise TesseraError(f"the demo needs the extra `demo`: pip install 'tessera[demo]' ({error})") from error
    try:
        generate(people, seed, folder)
    except SpineMissingError as error:
        raise TesseraError(str(error)) from error


@contextmanager
def sources(settings: Settings, faults: "Faults | None" = None) -> Iterator[None]:
    """The demo's sources, reachable as a user's would be: drop folders, and a local server for the APIs.

    `faults` are what the server does wrong.
    """
    from orchestration.demo.server import serve

    folder = demo_folder(settings)
    with serve(folder / "api", token=TOKEN, state_file=folder / "server_state.json", faults=faults) as url:
        ours = {
            "TESSERA_DROPS": str(folder / "drops"),
            "HUBSPOT_BASE_URL": url,
            "HUBSPOT_TOKEN": TOKEN,
            "HUBSPOT_REQUESTS_PER_SECOND": "100",
            "MASTODON_BASE_URL": url,
            "MASTODON_TOKEN": TOKEN,
        }
        before = {name: os.environ.get(name) for name in ours}
        os.environ.update(ours)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


@contextmanager
def own_sources(settings: Settings) -> Iterator[str | None]:
    """The demo's sources, if the home holds a demo, whatever else the environment names; yields their address.

    Generated people never reach a real account, and the next run finds the sources where the first one did.
    """
    if not (demo_folder(settings) / _MARKER).exists():
        yield None
        return
    with sources(settings):
        yield os.environ["HUBSPOT_BASE_URL"]


def run_demo(settings: Settings, *, people: int, seed: int) -> int:
    """Generate, run every stage, evaluate against the truth, print the summary. Returns the exit code."""
    print(f"Tessera demo: {people:,} generated people (seed {seed}), real shopping behaviour. Home: {settings.root}")
    seconds = ensure_population(settings, people=people, seed=seed)
    print(f"sources ready ({seconds:.0f} s). Running every stage; `make dev` shows the same in the Dagster UI.")
    with sources(settings):
        outcome = run_job(settings, "everything")
    from orchestration.demo.report import print_summary

    print_summary(settings, outcome, truth=demo_folder(settings) / "truth")
    return 0 if outcome.success else 1

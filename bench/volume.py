"""How long features and scores of a million people take: `make bench-volume`, into `docs/scores.md`.

`python -m bench.volume [--warehouse FILE]`. The features are built by dbt, as a run does; acts are drawn by chance, so
these figures say nothing about how good a score is.
"""

import argparse
import os
import platform
import resource
import shutil
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

from bench import identity_page, warehouse
from bench.segments import timed
from orchestration import home
from orchestration.scores.of_people import run as scores
from orchestration.settings import Settings
from orchestration.warehouse import dbt, engine

ROOT = Path(__file__).parents[1]
_ACTS = ("orders", "order_lines", "events", "interactions", "tickets", "coupon_redemptions", "feedback")
_FEATURES = ["run", "--select", "features__people"]


def prepared(settings: Settings, kept: Path | None) -> None:
    """The warehouse in its place: made, or a copy of the file that an earlier time kept."""
    if kept and kept.exists():
        shutil.copy(kept, settings.warehouse)
        return
    warehouse.fill(settings, wide=("profile",))
    if kept:
        shutil.copy(settings.warehouse, kept)


def measured(settings: Settings) -> list[list[str]]:
    """A row per piece of work: seconds, seconds of processor, rows made."""
    rows = []

    def row(name: str, work: Callable[[], int]) -> None:
        seconds, used, made = timed(work)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        rows.append([name, f"{seconds:.1f} s", f"{used:.1f} s", f"{peak:.1f} GB", f"{made:,}"])
        print(rows[-1], flush=True)

    def features() -> int:
        dbt.run(settings, _FEATURES, as_of=warehouse.AS_OF)
        with engine.reading(settings) as con:
            return con.execute("select count(*) from features.people").fetchall()[0][0]

    dbt.parsed(settings)
    row("features, from nothing", features)
    row("features, the same day again", features)
    row("scores trained", lambda: len(scores.retrain(settings, warehouse.AS_OF, "trained")))
    row("scores told", lambda: sum(one.count_rows for one in scores.score(settings, warehouse.AS_OF, "told")))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warehouse", type=Path, help="a file to keep the warehouse in for the next time")
    given = parser.parse_args().warehouse
    with tempfile.TemporaryDirectory() as passing:
        settings = Settings(home=Path(passing) / "home")
        home.prepare(settings)
        os.environ.update(home.variables(settings))
        prepared(settings, given)
        with engine.reading(settings) as con:
            acts = sum(con.execute(f"select count(*) from conformed.{table}").fetchall()[0][0] for table in _ACTS)
        rows = measured(settings)
    machine = (
        f"Measured {date.today()}: {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, "
        f"{warehouse.PEOPLE:,} people and {acts:,} acts drawn by chance; `make bench-volume`.\n\n"
    )
    table = identity_page.table(["work", "seconds", "CPU", "peak memory so far", "rows"], rows)
    identity_page.put(ROOT / "docs" / "scores.md", {"volume": machine + table})


if __name__ == "__main__":
    main()

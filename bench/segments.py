"""How long a hundred segments over a million people take, and a preview of each kind: `make bench-segments`, into
`docs/segments.md`.

`python -m bench.segments [--warehouse FILE]`. A passing home holds the warehouse of `bench.warehouse`, a copy of
FILE if that is there. Timed is what the run and the command do, without the start of a process.
"""

import argparse
import os
import platform
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bench import identity_page, segment_documents, warehouse
from orchestration import home
from orchestration.segments import snapshot
from orchestration.segments.document import load_documents
from orchestration.segments.membership import refresh
from orchestration.segments.preview import preview
from orchestration.settings import Settings

ROOT = Path(__file__).parents[1]
RUN_BAR_SECONDS, PREVIEW_BAR_MS = 20.0, 300.0
_TIMES = 5


def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Seconds, seconds of processor over all cores, and what came out."""
    started, used = time.monotonic(), time.process_time()
    result = work()
    return time.monotonic() - started, time.process_time() - used, result


def runs(settings: Settings, folder: Path) -> list[list[str]]:
    """A first run, the same again, and a day on which one in fifty has other figures."""
    documents, errors = load_documents(folder)
    assert not errors, errors
    rows = []
    first = warehouse.AS_OF

    def one(name: str, as_of: date) -> None:
        seconds, used, found = timed(lambda: refresh(settings, documents, as_of, name))
        members, came = (sum(one[key] for one in found.values()) for key in ("size", "entered"))
        gone = sum(one["left"] for one in found.values())
        taken, for_it, _ = timed(lambda: snapshot.take(settings, documents, as_of))
        rows.append(
            [
                name,
                f"{seconds:.1f} s",
                f"{used:.1f} s",
                f"{taken:.1f} s",
                f"{for_it:.1f} s",
                f"{members:,}",
                f"{came:,}",
                f"{gone:,}",
            ]
        )
        print(rows[-1], flush=True)

    one("everybody comes", first)
    one("the same again", first)
    warehouse.next_day(settings)
    one("a day later", first + timedelta(days=1))
    return rows


def previews(settings: Settings, files: dict[str, Path]) -> list[list[str]]:
    """The median of some previews of each kind."""
    rows = []
    for kind, file in files.items():
        spent = [timed(lambda file=file: preview(settings, file)) for _ in range(_TIMES)]
        seconds, used = (statistics.median(one[at] for one in spent) * 1000 for at in (0, 1))
        rows.append([kind, f"{seconds:,.0f} ms", f"{used:,.0f} ms", f"{spent[0][2]['size']:,}"])
        print(rows[-1], flush=True)
    return rows


def blocks(of_runs: list[list[str]], of_previews: list[list[str]]) -> dict[str, str]:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    machine = (
        f"Measured {date.today()}: {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, "
        f"peak memory {peak:,.0f} MB; `make bench-segments`.\n\n"
    )
    heads = ["run", "segments", "CPU", "snapshot", "CPU", "memberships", "came", "left"]
    return {
        "runs": machine + identity_page.table(heads, of_runs),
        "previews": machine + identity_page.table(["rules look at", "median", "CPU", "people"], of_previews),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warehouse", type=Path, help="a file to keep the warehouse in for the next time")
    given = parser.parse_args().warehouse
    with tempfile.TemporaryDirectory() as passing:
        settings = Settings(home=Path(passing) / "home")
        folder = Path(passing) / "documents"
        folder.mkdir()
        home.prepare(settings)
        if given and given.exists():
            shutil.copy(given, settings.warehouse)
        else:
            print("warehouse made in", f"{timed(lambda: warehouse.fill(settings))[0]:.0f} s", flush=True)
        if given and not given.exists():
            shutil.copy(settings.warehouse, given)
        files = segment_documents.documents(folder)
        of_runs = runs(settings, folder)
        of_previews = previews(settings, files)
    identity_page.put(ROOT / "docs" / "segments.md", blocks(of_runs, of_previews))
    slow = [row[0] for row in of_previews if float(row[1].split()[0].replace(",", "")) > PREVIEW_BAR_MS]
    late = [row[0] for row in of_runs if float(row[1].split()[0]) > RUN_BAR_SECONDS]
    for bar, names in ((f"{PREVIEW_BAR_MS:.0f} ms", slow), (f"{RUN_BAR_SECONDS:.0f} s", late)):
        if names:
            print(f"above {bar}: {', '.join(names)}")


if __name__ == "__main__":
    main()

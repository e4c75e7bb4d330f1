"""Writes `docs/identity.md`'s figures: `tessera link` and other tools on sets whose truth is known.

`python -m bench.identity FOLDER_OR_FILE ... [--demo HOME]`, or `make bench-identity SETS=folder`. What one set gives is
measured in `identity_set`, the tables are made in `identity_page`. Figures of sets not named now stay on the page as
long as the engine is the same; they are kept in TESSERA_HOME.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from bench import identity_page
from bench.identity_confidence import gates
from orchestration.identity.metrics import partition_metrics
from orchestration.settings import Settings
from orchestration.warehouse.engine import reading

ROOT = Path(__file__).parents[1]
SECONDS = 300
# Sources that know each person once: all that is told beside the table. febrl4 is two lists without duplicates.
DUPLICATE_FREE = {"febrl4": "dataset4a,dataset4b", "link_half": "A,B", "link_half_hard": "A,B"}
RIVALS = ROOT / ".venv-rivals"


def measured(path: Path) -> dict[str, Any]:
    """Figures of one set and, on the same records, of other tools; each in a process of its own."""
    name = path.stem
    told = DUPLICATE_FREE.get(name, "")
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        said = subprocess.run(
            [sys.executable, "-m", "bench.identity_set", str(path), folder, told],
            cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
        ).stdout  # fmt: skip
        figures = json.loads(said.splitlines()[-1])
        splink = [sys.executable, "-m", "bench.identity_splink", name, f"{at}/set.parquet", f"{at}/records.parquet"]
        figures["splink"] = _rival([*splink, f"{at}/splink.parquet"], at / "splink.parquet", at)
        figures["ecm"] = {"not_run": "not installed"}
        if (RIVALS / ".installed").exists():
            ecm = [str(RIVALS / "bin" / "python"), str(ROOT / "bench" / "identity_ecm.py")]
            figures["ecm"] = _rival([*ecm, f"{at}/records.csv", f"{at}/ecm.csv"], at / "ecm.csv", at)
    return figures | {"duplicate_free": told, "date": str(date.today())}


def _rival(command: list[str], found: Path, folder: Path) -> dict[str, Any]:
    """Scores of another tool with its seconds, or `not_run` and why."""
    started = time.monotonic()
    try:
        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return {"not_run": f"not done in {SECONDS // 60} minutes"}
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
        print(f"({found.stem}: {reason})", end=" ", flush=True)
        return {"not_run": "out of memory" if "Memory" in reason or done.returncode < 0 else "failed"}
    seconds = time.monotonic() - started
    with duckdb.connect() as con:
        reader = "read_csv" if found.suffix == ".csv" else "read_parquet"
        options = ", all_varchar = true" if found.suffix == ".csv" else ""
        # A record that a tool never saw, because nothing in it can be compared, is a person of its own.
        con.execute(
            "create view found as select truth.record_id, coalesce(given.person_id, 'alone ' || truth.record_id) as "
            f"person_id from read_parquet('{folder}/truth.parquet') as truth "
            f"left join {reader}('{found}'{options}) as given on trim(given.record_id::varchar) = truth.record_id"
        )
        con.execute(f"create view truth as from read_parquet('{folder}/truth.parquet')")
        return partition_metrics(con, "found", "truth") | {"seconds": seconds}


def demo(home: Path) -> dict[str, Any]:
    """Scores of the generated demo population as the whole pipeline resolved it, from a home that has it."""
    from orchestration.demo.evaluate import evaluate
    from orchestration.demo.run import demo_folder

    settings = Settings(home=home)
    scores = evaluate(demo_folder(settings) / "truth", settings)
    kept = {name: scores[name] for name in ("tessera", "exact_keys", "bare_splink") if name in scores}
    return kept | {"gates": _demo_gates(settings, demo_folder(settings) / "truth")}


def _demo_gates(settings: Settings, truth: Path) -> dict[str, dict[str, float]]:
    """By least confidence of a person, singletons included: what a sync of the demo that gates on it would use."""
    with reading(settings) as con:
        con.execute(
            f"create temp table truth as select record_id, person_id from read_parquet('{truth}/records.parquet')"
        )
        con.execute(
            "create temp table found as select record_id, person_records.person_id, people.match_confidence "
            "from identity.person_records as person_records inner join identity.people as people using (person_id) "
            "inner join conformed.contacts as contacts using (record_id) semi join truth using (record_id) "
            "where not coalesce(contacts.is_suppressed_evidence, false)"
        )
        con.execute("create or replace temp table truth as from truth semi join found using (record_id)")
        whole = con.execute("select count(distinct person_id) from found").fetchall()[0][0]
        return {gate: told | {"share": told["people"] / whole} for gate, told in gates(con).items()}


def engine() -> str:
    """A fingerprint of all code that decides who is who: figures of different engines do not share a page."""
    files = sorted((ROOT / "orchestration" / "identity").rglob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


def _sets(named: list[Path]) -> list[Path]:
    paths = [path for name in named for path in (sorted(name.glob("*.parquet")) if name.is_dir() else [name])]
    missing = [str(path) for path in paths if not path.is_file()]
    if missing or not paths:
        sys.exit(f"no such set: {', '.join(missing)}" if missing else "no Parquet file in the folder of sets")
    return [path for path in paths if {"record_id", "truth_id"} <= _columns(path)]


def _columns(path: Path) -> set[str]:
    with duckdb.connect() as con:
        return {row[0] for row in con.execute(f"describe from read_parquet('{path}')").fetchall()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.identity", description=__doc__)
    parser.add_argument("sets", nargs="*", type=Path, help="folders or Parquet files with record_id and truth_id")
    parser.add_argument("--demo", type=Path, help="a home in which `tessera demo` ran")
    given = parser.parse_args()
    from_environment = os.environ.get("TESSERA_IDENTITY_SETS")
    named = given.sets or ([Path(from_environment)] if from_environment else [])
    if not named and not given.demo:
        sys.exit("no sets: make bench-identity SETS=folder, or TESSERA_IDENTITY_SETS; docs/identity.md says which")
    kept = Settings().home / "bench" / "identity.json"
    results = json.loads(kept.read_text()) if kept.exists() else {}
    if results.get("engine") != engine():
        results = {"engine": engine(), "sets": {}}
    kept.parent.mkdir(parents=True, exist_ok=True)
    for path in _sets(named) if named else []:
        print(f"{path.stem} ...", end=" ", flush=True)
        results["sets"][path.stem] = figures = measured(path)
        print(f"pair F1 {figures['tessera']['pair_f1']:.4f}, {figures['seconds']:.0f} s", flush=True)
        kept.write_text(json.dumps(results, indent=1))
    if given.demo:
        results["demo"] = demo(given.demo) | {"date": str(date.today())}
        kept.write_text(json.dumps(results, indent=1))
    identity_page.write(ROOT / "docs" / "identity.md", results)


if __name__ == "__main__":
    main()

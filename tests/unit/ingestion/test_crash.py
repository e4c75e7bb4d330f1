"""A landing killed at any step loses nothing and doubles nothing; a merge of files neither."""

import errno
import json
import signal
import subprocess
import sys

import pytest
from dlt.destinations.impl.filesystem.filesystem import FilesystemLoadJob

from ingestion import compaction, layout, pipeline
from ingestion.batch import SourceError
from ingestion.landing import land
from tests.drop_data import batches, current, sales

pytestmark = pytest.mark.one_engine

# Runs a landing that kills itself, as the power would, at one step inside dlt.
CHILD = """
import os, signal, sys
from pathlib import Path
from fsspec.implementations.local import LocalFileSystem
from dlt.destinations.impl.filesystem.filesystem import FilesystemClient, FilesystemLoadJob
from dlt.pipeline.pipeline import Pipeline
from ingestion.landing import land
from ingestion.tally import Tally

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

def die_after(function):
    return lambda *args, **kwargs: (function(*args, **kwargs), die())

def die_halfway(client, source, target, **kwargs):
    whole = Path(source).read_bytes()
    Path(target).write_bytes(whole[: len(whole) // 2])
    die()

step, home, drops = sys.argv[1:]
owner, name, patch = {
    "judged": (Tally, "rows", lambda f: die),
    "extracted": (Pipeline, "normalize", lambda f: die),
    "normalized": (Pipeline, "load", lambda f: die),
    "half a file copied": (LocalFileSystem, "cp_file", lambda f: die_halfway),
    "first file copied": (FilesystemLoadJob, "run", die_after),
    "all files copied": (FilesystemClient, "complete_load", lambda f: die),
    "load listed": (FilesystemClient, "complete_load", die_after),
}[step]
setattr(owner, name, patch(getattr(owner, name)))
land("receipts", Path(home), drops=Path(drops))
"""
STEPS = (
    "judged",
    "extracted",
    "normalized",
    "half a file copied",
    "first file copied",
    "all files copied",
    "load listed",
)


def test_kills_lose_and_double_nothing(tmp_path):
    home, drops = tmp_path / "home", tmp_path / "drops"
    sales(drops, "2017-01-01", 10)
    land("receipts", home, drops=drops)
    for day, step in enumerate(STEPS, 2):
        sales(drops, f"2017-01-{day:02}", 10)
        child = subprocess.run(
            [sys.executable, "-c", CHILD, step, home, drops], capture_output=True, text=True, timeout=120, check=False
        )
        assert child.returncode == -signal.SIGKILL, child.stderr
        # What a killed load left is not there for a reader, or there whole.
        seen = current(home, "receipts", "receipt_lines")[0][0]
        assert seen - (11 * day - 12) in (0, 10)
        sales(drops, f"2017-02-{day:02}", 1)
        land("receipts", home, drops=drops)
        sent = 11 * day - 1
        assert current(home, "receipts", "receipt_lines", "count(*), count(distinct (_file, _line))") == [(sent, sent)]
    assert len(batches(home, "receipts")) == 1 + 2 * len(STEPS)
    assert land("receipts", home, drops=drops).load_ids == ()
    assert not list((home / "dlt").rglob("*.parquet"))


def test_a_full_disk_is_named_and_the_next_run_completes(tmp_path, monkeypatch):
    home, drops = tmp_path / "home", tmp_path / "drops"
    sales(drops, "2017-01-01", 10)
    with monkeypatch.context() as patched:
        patched.setattr(FilesystemLoadJob, "run", _no_space)
        with pytest.raises(OSError, match="No space left") as caught:
            land("receipts", home, drops=drops)
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(home / "dlt" / "land_receipts")
    sales(drops, "2017-01-02", 10)
    land("receipts", home, drops=drops)
    assert current(home, "receipts", "receipt_lines", "count(*), count(distinct (_file, _line))") == [(20, 20)]


def test_two_runs_do_not_land_the_same_thing(tmp_path):
    home, drops = tmp_path / "home", tmp_path / "drops"
    sales(drops, "2017-01-01", 10)
    with pipeline.alone("receipts", home), pytest.raises(SourceError, match="another run is landing it now"):
        land("receipts", home, drops=drops)
    land("receipts", home, drops=drops)
    assert current(home, "receipts", "receipt_lines") == [(10,)]


def _no_space(*args, **kwargs):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def many_loads(tmp_path, monkeypatch):
    monkeypatch.setattr(compaction, "MAX_FILES", 100)
    home, drops = tmp_path / "home", tmp_path / "drops"
    for day in range(1, 5):
        sales(drops, f"2017-01-{day:02}", 10)
        land("receipts", home, drops=drops)
    monkeypatch.setattr(compaction, "MAX_FILES", 3)
    return home


def rows(home):
    return sorted(current(home, "receipts", "receipt_lines", "_file, _line, _dlt_load_id, net_amount"))


def test_files_are_merged_and_rows_stay(many_loads):
    before = rows(many_loads)
    assert compaction.compact(many_loads, "receipts") == 8
    folder = layout.folder(many_loads, "receipts", "receipt_lines")
    assert len(list(folder.glob("*.parquet"))) == 2
    assert rows(many_loads) == before
    assert compaction.compact(many_loads, "receipts") == 0


@pytest.mark.parametrize("step", ["before the decision", "nothing deleted", "half deleted", "all deleted", "renamed"])
def test_a_killed_merge_is_finished_or_forgotten(many_loads, monkeypatch, step):
    before = rows(many_loads)
    folder = layout.folder(many_loads, "receipts", "receipt_lines")
    with monkeypatch.context() as patched:
        if step == "before the decision":
            patched.setattr(compaction.json, "dumps", _killed)
        else:
            patched.setattr(compaction, "_apply", _killed)
        for merge in (folder, folder.parent / "batches"):
            with pytest.raises(KeyboardInterrupt):
                compaction._merge(merge, [p for p in sorted(merge.glob("*.parquet")) if p.name != layout.SCHEMA_FILE])
    if step != "before the decision":
        plan = json.loads((folder / "_compaction.json").read_text())
        gone = {"nothing deleted": 0, "half deleted": 2}.get(step, 4)
        for name in plan["old"][:gone]:
            (folder / name).unlink()
        if step == "renamed":
            (folder / plan["aside"]).rename(folder / plan["final"])
    compaction.recover(many_loads, "receipts")
    assert rows(many_loads) == before
    assert not [path for path in folder.iterdir() if path.name.startswith("_")]


def _killed(*args, **kwargs):
    raise KeyboardInterrupt

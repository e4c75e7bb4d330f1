"""The event log that keeps its databases open: Dagster's own files, live for who watches a run."""

import os
import time
from pathlib import Path

import pytest
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from orchestration.components.event_log import EventLog

RUN = "a-run"


def said(text, run_id=RUN):
    return EventLogEntry(
        error_info=None, level=20, user_message=text, run_id=run_id, timestamp=time.time(), dagster_event=None
    )


def messages(storage, run_id=RUN):
    return [entry.user_message for entry in storage.get_logs_for_run(run_id)]


@pytest.fixture
def log(tmp_path):
    storage = EventLog.from_config_value(None, {"home": str(tmp_path)})
    yield storage
    storage.dispose()


@pytest.fixture
def dagsters_own(tmp_path, log):
    """Dagster's own storage on the same files, as another process may have it."""
    storage = SqliteEventLogStorage(str(tmp_path / "history" / "runs"))
    yield storage
    storage.dispose()


def test_the_files_are_those_of_dagster(log, dagsters_own):
    log.store_event(said("by ours"))
    dagsters_own.store_event(said("by Dagster's"))
    assert messages(dagsters_own) == messages(log) == ["by ours", "by Dagster's"]


def test_more_runs_than_are_kept_open(log):
    runs = [f"run-{number}" for number in range(10)]
    for run in (*runs, *runs):
        log.store_event(said(run, run))
    assert [messages(log, run) for run in runs] == [[run, run] for run in runs]


def test_who_watches_a_run_sees_each_event_at_once_and_once(log, dagsters_own):
    log.store_event(said("before"))
    for watcher in (dagsters_own, log):
        seen = []
        watcher.watch(RUN, None, lambda entry, cursor, seen=seen: seen.append(entry.user_message))
        text = f"to {type(watcher).__name__}"
        log.store_event(said(text))
        deadline = time.monotonic() + 10
        while text not in seen and time.monotonic() < deadline:
            time.sleep(0.05)
        assert seen == messages(log)


def test_reading_leaves_the_file_alone(log):
    log.store_event(said("written"))
    path = Path(log.path_for_shard(RUN))
    os.utime(path, (1, 1))
    assert messages(log) == ["written"]
    assert path.stat().st_mtime == 1
    log.store_event(said("again"))
    assert path.stat().st_mtime > 1


def test_what_is_written_after_a_wipe_is_there(log, dagsters_own):
    log.store_event(said("gone"))
    log.wipe()
    log.store_event(said("new"))
    assert messages(dagsters_own) == messages(log) == ["new"]

"""A run that Dagster starts while another one writes: it waits in the writer lane, then goes on."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from dagster import DagsterInstance

from orchestration.warehouse import engine

ROOT = Path(__file__).parents[2]
POOL = "duckdb_writer"
# An asset that writes and needs nothing before it.
COMMAND = [
    *(str(Path(sys.executable).with_name("dagster")), "asset", "materialize"),
    *("--select", "activation/results", "-m", "orchestration.definitions"),
]


@pytest.fixture
def instance(settings):
    with DagsterInstance.get() as instance:
        yield instance


@pytest.fixture
def second(settings):
    process = subprocess.Popen(COMMAND, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield process
    process.kill()
    process.wait()


def messages(instance):
    return [entry.user_message for run in instance.get_runs() for entry in instance.all_logs(run.run_id)]


def test_a_second_writer_waits_says_so_and_goes_on(settings, instance, request):
    storage = instance.event_log_storage
    storage.initialize_concurrency_limit_to_default(POOL)
    assert storage.claim_concurrency_slot(POOL, "the-first-run", "model").is_claimed
    second = request.getfixturevalue("second")
    deadline = time.monotonic() + 120
    while not any("blocked by limit for pool" in message for message in messages(instance)):
        assert second.poll() is None, "it did not wait"
        assert time.monotonic() < deadline, messages(instance)
        time.sleep(0.5)
    assert not settings.warehouse.exists()
    assert any(POOL in message for message in messages(instance))
    storage.free_concurrency_slots_for_run("the-first-run")
    assert second.wait(timeout=120) == 0
    with engine.reading(settings) as con:
        assert engine.table_exists(con, "activation", "results")

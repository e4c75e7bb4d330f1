"""What a user sees who asks for something that cannot be: one message, exit code 3, no traceback, nothing half-done."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.one_engine
SEGMENT = """
type: orchestration.components.Segment
attributes:
  name: spenders
  description: Spends a lot.
  owner: team:marketing
  status: draft
  rules: {feature: lifetime_net_amout, gte: 100}
"""
HOLD = """
import sys
from orchestration.jobs import only_run
from orchestration.settings import Settings
with only_run(Settings()):
    print("held", flush=True)
    sys.stdin.read()
"""


def tessera(*arguments, **variables):
    command = [str(BIN / "tessera"), *arguments]
    environment = {**os.environ, **variables}
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def refused(ended):
    """What was said; fails unless it is a message for a user."""
    said = ended.stdout + ended.stderr
    assert ended.returncode == 3, said
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["run", "nightly"], ["'nightly'", "everything, daily, hourly, sync"]),
        (["land", "recepts"], ["'recepts'", "did you mean 'receipts'?"]),
        (["sync", "hubspot_contact"], ["'hubspot_contact'", "hubspot_contacts"]),
        (["sync", "hubspot_contacts"], ["no business day has landed", "tessera land receipts"]),
        (["quarantine", "replay", "receipts", "--resource", "lines"], ["'lines'", "receipt_lines"]),
        (["unmerge", "p_1", "a:b:1", "--why", "twins"], ["'p_1'", "identity.person_records"]),
        (["decide", "must", "a:b:1", "a:b:2", "--why", "same"], ["no record 'a:b:1'", "<source>:<object>:<id>"]),
        (["who-was", "p_1"], ["nobody was resolved yet", "tessera run daily"]),
        (["identity", "promote"], ["no plan is waiting", "tessera identity plans"]),
        (["identity", "rollback", "--to", "r1", "--why", "bad"], ["nobody was resolved yet"]),
        (["unload", "recepts"], ["'recepts'", "did you mean 'receipts'?"]),
        (["unload", "receipts", "17"], ["no load '17'", "tessera unload receipts"]),
        (["publish"], ["there is no", "warehouse.duckdb", "tessera run daily"]),
    ],
    ids=" ".join,
)
def test_what_cannot_be_is_refused_in_words(settings, arguments, parts):
    said = refused(tessera(*arguments))
    for part in parts:
        assert part in said


def test_a_misspelt_document_is_refused_with_its_line(settings, tmp_path):
    file = tmp_path / "spenders.yaml"
    file.write_text(SEGMENT.lstrip())
    said = refused(tessera("segment", "preview", str(file)))
    assert f"{file}:7: " in said
    assert "did you mean 'lifetime_net_amount_usd'?" in said


def test_a_setting_that_is_none_is_refused_by_name(settings):
    said = refused(tessera("run", "daily", TESSERA_THREADS="many"))
    assert "TESSERA_THREADS is 'many'" in said
    assert "correct or unset it" in said


def test_a_home_that_cannot_be_made_is_refused_by_path(settings, tmp_path):
    (tmp_path / "file").touch()
    said = refused(tessera("run", "daily", TESSERA_HOME=str(tmp_path / "file" / "home")))
    assert str(tmp_path / "file" / "home") in said
    assert "name another place" in said


def test_a_damaged_warehouse_is_told_with_its_remedy(settings):
    settings.warehouse.write_bytes(b"not a database" * 1000)
    said = refused(tessera("publish"))
    assert f"{settings.warehouse} is damaged: delete it" in said


@pytest.fixture
def first_run(settings):
    """Another process that is in the middle of a run."""
    holder = subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    yield holder
    holder.kill()
    holder.wait()


def test_a_second_run_is_refused_and_names_the_first(settings, first_run):
    said = refused(tessera("run", "daily"))
    assert f"a run is under way in {settings.root} (process {first_run.pid}, since " in said
    assert "wait for it to end, or stop that process, and run again" in said
    assert not list(settings.landing.iterdir())


def test_a_run_that_was_killed_holds_nobody_up(settings, first_run):
    from orchestration.jobs import only_run

    first_run.send_signal(signal.SIGKILL)
    first_run.wait()
    with only_run(settings):
        assert str(os.getpid()) in (settings.root / "run.lock").read_text()


def test_a_dagster_command_outside_a_home_says_what_to_run(tmp_path):
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("DAGSTER", "TESSERA"))}
    command = [str(BIN / "dagster"), "job", "list", "-w", str(ROOT / "workspace.yaml")]
    ended = subprocess.run(command, env=outside, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode != 0
    last_words = ended.stderr[ended.stderr.index("Error: Error loading location") :]
    assert "DAGSTER_HOME is not set, so Dagster would run without the writer lane" in last_words
    assert 'eval "$(.venv/bin/tessera env)"' in last_words
    assert 'File "' not in ended.stderr
    assert not list(ROOT.glob(".tmp_dagster_home_*"))

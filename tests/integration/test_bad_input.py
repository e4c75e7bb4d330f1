"""Everything that can be wrong with input, at once, in one home: what is said, what goes on, and that it heals.

The tests of this file are one story and run in their order: a good run, one with most sources and some documents sick,
a full disk, and a run after all causes are gone.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from dagster import DagsterInstance

from orchestration.demo.faults import Faults
from orchestration.demo.run import demo_folder, sources
from orchestration.jobs import run_job
from orchestration.landing.quarantine import list_text
from orchestration.settings import PROJECT_ROOT
from orchestration.warehouse import engine
from orchestration.warehouse.disk import DiskFullError
from tests.integration.sickness import PARTNER_PEOPLE, Drops, copied_documents, misspell

pytestmark = [pytest.mark.integration, pytest.mark.one_engine]
HEALTHY, SOUND, VALID = "source_answered", "batch_is_sound", "document_is_valid"
TABLES = {
    "hubspot": ("contacts", "companies", "deals", "owners"),
    "mastodon": ("accounts", "statuses", "mentions", "reactions"),
    "helpdesk": ("users", "tickets", "calls", "ratings"),
}
HOME_BYTES = 1 << 30
LEFT_BYTES = 2 << 20
WRITER = "duckdb_writer"
# The command line, but a run does not ask first whether there is room.
RUN_UNASKED = """
from orchestration.warehouse import disk
from orchestration.cli import main
disk._FACTOR = disk._LEAST_BYTES = 0
main()
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A small disk of its own where this user may mount one, so that it can really be full; else an ordinary folder."""
    folder = tmp_path_factory.mktemp("disk")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={HOME_BYTES}", "tessera-test", str(folder)]
    may_mount = os.geteuid() == 0 and shutil.which("mount")
    mounted = may_mount and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    yield folder
    if mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="module")
def drops(home):
    return Drops(demo_folder(home) / "drops")


@pytest.fixture(scope="module")
def story():
    """What earlier tests of this file leave for later ones."""
    return {}


def rows(settings, sql):
    with engine.reading(settings) as con:
        return con.execute(sql).fetchall()


def served(settings):
    """Rows of each source in what every stage serves; without the areas, which come later than the rest."""
    counted = {}
    for table in ("contacts", "identifiers", "events", "orders", "order_lines", "interactions", "messages", "tickets"):
        for source, count in rows(settings, f"select source, count(*) from conformed.{table} group by 1"):
            counted[f"conformed.{table}", source] = count
    for table in ("customers", "orders", "order_lines", "payments", "tickets", "events_daily", "segment_membership"):
        counted[f"marts.{table}"] = rows(settings, f"select count(*) from marts.{table}")[0][0]
    return counted


def people(settings):
    return dict(rows(settings, "select record_id, person_id from identity.person_records"))


def last_sync(settings, name):
    sql = "select status, message from state.activation.runs where sync = '{}' order by recorded_at desc limit 1"
    return rows(settings, sql.format(name))[0]


def of_tables(system):
    return {f"landing/{system}/{table}: {HEALTHY}" for table in TABLES[system]}


def test_a_source_that_has_nothing_yet_and_an_api_that_fails_at_first_are_no_trouble(home, drops, story):
    drops.hide("census")
    faults = Faults(path="/crm/", server_errors=2)
    with sources(home, faults):
        outcome = run_job(home, "everything")
    assert outcome.healthy, outcome.summary()
    assert faults.server_errors == 0, "the API was never asked"
    assert rows(home, "select count(*) from conformed.areas") == [(0,)]
    assert last_sync(home, "hubspot_contacts")[0] == last_sync(home, "lapsing_customers")[0] == "succeeded"
    story.update(served=served(home), people=people(home), generated_quarantine=list_text(home, None))
    drops.heal()


@pytest.fixture(scope="module")
def sick(home, drops, story, tmp_path_factory):
    """The outcome of a run with nearly everything wrong; `story` names the files and lines it should speak of."""
    with pytest.MonkeyPatch.context() as patch:
        document = copied_documents(patch, tmp_path_factory.mktemp("documents"))
        newsletter = document("activation/newsletter.yaml")
        newsletter.write_text(document("activation/lapsing_customers.yaml").read_text())
        story["lines"] = {
            "newsletter": misspell(newsletter, "mode: mirror", "mod: mirror"),
            "coupon_lovers": misspell(document("segments/coupon_lovers.yaml"), "coupon_share", "cupon_share"),
            "telemetry": misspell(
                document("data_contracts/sources/telemetry.odcs.yaml"), "logicalType: s", "logicaltype: s"
            ),
        }
        drops.hide("helpdesk")
        story["files"] = {
            "columns": drops.wrong_columns(),
            "parquet": drops.truncated_parquet(),
            "line": drops.broken_line(),
            "cp1252": drops.cp1252(),
        }
        with sources(home, Faults(path="/objects/contacts/search", frozen_page=True)):
            patch.setenv("MASTODON_TOKEN", "a-token-of-last-year")
            outcome = run_job(home, "everything")
        story["quarantine"] = list_text(home, None)
    return outcome


def test_every_stage_goes_on_and_only_what_is_sick_is_red(sick):
    assert sick.success, sick.summary()
    assert set(sick.failed_checks) == {
        f"landing/receipts/receipt_lines: {HEALTHY}",
        f"landing/receipts/payments: {HEALTHY}",
        f"landing/partner/customers: {SOUND}",
        *of_tables("hubspot"),
        *of_tables("mastodon"),
        *of_tables("helpdesk"),
        f"landing/telemetry/contract: {VALID}",
        f"segments/coupon_lovers: {VALID}",
        f"activation/newsletter: {VALID}",
        "activation/hubspot/contacts: the_run_was_completed",
    }


def test_each_message_names_what_where_and_what_to_do(sick, story):
    files, lines = story["files"], story["lines"]
    expected = {
        f"landing/receipts/receipt_lines: {HEALTHY}": (
            files["columns"],
            "missing 'net_amount' (is it 'netto_amount'?)",
            "deliver it again",
        ),
        f"landing/receipts/payments: {HEALTHY}": (files["parquet"], "not a whole Parquet file", "deliver it again"),
        f"landing/partner/customers: {SOUND}": ("customers: ", "maxQuarantineShare", "tessera quarantine list"),
        f"landing/hubspot/contacts: {HEALTHY}": ("hubspot: contacts repeats a page at cursor", "run again"),
        f"landing/mastodon/accounts: {HEALTHY}": (
            "/api/v2/admin/accounts refused the token (401)",
            "set MASTODON_TOKEN",
        ),
        f"landing/helpdesk/tickets: {HEALTHY}": ("drops/helpdesk is gone", "bring it back and run again"),
        f"landing/telemetry/contract: {VALID}": (
            f"telemetry.odcs.yaml:{lines['telemetry']}: ",
            "did you mean 'logicalType'?",
        ),
        f"segments/coupon_lovers: {VALID}": (
            f"coupon_lovers.yaml:{lines['coupon_lovers']}: ",
            "did you mean 'coupon_share'?",
        ),
        f"activation/newsletter: {VALID}": (f"newsletter.yaml:{lines['newsletter']}: ", "did you mean 'mode'?"),
        "activation/hubspot/contacts: the_run_was_completed": (
            "nothing was sent",
            "hubspot: contacts repeats",
            "land again",
        ),
    }
    for check, parts in expected.items():
        for part in parts:
            assert part in sick.reasons[check], check
            assert part in sick.summary()
    assert "a-token-of-last-year" not in sick.summary()


def test_rows_that_cannot_be_read_are_listed_with_file_line_and_remedy(sick, story):
    told = story["quarantine"]
    assert (
        f"partner/customers  {story['files']['cp1252']}:2  not UTF-8; if it is cp1252, set the custom property" in told
    )
    assert f"{PARTNER_PEOPLE} rows" in told
    assert f"segment/events  {story['files']['line']}:" in told
    assert "not a JSON object, or a broken one: 1 row" in told
    assert "telemetry.odcs.yaml:" in told


def test_the_last_good_data_of_the_sick_is_served_and_the_well_land(home, sick, story):
    assert served(home) == story["served"]
    assert people(home) == story["people"]
    assert rows(home, "select count(*) from conformed.areas")[0][0] > 0
    with duckdb.connect(str(home.published / "marts.duckdb"), read_only=True) as con:
        assert (
            con.execute("select count(*) from marts.customers").fetchall()[0][0] == story["served"]["marts.customers"]
        )


def test_only_the_sync_that_requires_a_sick_source_stops(home, sick):
    status, message = last_sync(home, "hubspot_contacts")
    assert status == "refused"
    assert "hubspot: contacts repeats a page" in message
    assert last_sync(home, "lapsing_customers") == ("succeeded", None)


def test_a_full_disk_is_told_before_and_during_a_run(home, drops, story):
    """The causes of the sick run are gone; but now there is no room to land what came instead."""
    drops.heal()
    if not os.path.ismount(home.root):
        pytest.skip("a disk can only be filled where one can be mounted, and this user may not mount")
    filler = home.root / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(home.root).free - LEFT_BYTES)
    with pytest.raises(DiskFullError, match=r"2 MB free and a run may need .* MB: free some space"), sources(home):
        run_job(home, "daily")
    with sources(home):
        command = [sys.executable, "-c", RUN_UNASKED, "run", "daily"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    said = ended.stdout + ended.stderr
    assert ended.returncode in (1, 3), said
    assert "the disk is full" in said
    assert "free some space and run again" in said
    assert people(home) == story["people"]
    filler.unlink()


def test_a_run_after_the_causes_are_gone_is_all_green(home, sick, story):
    with sources(home):
        outcome = run_job(home, "everything")
    assert outcome.healthy, outcome.summary()
    assert list_text(home, None) == story["generated_quarantine"]
    assert last_sync(home, "hubspot_contacts") == ("succeeded", None)
    now = people(home)
    assert {record: now[record] for record in story["people"]} == story["people"]
    assert sum(record.startswith("partner:customers:Z") for record in now) == PARTNER_PEOPLE
    assert {name: count for name, count in served(home).items() if name[0] == "conformed.orders"} == {
        name: count for name, count in story["served"].items() if name[0] == "conformed.orders"
    }


def test_a_run_that_dagster_starts_while_another_one_writes_waits_for_it(home, request):
    with DagsterInstance.get() as instance:
        storage, before = instance.event_log_storage, {run.run_id for run in instance.get_runs()}
        assert storage.claim_concurrency_slot(WRITER, "the-first-run", "model").is_claimed

        def said():
            runs = [run.run_id for run in instance.get_runs() if run.run_id not in before]
            return [entry.user_message for run in runs for entry in instance.all_logs(run)]

        second = request.getfixturevalue("materialising")
        deadline = time.monotonic() + 120
        while f"Step blocked by limit for pool {WRITER}" not in said():
            assert second.poll() is None, "it did not wait"
            assert time.monotonic() < deadline, said()
            time.sleep(0.5)
        assert not any(message.startswith("Started execution of step") for message in said())
        storage.free_concurrency_slots_for_run("the-first-run")
        assert second.wait(timeout=120) == 0
        assert any(message.startswith("Finished execution of run") for message in said())


@pytest.fixture
def materialising(home):
    """A process of its own in which Dagster runs an asset that writes into the warehouse."""
    dagster = [
        str(Path(sys.executable).with_name("dagster")),
        "asset",
        "materialize",
        "-m",
        "orchestration.definitions",
    ]
    process = subprocess.Popen(
        [*dagster, "--select", "activation/results"], cwd=PROJECT_ROOT, stderr=subprocess.DEVNULL
    )
    yield process
    process.kill()
    process.wait()

"""What one landing is judged to be: well, empty or sick; and that a sick one takes nothing with it."""

import errno
import os

import pytest

from data_contracts import contract as contracts
from data_contracts.contract import ContractError, load
from orchestration.demo.server import DEMO_TOKEN, serve
from orchestration.landing import intake
from orchestration.landing.business_day import NothingLandedError, latest_business_day
from orchestration.landing.health import problems_of, sick_sources
from orchestration.landing.intake import take_in
from orchestration.landing.quarantine import list_text, replay_text
from tests import api_data
from tests.drop_data import LINES, line, put, sales


@pytest.fixture
def drops(tmp_path, monkeypatch):
    monkeypatch.setenv("TESSERA_DROPS", str(tmp_path / "drops"))
    return tmp_path / "drops"


@pytest.fixture
def taken(settings, drops):
    """Takes in a system; returns what came of it."""
    return lambda system="receipts": take_in(settings, load(system), log=lambda _: None)


def verdicts(found):
    return {
        name: {check for check in ("healthy", "reconciled", "sound") if not getattr(table, check).passed}
        for name, table in found.tables.items()
        if not (table.healthy.passed and table.reconciled.passed and table.sound.passed)
    }


def test_a_drop_folder_that_never_was_is_said_and_is_no_failure(settings, drops, taken):
    found = taken("helpdesk")
    assert found.problems == (
        f"helpdesk: not connected: drop files as {drops}/helpdesk/<day>/<table>.<format> to land them",
    )
    assert verdicts(found) == {}
    assert {table.rows_landed for table in found.tables.values()} == {0}


def test_a_source_that_nobody_connected_is_no_failure_until_rows_of_it_have_landed(
    settings, tmp_path, taken, monkeypatch
):
    found = taken("mastodon")
    assert "set MASTODON_BASE_URL and MASTODON_TOKEN to land it" in found.problems[0]
    assert verdicts(found) == {}
    assert found.tables["accounts"].healthy.message == found.problems[0]
    with serve(api_data.mastodon(tmp_path, accounts=3, statuses=0, notifications=0)) as url:
        monkeypatch.setenv("MASTODON_BASE_URL", url)
        monkeypatch.setenv("MASTODON_TOKEN", DEMO_TOKEN)
        assert taken("mastodon").healthy
    monkeypatch.delenv("MASTODON_BASE_URL")
    monkeypatch.delenv("MASTODON_TOKEN")
    assert verdicts(taken("mastodon"))["accounts"] == {"healthy"}


def test_an_api_without_objects_is_well_and_empty(settings, tmp_path, taken, monkeypatch):
    with serve(api_data.mastodon(tmp_path, accounts=0, statuses=0, notifications=0)) as url:
        monkeypatch.setenv("MASTODON_BASE_URL", url)
        monkeypatch.setenv("MASTODON_TOKEN", DEMO_TOKEN)
        found = taken("mastodon")
    assert found.healthy
    assert verdicts(found) == {}
    assert {table.rows_landed for table in found.tables.values()} == {0}


def test_a_folder_that_was_emptied_is_sick_and_keeps_what_landed(settings, drops, taken):
    files = [sales(drops, "2017-01-01"), sales(drops, "2017-01-02")]
    taken()
    for file in files:
        file.unlink()
    found = taken()
    assert "all 2 files are gone from" in found.problems[0]
    assert "bring them back, or leave one to withdraw the others" in found.problems[0]
    assert set(verdicts(found)["receipt_lines"]) == {"healthy"}
    assert found.tables["receipt_lines"].rows_landed == 12


def test_a_file_of_no_table_is_shown_at_every_table(settings, drops, taken):
    put(drops, "receipts/2017-01-01/recepts.csv", "a,b\n1,2\n")
    found = taken()
    assert {name: list(failed) for name, failed in verdicts(found).items()} == {
        table.name: ["healthy"] for table in load("receipts").tables
    }
    assert "recepts.csv: the contract of receipts has no table 'recepts'" in found.tables["stores"].healthy.message


def test_what_nobody_foresaw_makes_its_source_sick_and_is_logged_whole(settings, drops, monkeypatch):
    sales(drops, "2017-01-01")
    logged = []

    def break_off(*_):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(intake, "land", break_off)
    found = take_in(settings, load("receipts"), log=logged.append)
    assert "receipts: landing broke off (ZeroDivisionError: division by zero)" in found.problems[0]
    assert any("Traceback" in told and "break_off" in told for told in logged)
    assert problems_of(settings, "receipts") == list(found.problems)


def test_a_full_disk_is_no_fault_of_the_source(settings, drops, monkeypatch):
    def fill(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "landing")

    monkeypatch.setattr(intake, "land", fill)
    with pytest.raises(OSError, match="No space left"):
        take_in(settings, load("receipts"), log=lambda _: None)
    assert sick_sources(settings, ["receipts"]) is None


def test_a_contract_broken_since_it_was_read_is_a_verdict(settings, drops, taken, tmp_path, monkeypatch):
    sales(drops, "2017-01-01")
    taken()
    contract = load("receipts")
    monkeypatch.setattr(contracts, "FOLDER", tmp_path)
    with pytest.raises(ContractError):
        load("receipts")
    found = take_in(settings, contract, log=lambda _: None)
    assert "no contract for 'receipts'" in found.problems[0]
    assert found.tables["receipt_lines"].rows_landed == 6
    assert str(latest_business_day(settings)) == "2017-01-01"


def test_a_file_taken_back_is_listed_with_its_rows_and_not_replayed(settings, drops, taken):
    sales(drops, "2017-01-01")
    taken()
    broken = (line("2017-01-02", number).replace(",sale,", ",sold,") for number in range(20))
    put(drops, "receipts/2017-01-02/receipt_lines.csv", "\n".join([LINES, *broken, line("2017-01-02", 21)]))
    found = taken()
    assert found.problems == ("receipts/receipt_lines: 1 files taken back",)
    assert "20 of 21 records are in quarantine" in found.tables["receipt_lines"].sound.message
    told = list_text(settings, None)
    assert "receipts/receipt_lines  2017-01-02/receipt_lines.csv:2  line_type: not one of sale" in told
    assert "20 rows, this is the first" in told
    assert replay_text(settings, "receipts", None) == "receipts: 0 rows landed, 0 still break the contract and stay"
    assert str(latest_business_day(settings)) == "2017-01-01"
    assert "a source this requires is not well (receipts: " in sick_sources(settings, ["receipts", "census"])


def test_nothing_landed_has_no_business_day(settings):
    with pytest.raises(NothingLandedError, match="tessera land receipts"):
        latest_business_day(settings)

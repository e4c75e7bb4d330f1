"""Whether a landing is whole, and whether its batches look as usual."""

from datetime import date

import pytest

from data_contracts.contract import load
from ingestion import layout
from ingestion.landing import land
from ingestion.quarantine import replay
from orchestration.landing.checks import Reconciliation, reconcile, suite, validate
from orchestration.landing.facts import batch_facts
from tests.drop_data import LINES, line, put, query, sales

DAY = "2017-01-11"


@pytest.fixture
def landed(settings, tmp_path):
    """Ten usual days, each its own file, in one load; returns a function that lands what was added."""
    drops = tmp_path / "drops"
    for day in range(1, 11):
        sales(drops, f"2017-01-{day:02}", 20)
    land("receipts", settings.root, drops=drops)
    return lambda: land("receipts", settings.root, drops=drops)


def deliver(drops, rows):
    put(drops, f"receipts/{DAY}/receipt_lines.csv", "\n".join([LINES, *rows]))


def failed(settings, as_of=None):
    found = validate(batch_facts(settings, "receipts", as_of), suite(load("receipts")))
    return {(f.resource, f.check, f.severity) for f in found if not f.passed}


def test_nothing_landed_reconciles_to_nothing(settings):
    assert set(reconcile(settings, "telemetry").values()) == {Reconciliation(0, 0, 0, 0, 0)}
    assert batch_facts(settings, "telemetry").empty
    assert validate(batch_facts(settings, "telemetry"), suite(load("telemetry"))) == []


def test_offered_is_landed_and_quarantined_also_after_restating_and_replay(settings, tmp_path, landed):
    sales(tmp_path / "drops", "2017-01-03", 5)
    put(tmp_path / "drops", "receipts/2017-01-11/receipt_lines.csv", "\n".join([LINES, line(DAY, 1), "broken"]))
    landed()
    counted = reconcile(settings, "receipts")["receipt_lines"]
    assert counted == Reconciliation(offered=207, landed=206, quarantined=1, lost=0, doubled=0)
    assert counted.is_equal
    replay(settings.root, "receipts")
    assert reconcile(settings, "receipts")["receipt_lines"] == counted


def test_a_row_lost_or_doubled_is_seen(settings, landed):
    folder = layout.folder(settings.root, "receipts", "receipt_lines")
    (path,) = (path for path in folder.glob("*.parquet") if path.name != layout.SCHEMA_FILE)
    whole = f"select * from read_parquet('{path}')"
    copy = (
        f"copy ({whole} where _line <> 5 union all ({whole} where _line = 7 limit 3)) to '{path}.new' (format parquet)"
    )
    query(copy)
    path.with_name(path.name + ".new").replace(path)
    counted = reconcile(settings, "receipts")["receipt_lines"]
    assert not counted.is_equal
    assert counted.doubled == 3
    assert counted.lost >= 7


def test_usual_days_pass(settings, tmp_path, landed):
    sales(tmp_path / "drops", "2017-01-11", 21)
    landed()
    assert failed(settings, date(2017, 1, 11)) == set()
    facts = batch_facts(settings, "receipts", date(2017, 1, 11)).set_index("resource").loc["receipt_lines"]
    assert (facts["rows_per_batch"], facts["median_rows_per_batch"], facts["quarantine_share"]) == (21, 20, 0)
    assert 9 < facts["hours_behind"] < 10


@pytest.mark.parametrize(
    ("rows", "as_of", "finding"),
    [
        ([line(DAY, 1)], 11, ("receipt_lines", "volume_ratio", "warn")),
        ([line(DAY, n) for n in range(99)], 11, ("receipt_lines", "volume_ratio", "warn")),
        ([line(DAY, n // 2) for n in range(20)], 11, ("receipt_lines", "repeated_key_share", "warn")),
        (
            [line(DAY, n) if n < 10 else "broken" for n in range(20)],
            11,
            ("receipt_lines", "quarantine_headroom", "error"),
        ),
        (
            [line(DAY, n).replace(",7,", ",,") for n in range(20)],
            11,
            ("receipt_lines", "null_share_rise", "warn"),
        ),
        ([line(DAY, n) for n in range(20)], 14, ("receipt_lines", "hours_behind", "warn")),
    ],
)
def test_an_unusual_day_is_told_apart(settings, tmp_path, landed, rows, as_of, finding):  # noqa: PLR0917
    deliver(tmp_path / "drops", rows)
    landed()
    assert failed(settings, date(2017, 1, as_of)) == {finding}


def test_a_finding_says_what_to_do_and_shows_no_value(settings, tmp_path, landed):
    rows = [line(DAY, n).replace(",7,", ",,") for n in range(20)]
    deliver(tmp_path / "drops", rows)
    landed()
    (finding,) = (f for f in validate(batch_facts(settings, "receipts"), suite(load("receipts"))) if not f.passed)
    assert finding.message == (
        "receipt_lines.register_id: null_share_rise is 1: a column is empty far more often than before: "
        "ask the source whether it still fills it"
    )


def test_every_expectation_has_one_severity():
    severities = {"error": "critical", "warn": "warning"}
    for expectation in suite(load("receipts")).expectations:
        assert severities[expectation.meta["severity"]] == expectation.severity.value

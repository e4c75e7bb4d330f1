"""A quarantined row lands once its contract is corrected, and only once."""

import pytest

from data_contracts import contract as contracts
from data_contracts.contract import ContractError
from ingestion import layout
from ingestion.landing import land
from ingestion.quarantine import list_rows, replay
from ingestion.rejection import reject
from tests.drop_data import LINES, current, line, put, query, sales

DAY, NEXT = "2017-03-05", "2017-03-06"


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def drops(tmp_path):
    """One day with two gifts, a kind of line the contract does not know, and one line with a broken amount."""
    rows = [line(DAY, n) for n in range(6)]
    rows[1] = rows[1].replace(",sale,", ",gift,")
    rows[3] = rows[3].replace(",sale,", ",gift,")
    rows[4] = line(DAY, 4, amount="two")
    put(tmp_path / "drops", f"receipts/{DAY}/receipt_lines.csv", "\n".join([LINES, *rows]))
    return tmp_path / "drops"


@pytest.fixture
def gifts_allowed(tmp_path, monkeypatch):
    """Corrects the contract."""

    def allow():
        folder = tmp_path / "contracts" / "sources"
        folder.mkdir(parents=True)
        for path in (contracts.FOLDER / "sources").glob("*.yaml"):
            (folder / path.name).write_text(path.read_text().replace("- sale\n", "- sale\n                - gift\n", 1))
        monkeypatch.setattr(contracts, "FOLDER", folder.parent)

    return allow


def test_what_waits_is_listed_by_file_line_and_reason(home, drops):
    land("receipts", home, drops=drops)
    assert [(row.resource, row.file, row.line, row.count, row.reason) for row in list_rows(home)] == [
        ("receipt_lines", f"{DAY}/receipt_lines.csv", 3, 2, "line_type: not one of sale, return, void"),
        (
            "receipt_lines",
            f"{DAY}/receipt_lines.csv",
            6,
            1,
            "gross_amount: not a number (decimal(18,2)); net_amount: not a number (decimal(18,2))",
        ),
    ]


def test_replay_lands_what_is_valid_now_and_only_once(home, drops, gifts_allowed):
    land("receipts", home, drops=drops)
    assert replay(home, "receipts").resources["receipt_lines"] == (0, 3)
    gifts_allowed()
    report = replay(home, "receipts", "receipt_lines")
    assert (report.landed, report.kept) == (2, 1)
    assert sorted(current(home, "receipts", "receipt_lines", "_line, line_type")) == [
        (2, "sale"),
        (3, "gift"),
        (4, "sale"),
        (5, "gift"),
        (7, "sale"),
    ]
    assert [row.line for row in list_rows(home, "receipts")] == [6]
    assert replay(home, "receipts").resources["receipt_lines"] == (0, 1)
    assert current(home, "receipts", "receipt_lines") == [(5,)]


def test_a_redelivered_file_takes_its_quarantine_along(home, drops, gifts_allowed):
    land("receipts", home, drops=drops)
    sales(drops, DAY, 6)
    land("receipts", home, drops=drops)
    gifts_allowed()
    assert list_rows(home, "receipts") == []
    assert replay(home, "receipts").landed == 0
    assert current(home, "receipts", "receipt_lines") == [(6,)]


def test_rows_of_apis_keep_their_own_numbers(home, monkeypatch):
    """Pages number their records from one again: batch and number must still name one record."""
    import pyarrow as pa

    from ingestion.batch import RECORDS, RawBatch
    from ingestion.crm import hubspot

    def pages(state):
        for page in (["{}", '{"id": "1", "createdAt": "2017-01-01", "updatedAt": "2017-01-01"}'], ["{}", "[]"]):
            raw = pa.array([record.encode() for record in page], pa.large_binary())
            yield RawBatch("owners", "", "", pa.table([raw, pa.array([1, 2], pa.int64())], schema=RECORDS))

    monkeypatch.setattr(hubspot, "batches", pages)
    land("hubspot", home)
    found = query(f"select _line from {layout.complete(home, 'hubspot', 'owners__quarantine')} as q order by 1")
    assert found == [(1,), (3,), (4,)]
    assert current(home, "hubspot", "owners", "_line, id") == [(2, "1")]


def test_an_unknown_table_is_named(home):
    with pytest.raises(ContractError, match="did you mean 'payments'"):
        replay(home, "receipts", "payment")


def test_a_rejected_load_falls_back_to_the_version_before(home, tmp_path):
    drops = tmp_path / "drops"
    sales(drops, DAY, 6)
    sales(drops, NEXT, 6)
    land("receipts", home, drops=drops)
    sales(drops, DAY, 1)
    (load_id,) = land("receipts", home, drops=drops).load_ids
    assert reject(home, "receipts", "receipt_lines", load_id, "volume fell to a sixth") == (f"{DAY}/receipt_lines.csv",)
    assert current(home, "receipts", "receipt_lines") == [(12,)]
    assert reject(home, "receipts", "receipt_lines", load_id, "again") == ()
    report = land("receipts", home, drops=drops)
    assert (report.load_ids, report.rejected) == ((), {f"{DAY}/receipt_lines.csv": "volume fell to a sixth"})
    sales(drops, DAY, 5)
    assert land("receipts", home, drops=drops).rejected == {}
    assert current(home, "receipts", "receipt_lines") == [(11,)]

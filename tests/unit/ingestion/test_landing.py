"""What lands from drops: once, whole, newest version of each file, and nothing of a sick file."""

import gzip
import os
import shutil
import time

import duckdb
import pytest

from data_contracts import contract as contracts
from data_contracts.contract import ContractError
from ingestion import layout
from ingestion.batch import NotConnectedError, SourceError
from ingestion.landing import land
from tests.drop_data import LINES, batches, current, line, payments, put, query, sales

DAY, NEXT = "2017-03-05", "2017-03-06"


@pytest.fixture
def drops(tmp_path):
    return tmp_path / "drops"


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def landed(home, drops):
    """Lands a system and returns the report."""
    return lambda system="receipts": land(system, home, drops=drops)


@pytest.fixture
def contract_of(tmp_path, monkeypatch):
    """Rewrites the text of a contract for one test."""
    folder = tmp_path / "contracts"
    (folder / "sources").mkdir(parents=True)
    for path in (contracts.FOLDER / "sources").glob("*.yaml"):
        (folder / "sources" / path.name).write_text(path.read_text())
    monkeypatch.setattr(contracts, "FOLDER", folder)

    def rewrite(system, old, new):
        path = folder / "sources" / f"{system}.odcs.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return rewrite


def test_a_day_lands_typed_and_counted(home, drops, landed):
    sales(drops, DAY, 6)
    payments(drops, DAY, 2)
    report = landed()
    assert (report.resources["receipt_lines"].offered, report.resources["receipt_lines"].landed) == (6, 6)
    assert current(home, "receipts", "receipt_lines", "count(*), sum(net_amount), min(_line), max(_file)") == [
        (6, 15.0, 2, f"{DAY}/receipt_lines.csv")
    ]
    assert [row[:6] for row in batches(home, "receipts")] == [
        ("payments", f"{DAY}/payments.csv", "landed", 2, 2, 0),
        ("receipt_lines", f"{DAY}/receipt_lines.csv", "landed", 6, 6, 0),
    ]


def test_landed_columns_are_the_contracts_in_order_and_type(home, drops, landed):
    from data_contracts.contract import load
    from data_contracts.landed import layout as promised

    sales(drops, DAY)
    put(drops, f"receipts/{NEXT}/receipt_lines.csv", LINES + "\n" + line(NEXT, 1).replace(",sale,", ",gift,"))
    landed()
    for name, columns in promised(load("receipts")).items():
        for path in layout.folder(home, "receipts", name).glob("*.parquet"):
            found = query(
                "select name, type from (describe from read_parquet(?)) as d(name, type, a, b, c, e)", str(path)
            )
            assert [(n, t.lower()) for n, t in found] == [(n, t) for n, t, _ in columns], path


def test_no_news_lands_nothing(home, drops, landed):
    sales(drops, DAY)
    assert landed().load_ids
    before = sorted(path.name for path in (home / "landing").rglob("*"))
    assert landed().load_ids == ()
    assert sorted(path.name for path in (home / "landing").rglob("*")) == before


def test_a_touched_file_is_no_news(home, drops, landed):
    path = sales(drops, DAY)
    landed()
    os.utime(path, (time.time() + 60, time.time() + 60))
    assert landed().load_ids == ()
    assert current(home, "receipts", "receipt_lines") == [(6,)]


def test_a_restated_day_supersedes_the_day(home, drops, landed):
    sales(drops, DAY, 6)
    sales(drops, NEXT, 4)
    landed()
    sales(drops, DAY, 5, amount="3.00")
    report = landed()
    assert report.resources["receipt_lines"].offered == 5
    assert current(home, "receipts", "receipt_lines", "count(*), sum(net_amount)") == [(9, 25.0)]


def test_a_withdrawn_day_is_gone_and_comes_back(home, drops, landed):
    path = sales(drops, DAY, 6)
    sales(drops, NEXT, 4)
    landed()
    content = path.read_bytes()
    path.unlink()
    assert landed().withdrawn == (f"{DAY}/receipt_lines.csv",)
    assert current(home, "receipts", "receipt_lines") == [(4,)]
    path.write_bytes(content)
    landed()
    assert current(home, "receipts", "receipt_lines") == [(10,)]


def test_a_drop_folder_that_never_was_is_named_and_the_tables_are_readable(home, drops, landed):
    with pytest.raises(NotConnectedError, match=f"drop files as {drops}/receipts/<day>/<table>"):
        landed()
    assert current(home, "receipts", "receipt_lines") == [(0,)]


def test_nothing_dropped_is_nothing_landed_and_readable(home, drops, landed):
    (drops / "receipts").mkdir(parents=True)
    report = landed()
    assert (report.load_ids, report.rejected) == ((), {})
    assert current(home, "receipts", "receipt_lines") == [(0,)]


def test_a_folder_that_is_gone_withdraws_nothing(home, drops, landed):
    sales(drops, DAY)
    sales(drops, NEXT)
    landed()
    (drops / "receipts").rename(drops / "elsewhere")
    with pytest.raises(SourceError, match=r"receipts: .* is gone, 2 files landed from it; bring it back"):
        landed()
    (drops / "receipts").mkdir()
    with pytest.raises(SourceError, match="all 2 files are gone"):
        landed()
    assert current(home, "receipts", "receipt_lines") == [(12,)]
    (drops / "receipts").rmdir()
    (drops / "elsewhere").rename(drops / "receipts")
    assert landed().load_ids == ()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("receipt_lines.csv", LINES.replace("net_amount", "net_amt"), "missing 'net_amount' (is it 'net_amt'?)"),
        ("receipt_lines.csv", LINES.replace("store_id,", ""), "missing 'store_id'"),
        ("receipt_lines.csv", LINES + ",store_id", "'store_id' twice"),
        ("receipt_lines.csv", LINES.replace(",", ";"), "separated by ';'"),
        ("receipt_lines.csv", b"", "empty, not even a header line"),
        ("receipt_lines.csv", b"caf\xe9,x", "the header line is not utf-8"),
        ("receipt_lines.csv.gz", gzip.compress(LINES.encode() * 50)[:60], "not a whole gzip file"),
        ("receipt_lines.parquet", b"PAR1 and then nothing", "not a whole Parquet file"),
        ("reciept_lines.csv", LINES, "no table 'reciept_lines' (is it 'receipt_lines'?)"),
        ("receipt_lines.xlsx", b"PK", "unknown kind of file 'xlsx'"),
    ],
    ids=[
        "renamed column",
        "missing column",
        "column twice",
        "semicolons",
        "empty",
        "header not UTF-8",
        "truncated gzip",
        "truncated Parquet",
        "misspelt name",
        "unknown kind",
    ],
)
def test_a_file_that_cannot_be_used_is_refused_alone(home, drops, landed, name, content, says):  # noqa: PLR0917
    path = sales(drops, DAY, 6)
    landed()
    bad = put(drops, f"receipts/{DAY}/{name}", content)
    payments(drops, DAY, 2)
    report = landed()
    assert list(report.rejected) == [f"{DAY}/{name}"]
    assert says in report.rejected[f"{DAY}/{name}"]
    # The last good version stays, the other files land.
    assert current(home, "receipts", "receipt_lines") == [(6,)]
    assert current(home, "receipts", "payments") == [(2,)]
    # It stays refused without landing again, until it is delivered anew.
    again = landed()
    assert (again.load_ids, list(again.rejected)) == ((), [f"{DAY}/{name}"])
    bad.unlink()
    if bad == path:
        sales(drops, DAY, 7)
    assert landed().rejected == {}
    assert current(home, "receipts", "receipt_lines") == [(7 if bad == path else 6,)]


def test_a_truncated_parquet_is_refused_and_a_whole_one_lands(home, drops, landed):
    path = drops / "receipts" / DAY / "receipt_lines.parquet"
    path.parent.mkdir(parents=True)
    with duckdb.connect() as con:
        con.execute(
            f"copy (select date '2017-03-05' as business_date, '367' as store_id, 'r' || (i // 3) as receipt_id, "
            f"i % 3 + 1 as line_no, 'sale' as line_type, '7' as register_id, "
            f"timestamp '2017-03-05 14:03:00' as sold_at, 'p' || i as product_id, 1.0 as quantity, "
            f"2.5 as gross_amount, 0.0 as discount_amount, 0.0 as coupon_amount, 2.5 as net_amount, 'USD' as currency, "
            f"null::varchar as loyalty_number, 1 as shelf from range(5000) as r(i)) to '{path}' (format parquet)"
        )
    whole = path.read_bytes()
    for damaged in (whole[:-50], whole[:200] + b"\x00" * 2000 + whole[2200:]):
        path.write_bytes(damaged)
        assert "not a whole Parquet file" in landed().rejected[f"{DAY}/receipt_lines.parquet"]
    path.write_bytes(whole)
    report = landed()
    assert report.notes == {f"{DAY}/receipt_lines.parquet": "columns ignored, not in the contract: shelf"}
    assert current(home, "receipts", "receipt_lines", "count(*), sum(net_amount), max(sold_at)::varchar") == [
        (5000, 12500.0, "2017-03-05 14:03:00")
    ]


def test_extra_columns_are_ignored_and_told(home, drops, landed):
    put(drops, f"receipts/{DAY}/receipt_lines.csv", f"{LINES},shelf\n{line(DAY, 1)},A7\n")
    assert landed().notes == {f"{DAY}/receipt_lines.csv": "columns ignored, not in the contract: shelf"}
    assert current(home, "receipts", "receipt_lines") == [(1,)]


def test_a_cp1252_file_lands_what_it_can_and_all_once_the_contract_says_so(home, drops, landed, contract_of):
    rows = [line(DAY, 1), line(DAY, 2).replace("p2", "Caf\xe9")]
    put(drops, f"receipts/{DAY}/receipt_lines.csv", "\n".join([LINES, *rows]).encode("cp1252"))
    report = landed()
    assert (report.resources["receipt_lines"].landed, report.resources["receipt_lines"].quarantined) == (1, 1)
    contract_of(
        "receipts", "        value: csv\n", "        value: csv\n      - property: encoding\n        value: cp1252\n"
    )
    from ingestion.quarantine import replay

    assert replay(home, "receipts").resources["receipt_lines"] == (1, 0)
    assert set(current(home, "receipts", "receipt_lines", "product_id")) == {("p1",), ("Café",)}


def test_a_broken_line_of_ndjson_is_quarantined_alone(home, drops, landed):
    event = (
        '{"messageId": "m%d", "type": "page", "originalTimestamp": "2017-03-05T14:03:00Z", '
        '"context": {"page": {"path": "/"}}}'
    )
    put(drops, f"segment/{DAY}/events.ndjson", "\n".join([event % 1, '{"messageId": "m2", "ty', event % 3]))
    report = landed("segment")
    assert (report.resources["events"].landed, report.resources["events"].quarantined) == (2, 1)
    assert current(home, "segment", "events", "message_id, page_path, _raw is not null") == [
        ("m1", "/", True),
        ("m3", "/", True),
    ]
    found = query(f"select _line, _raw from {layout.complete(home, 'segment', 'events__quarantine')} as q")
    assert found == [(2, b'{"messageId": "m2", "ty')]


def test_a_huge_record_is_quarantined_alone(home, drops, landed):
    huge = '{"messageId": "m1", "type": "page", "x": "%s"}' % ("y" * 1_000_000)
    put(drops, f"segment/{DAY}/events.ndjson", huge)
    assert landed("segment").resources["events"].quarantined == 1
    assert query(f"select _reason from {layout.complete(home, 'segment', 'events__quarantine')} as q") == [
        ("record of 1000044 bytes, more than 32768 (custom property maxRecordBytes)",)
    ]


def test_an_empty_ndjson_is_a_day_without_records(home, drops, landed):
    put(drops, f"segment/{DAY}/events.ndjson", b"")
    report = landed("segment")
    assert report.rejected == {}
    assert batches(home, "segment") == [("events", f"{DAY}/events.ndjson", "landed", 0, 0, 0, None)]


def test_a_link_out_of_the_drop_folder_is_refused(tmp_path, drops, landed):
    secret = put(tmp_path, "secret/receipt_lines.csv", LINES)
    (drops / "receipts" / DAY).mkdir(parents=True)
    (drops / "receipts" / DAY / "receipt_lines.csv").symlink_to(secret)
    (drops / "receipts" / NEXT).symlink_to(secret.parent)
    rejected = landed().rejected
    assert set(rejected) == {f"{DAY}/receipt_lines.csv", NEXT}
    assert all("leads out of the drop folder" in reason for reason in rejected.values())


def test_half_written_files_wait(home, drops, landed):
    put(drops, f"receipts/{DAY}/.receipt_lines.csv", LINES)
    put(drops, f"receipts/{DAY}/receipt_lines.csv.part", LINES)
    assert landed().rejected == {}
    assert batches(home, "receipts") == []


def test_a_misspelt_contract_stops_its_source_only(home, drops, landed, contract_of):
    sales(drops, DAY)
    landed()
    contract_of("receipts", "logicalType: date", "logicalType: dat")
    sales(drops, NEXT)
    with pytest.raises(ContractError, match=r"receipts\.odcs\.yaml:\d+: logicalType 'dat' .*did you mean 'date'"):
        landed()
    (drops / "segment").mkdir()
    assert landed("segment").rejected == {}
    contract_of("receipts", "logicalType: dat", "logicalType: date")
    landed()
    assert current(home, "receipts", "receipt_lines") == [(12,)]


def test_a_corrected_contract_takes_the_file_it_had_refused(home, drops, landed, contract_of):
    put(drops, f"receipts/{DAY}/receipt_lines.csv", "\n".join([LINES.replace("net_amount", "net"), line(DAY, 1)]))
    assert landed().rejected
    contract_of("receipts", "- name: net_amount\n", "- name: net_amount\n        physicalName: net\n")
    assert landed().rejected == {}
    assert current(home, "receipts", "receipt_lines", "net_amount::varchar") == [("2.50",)]


def test_a_changed_type_lands_beside_the_old_one(home, drops, landed, contract_of):
    sales(drops, DAY, 2)
    landed()
    contract_of(
        "receipts",
        "- name: product_id\n        logicalType: string",
        "- name: product_id\n        logicalType: integer",
    )
    put(drops, f"receipts/{NEXT}/receipt_lines.csv", "\n".join([LINES, line(NEXT, 7).replace("p7", "7")]))
    landed()
    assert current(home, "receipts", "receipt_lines", "count(*)") == [(3,)]


def test_a_clock_that_goes_back_does_not_bring_the_old_version_back(home, drops, landed, monkeypatch):
    from datetime import UTC, datetime

    from ingestion import landing

    sales(drops, DAY, 6)
    landed()

    class Earlier(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2001, 1, 1, tzinfo=UTC)

    monkeypatch.setattr(landing, "datetime", Earlier)
    sales(drops, DAY, 5)
    landed()
    assert current(home, "receipts", "receipt_lines") == [(5,)]


def test_working_folders_keep_no_rows(home, drops, landed):
    sales(drops, DAY)
    landed()
    assert not [path for path in (home / "dlt").rglob("*") if path.suffix in {".parquet", ".gz", ".jsonl"}]


def test_a_lost_working_folder_is_restored_from_what_landed(home, drops, landed):
    sales(drops, DAY)
    landed()
    shutil.rmtree(home / "dlt")
    assert landed().load_ids == ()
    sales(drops, NEXT)
    assert landed().resources["receipt_lines"].offered == 6
    assert current(home, "receipts", "receipt_lines") == [(12,)]

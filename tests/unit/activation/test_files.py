"""Audience files: whole, safe in a spreadsheet, unaltered for machines, swapped in one step."""

import csv
import hashlib
import json
from datetime import date

import duckdb
import pytest

from orchestration.activation.ledger import TABLES
from orchestration.activation.plan import plan
from orchestration.activation.run import run_sync
from orchestration.activation.send import send
from orchestration.warehouse import engine
from tests.unit.activation.payloads import AS_OF, change, document

NEXT_DAY = date(2018, 1, 1)
AUDIENCE = [
    ("p1", "ann@example.com", "=HYPERLINK(1)", "-5.20"),
    ("p2", "bob@example.com", "+1 555", "12.00"),
    ("p3", "cy@example.com", 'He said "hi", twice', "0.00"),
    ("p4", "dee@example.com", "\tTab", "1.00"),
    ("p5", "-eve@example.com", "@eve", "2.00"),
    ("p6", "nobody@example.com", "No consent", "3.00"),
]


def audience():
    return document(
        name="lapsing",
        destination="files",
        object="audience",
        model="activation.files__lapsing",
        key="person_id",
        on_exit="delete",
        fields={"person_id": "person_id", "email": "email", "first_name": "first_name", "value_usd": "value_usd"},
        consent={"channel": "email", "purpose": "marketing", "contact_point": "email"},
    )


@pytest.fixture
def home(settings):
    with engine.writing(settings) as con:
        con.execute("create schema activation; create schema profile")
        con.execute(
            "create table activation.files__lapsing (person_id varchar, email varchar, first_name varchar, "
            "value_usd decimal(18, 2))"
        )
        con.executemany("insert into activation.files__lapsing values (?, ?, ?, ?)", AUDIENCE)
        con.execute(
            "create table profile.effective_consents as select 'main' as brand, email as contact_point, "
            "'email' as channel, 'marketing' as purpose, 'granted' as state from activation.files__lapsing "
            "where person_id <> 'p6'"
        )
    return settings


def read_csv(settings, name="latest.csv"):
    with (settings.root / "exports" / "lapsing" / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_no_cell_of_the_csv_is_a_formula_and_the_parquet_is_unaltered(home):
    result = run_sync(home, audience(), AS_OF, "r1")
    assert (result.acknowledged, result.plan.held) == (5, 1)
    rows = read_csv(home)
    assert [row["first_name"] for row in rows] == ["'=HYPERLINK(1)", "'+1 555", AUDIENCE[2][2], "'\tTab", "'@eve"]
    assert rows[4]["email"] == "'-eve@example.com"
    assert rows[0]["value_usd"] == "-5.20"
    machine = duckdb.sql(f"from '{home.root}/exports/lapsing/latest.parquet'").fetchall()
    assert [tuple(map(str, row)) for row in machine] == AUDIENCE[:5]


def test_a_day_without_change_writes_no_file(home):
    run_sync(home, audience(), AS_OF, "r1")
    assert run_sync(home, audience(), NEXT_DAY, "r2").plan.to_send == 0
    names = sorted(file.name for file in (home.root / "exports" / "lapsing").iterdir())
    assert names == [
        f"{name}.{extension}" for name in ("2017-12-31", "latest") for extension in ("csv", "json", "parquet")
    ]


def test_what_is_told_of_the_files_is_their_rows_bytes_and_hash(home):
    run_sync(home, audience(), AS_OF, "r1")
    folder = home.root / "exports" / "lapsing"
    told = json.loads((folder / "latest.json").read_text(encoding="utf-8"))
    assert (told["rows"], told["as_of"], told["run_id"]) == (5, "2017-12-31", "r1")
    for extension in ("csv", "parquet"):
        content = (folder / f"2017-12-31.{extension}").read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        assert told["files"][extension] == {"name": f"2017-12-31.{extension}", "bytes": len(content), "sha256": digest}


def test_a_change_writes_the_whole_audience_and_moves_latest(home):
    run_sync(home, audience(), AS_OF, "r1")
    change(home, "delete from activation.files__lapsing where person_id = 'p1'")
    change(home, "update profile.effective_consents set state = 'denied' where contact_point = 'bob@example.com'")
    change(home, "update activation.files__lapsing set first_name = 'Cyd' where person_id = 'p3'")
    result = run_sync(home, audience(), NEXT_DAY, "r2")
    assert (result.plan.exit, result.plan.update, result.acknowledged) == (2, 1, 3)
    assert [row["person_id"] for row in read_csv(home, "2018-01-01.csv")] == ["p3", "p4", "p5"]
    assert (home.root / "exports" / "lapsing" / "latest.csv").readlink().name == "2018-01-01.csv"
    assert len(read_csv(home, "2017-12-31.csv")) == 5


def test_consent_withdrawn_between_plan_and_file_leaves_the_person_out(home):
    plan(home, audience(), "r1", AS_OF)
    change(home, "delete from profile.effective_consents where contact_point = 'cy@example.com'")
    assert send(home, audience(), "r1") == {"acknowledged": 4, "held": 1}
    assert [row["person_id"] for row in read_csv(home)] == ["p1", "p2", "p4", "p5"]


def test_a_half_written_file_never_takes_the_place_of_a_good_one(home, monkeypatch):
    run_sync(home, audience(), AS_OF, "r1")
    before = read_csv(home)
    change(home, "update activation.files__lapsing set first_name = 'Cyd' where person_id = 'p3'")
    folder = home.root / "exports" / "lapsing"
    (folder / ".2017-12-31.parquet.draft").mkdir()
    with pytest.raises(duckdb.IOException):
        run_sync(home, audience(), AS_OF, "r2")
    assert read_csv(home) == before
    (folder / ".2017-12-31.parquet.draft").rmdir()
    assert run_sync(home, audience(), AS_OF, "r3").acknowledged == 1
    assert read_csv(home)[2]["first_name"] == "Cyd"


def test_an_insert_only_ledger_without_rows_plans_like_none(home):
    with engine.writing_state(home) as con:
        con.execute(TABLES)
    assert run_sync(home, audience(), AS_OF, "r1").acknowledged == 5

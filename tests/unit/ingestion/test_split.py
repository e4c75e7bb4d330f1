"""Every record is typed or quarantined, with a reason that names field and rule and never the value."""

from datetime import date, datetime
from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest

from data_contracts.contract import Column, Table
from ingestion.split import json_path, split

NOW = datetime(2024, 1, 2, 3, 4, 5)


def column(name, logical="string", physical="varchar", **rules):
    rules = {"required": False, "key": False, "path": name, **rules}
    return Column(
        name=name, logical_type=logical, physical_type=physical, classification="internal", description="", **rules
    )


def table(*columns, form="csv", encoding="utf-8", limit=200):
    return Table("things", "", form, columns, encoding, limit, form != "csv", 0.05)


def judged(contract, records, header=None):
    records = [record if isinstance(record, bytes) else record.encode() for record in records]
    raw = pa.table(
        {
            "raw": pa.array(records, pa.large_binary()),
            "line": pa.array(range(1, len(records) + 1), pa.int64()),
            "_file": pa.array(["f.csv"] * len(records)),
            "_batch_id": pa.array(["b1"] * len(records)),
        }
    )
    with duckdb.connect() as con:
        parts = split(con, contract, raw, header, received_at=NOW, version="1.2.0")
    assert parts.typed.num_rows + parts.quarantined.num_rows == len(records)
    return parts.typed.to_pylist(), parts.quarantined.to_pylist()


def value_of(kind, text, **rules):
    """The typed value of one CSV field, or the reason it was refused."""
    logical, physical = kind
    quoted = '"' + text.replace('"', '""') + '"'
    good, bad = judged(table(column("x", logical, physical, **rules)), [quoted], ["x"])
    return good[0]["x"] if good else bad[0]["_reason"]


def test_a_column_may_have_any_name():
    names = ["line", "row", "size", "document", "documents", "fields", "count_fields", "t", "records", "select"]
    good, _ = judged(table(*map(column, names)), [",".join(names)], names)
    assert {name: good[0][name] for name in names} == {name: name for name in names}


INTEGER, DOUBLE, MONEY = ("integer", "bigint"), ("number", "double"), ("number", "decimal(18,2)")
BOOLEAN, DATE, TIMESTAMP = ("boolean", "boolean"), ("date", "date"), ("timestamp", "timestamp")
JSON, TEXT = ("string", "json"), ("string", "varchar")


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (INTEGER, "12", 12),
        (INTEGER, " -12 ", -12),
        (DOUBLE, "1e3", 1000.0),
        (MONEY, "2.5", Decimal("2.50")),
        (BOOLEAN, "true", True),
        (DATE, "2017-03-05", date(2017, 3, 5)),
        (TIMESTAMP, "2017-03-05T14:03:00Z", datetime(2017, 3, 5, 14, 3)),
        (TIMESTAMP, "2017-03-05T14:03:00.25+02:00", datetime(2017, 3, 5, 12, 3, 0, 250000)),
        (TIMESTAMP, "2017-03-05 14:03:00", datetime(2017, 3, 5, 14, 3)),
        (TIMESTAMP, "2017-03-05", datetime(2017, 3, 5)),
        (JSON, '{"a": [1]}', '{"a": [1]}'),
        (TEXT, "", None),
        (TEXT, ' O\'Brien, "Bo" ', ' O\'Brien, "Bo" '),
        (TEXT, "two\nlines", "two\nlines"),
    ],
)
def test_text_becomes_a_value(kind, text, value):
    assert value_of(kind, text) == value


@pytest.mark.parametrize(
    ("kind", "text", "noun"),
    [
        (INTEGER, "12.7", "whole number"),
        (INTEGER, "0x1F", "whole number"),
        (INTEGER, "9223372036854775808", "whole number"),
        (DOUBLE, "nan", "number"),
        (DOUBLE, "1_000", "number"),
        (MONEY, "12,50", "number"),
        (MONEY, "12345678901234567890", "number"),
        (BOOLEAN, "maybe", "boolean"),
        (DATE, "05/03/2017", "date"),
        (DATE, "2017-02-30", "date"),
        (DATE, "infinity", "date"),
        (TIMESTAMP, "epoch", "timestamp"),
        (TIMESTAMP, "2017-03-05T25:00:00Z", "timestamp"),
        (JSON, "{broken", "JSON"),
    ],
)
def test_what_is_no_value_is_refused_without_repeating_it(kind, text, noun):
    reason = value_of(kind, text)
    assert reason.startswith("x: not a ")
    assert noun in reason
    assert text not in reason


@pytest.mark.parametrize(
    ("kind", "text", "rules", "reason"),
    [
        (TEXT, "", {"required": True}, "x: required but empty or missing"),
        (TEXT, "c", {"enum": ("a", "b's")}, "x: not one of a, b's"),
        (TEXT, "usd", {"pattern": "^[A-Z]{3}$"}, "x: does not match ^[A-Z]{3}$"),
        (INTEGER, "0", {"minimum": 1}, "x: less than 1"),
        (MONEY, "10.01", {"maximum": 10}, "x: more than 10"),
        (TEXT, "abcd", {"max_length": 3}, "x: longer than 3"),
        (TEXT, "a", {"min_length": 2}, "x: shorter than 2"),
    ],
)
def test_a_broken_rule_is_named(kind, text, rules, reason):
    assert value_of(kind, text, **rules) == reason


def test_every_broken_rule_of_a_record_is_named():
    contract = table(column("id", required=True, key=True), column("n", "integer", "bigint"))
    _, bad = judged(contract, [",x"], ["id", "n"])
    assert bad[0]["_reason"] == "id: required but empty or missing; n: not a whole number"


def test_a_quarantined_row_keeps_its_bytes_and_what_could_be_typed():
    contract = table(column("id", required=True, key=True), column("n", "integer", "bigint"))
    good, bad = judged(contract, ["a,1", "b,x"], ["id", "n"])
    assert [row["id"] for row in good] == ["a"]
    assert (bad[0]["id"], bad[0]["n"], bad[0]["_raw"], bad[0]["_file"], bad[0]["_line"]) == (
        "b",
        None,
        b"b,x",
        "f.csv",
        2,
    )
    assert (bad[0]["_batch_id"], bad[0]["_contract_version"], bad[0]["_received_at"]) == ("b1", "1.2.0", NOW)


def test_fields_are_found_by_the_header_in_any_order():
    contract = table(column("a"), column("b", path="Bee"))
    good, _ = judged(contract, ["1,2,3"], ["Bee", "extra", "a"])
    assert (good[0]["a"], good[0]["b"]) == ("3", "1")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("a", "expected 2 fields, got 1"),
        ("a,b,c", "expected 2 fields, got 3"),
        ('a,"b', "quotes do not close or do not stand around a whole field"),
        ('a,b"c', "quotes do not close or do not stand around a whole field"),
        (
            b"a,Caf\xe9",
            "not UTF-8; if it is cp1252, set the custom property encoding: cp1252 in the contract and replay",
        ),
        ("a," + "b" * 300, "record of 302 bytes, more than 200 (custom property maxRecordBytes)"),
    ],
)
def test_a_broken_record_is_quarantined_alone(record, reason):
    good, bad = judged(table(column("a"), column("b")), ["1,2", record, "3,4"], ["a", "b"])
    assert [row["a"] for row in good] == ["1", "3"]
    assert [row["_reason"] for row in bad] == [reason]


def test_a_declared_encoding_is_read():
    contract = table(column("a"), column("b"), encoding="cp1252")
    good, bad = judged(contract, [b"1,Caf\xe9 \x80", b"2,\x81", b"3,plain"], ["a", "b"])
    assert [row["b"] for row in good] == ["Café €", "plain"]
    assert bad[0]["_reason"] == "not cp1252; correct the custom property encoding of this table in the contract"
    assert bad[0]["_raw"] == b"2,\x81"


def test_json_is_read_by_path():
    contract = table(
        column("id", path="a.b[0].id"), column("n", "integer", "bigint"), column("d", "string", "json"), form="ndjson"
    )
    good, bad = judged(contract, ['{"a": {"b": [{"id": 7}]}, "n": 1, "d": {"k": [1]}}', '{"d": null, "n": null}'])
    assert [(row["id"], row["n"], row["d"]) for row in good] == [("7", 1, '{"k":[1]}'), (None, None, None)]
    assert good[1]["_raw"] == '{"d": null, "n": null}'
    assert bad == []


NO_OBJECTS = ('{"id": ', "[1]", '"text"', "null", "17", "no json", '{"id": 1} {"id": 2}', '{"id": "\\ud800"}')


@pytest.mark.parametrize("record", NO_OBJECTS)
def test_what_is_no_object_is_quarantined(record):
    good, bad = judged(table(column("id"), form="ndjson"), ['{"id": 1}', record])
    assert len(good) == 1
    assert bad[0]["_reason"] == "not a JSON object, or a broken one"


def test_hostile_depth_and_names_do_no_harm():
    deep = '{"a":' * 3000 + "1" + "}" * 3000
    contract = table(column("id", path="we\"ird'.x"), form="ndjson", limit=1 << 20)
    good, bad = judged(contract, [deep, '{"we\\"ird\'": {"x": "\'); drop table records; --"}}'])
    assert [row["id"] for row in good] == [None, "'); drop table records; --"]
    assert bad == []


def test_a_path_is_quoted_part_by_part():
    assert json_path("a.b[0].c") == '$."a"."b"[0]."c"'

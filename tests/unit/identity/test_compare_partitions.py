"""`tessera link compare`: where two partitions differ, counted and explained."""

import json
from pathlib import Path

import pytest

from orchestration.identity.any_table.compare import compare
from orchestration.warehouse.files import TableError
from tests.unit.identity.test_link_table import answer, run

A = {"1": "a", "2": "a", "3": "b", "4": "c", "5": "c", "6": "d", "7": "d", "8": "e", "9": "e", "only": "x"}
B = {"1": "p", "2": "p", "3": "p", "4": "q", "5": "r", "6": "s", "7": "t", "8": "t", "9": "s", "new": "y"}


def partition(path: Path, people: dict[str, str]) -> Path:
    path.write_text("record_id,person_id\n" + "".join(f"{r},{p}\n" for r, p in people.items()))
    return path


@pytest.fixture
def sides(tmp_path):
    return partition(tmp_path / "a.csv", A), partition(tmp_path / "b.csv", B)


def test_differences_are_merged_split_or_moved(sides):
    counts, _ = compare(*sides)
    assert counts["merged"] == {"cases": 1, "records": 3}
    assert counts["split"] == {"cases": 1, "records": 2}
    assert counts["moved"] == {"cases": 1, "records": 4}
    assert counts["people_the_same"] == 0
    assert (counts["records_in_both"], counts["records_only_in_a"], counts["records_only_in_b"]) == (9, 1, 1)


def test_pairs_that_both_hold_are_counted(sides):
    counts, _ = compare(*sides)
    # A: 12, 45, 67, 89; B: 12, 13, 23, 69, 78; both: 12.
    assert (counts["pairs_a"], counts["pairs_b"], counts["pairs_in_both"]) == (4, 5, 1)
    assert counts["pair_agreement"] == pytest.approx(2 / 9)


def test_a_partition_is_the_same_as_itself_under_other_names(tmp_path):
    renamed = partition(tmp_path / "b.csv", {record: f"{person}!" for record, person in A.items()})
    counts, examples = compare(partition(tmp_path / "a.csv", A), renamed)
    assert counts["pair_agreement"] == 1
    assert counts["people_the_same"] == counts["people_a"] == counts["people_b"]
    assert not examples


def test_a_long_chain_of_differences_is_one(tmp_path):
    count = 41
    a = partition(tmp_path / "a.csv", {str(i): f"a{i // 2}" for i in range(count)})
    b = partition(tmp_path / "b.csv", {str(i): f"b{(i + 1) // 2}" for i in range(count)})
    assert compare(a, b)[0]["moved"] == {"cases": 1, "records": count}


def test_the_records_explain_an_example(sides, tmp_path):
    rows = "".join(f"{r},Ann,Lee,{'Rome' if r < '3' else 'Oslo'},{'x@y.org' if r < '3' else ''}\n" for r in sorted(A))
    (tmp_path / "in.csv").write_text("id,first_name,last_name,city,email\n" + rows)
    _, examples = compare(*sides, records=tmp_path / "in.csv")
    merged = next(example for example in examples if example.kind == "merged")
    assert merged.why == "agree on first_name, last_name; differ in city; missing on one side email"
    assert merged.records[0] == ("a", "p", "1", "Ann", "Lee", "Rome", "x@y.org")


def test_the_command_tells_counts_and_lists_every_record(sides, tmp_path):
    shown = run("compare", *sides, "--list", tmp_path / "list.csv")
    assert "merged: 1 cases, 3 records" in shown
    assert len(answer(tmp_path / "list.csv")) == 9
    assert json.loads(run("compare", *sides, "--json"))["split"]["cases"] == 1


def test_partitions_of_different_tables_are_told(tmp_path):
    a, b = partition(tmp_path / "a.csv", {"1": "a"}), partition(tmp_path / "b.csv", {"2": "a"})
    with pytest.raises(TableError, match="no record_id in common"):
        compare(a, b)
    (tmp_path / "in.csv").write_text("id,name\n77,Ann Lee\n78,Bo Ray\n")
    a, b = partition(tmp_path / "a.csv", A), partition(tmp_path / "b.csv", B)
    with pytest.raises(TableError, match="its record ids"):
        compare(a, b, records=tmp_path / "in.csv")

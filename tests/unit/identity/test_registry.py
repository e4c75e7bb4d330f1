"""Ids that last: what merges, splits, returns and disappearances do to them, and what the ledger says."""

import duckdb
import pyarrow as pa
import pytest

from orchestration.identity import registry
from orchestration.identity import state as identity_state
from orchestration.identity.state import Run


@pytest.fixture
def state():
    con = duckdb.connect()
    identity_state.create_tables(con)
    yield con
    con.close()


def assign(con, groups: dict[int, str], run_id: str = "run"):
    """Register groups given as label -> letters, a letter a record; returns record -> person id, and event counts."""
    rows = [(letter, label) for label, letters in groups.items() for letter in letters]
    partition = pa.table({"record_id": [r for r, _ in rows], "person": [p for _, p in rows]})
    con.execute("begin")
    ids, events = registry.assign(con, partition, Run(run_id, "1", None))
    con.execute("commit")
    found = {row["record_id"]: row["person_id"] for row in ids.to_pylist()}
    return found, {event: count for event, count in events.items() if count}


def ledger(con, run_id):
    return con.execute(
        "select event, person_id, other_person_id, count_records from identity.ledger where run_id = ? order by all",
        [run_id],
    ).fetchall()


def test_ids_do_not_depend_on_labels_or_order(state):
    first, events = assign(state, {0: "ab", 2: "c"})
    again, nothing = assign(state, {7: "c", 9: "ba"})
    assert first == again
    assert first["a"] == first["b"] != first["c"]
    assert events == {"created": 2}
    assert nothing == {}


def test_the_bigger_person_survives_a_merge_and_the_other_becomes_an_alias(state):
    before, _ = assign(state, {0: "abc", 3: "de"})
    after, events = assign(state, {0: "abcde"}, "merge")
    assert set(after.values()) == {before["a"]}
    assert events == {"merged": 1}
    assert state.execute("select person_id, survivor_id from identity.aliases").fetchall() == [
        (before["d"], before["a"])
    ]
    assert ledger(state, "merge") == [("merged", before["d"], before["a"], 2)]


def test_the_older_person_survives_a_merge_of_equals(state):
    before, _ = assign(state, {0: "yz"})
    assign(state, {0: "yz", 2: "ab"})
    after, _ = assign(state, {0: "abyz"})
    assert set(after.values()) == {before["y"]}


def test_the_bigger_part_of_a_split_keeps_the_id(state):
    before, _ = assign(state, {0: "abcde"})
    after, events = assign(state, {0: "ab", 2: "cde"}, "split")
    assert after["c"] == before["a"] != after["a"]
    assert events == {"created": 1, "split": 1}
    assert ("split", before["a"], after["a"], 2) in ledger(state, "split")


@pytest.mark.parametrize("labels", [(1, 2), (2, 1)])
def test_an_even_split_does_not_depend_on_labels(state, labels):
    before, _ = assign(state, {0: "abcd"})
    after, _ = assign(state, dict(zip(labels, ("ab", "cd"), strict=True)))
    assert after["a"] == before["a"] != after["c"]


def test_aliases_of_aliases_point_to_the_last_survivor(state):
    one, _ = assign(state, {0: "a", 1: "bc", 3: "defg"})
    assign(state, {0: "abc", 3: "defg"})
    assign(state, {0: "abcdefg"})
    assert dict(state.execute("select person_id, survivor_id from identity.aliases").fetchall()) == {
        one["a"]: one["d"],
        one["b"]: one["d"],
    }


def test_undoing_a_merge_gives_both_ids_back(state):
    before, _ = assign(state, {0: "abc", 3: "de"})
    assign(state, {0: "abcde"})
    after, events = assign(state, {0: "abc", 3: "de"}, "undo")
    assert after == before
    assert events == {"restored": 1, "split": 1}
    assert state.execute("select count(*) from identity.aliases").fetchall() == [(0,)]


def test_a_person_whose_records_are_gone_is_retired_and_comes_back_under_the_same_id(state):
    before, _ = assign(state, {0: "ab", 2: "c"})
    _, events = assign(state, {0: "ab"}, "gone")
    assert events == {"retired": 1}
    assert ledger(state, "gone") == [("retired", before["c"], None, 0)]
    assert assign(state, {0: "ab"}, "still gone")[1] == {}
    after, events = assign(state, {0: "ab", 2: "c"}, "back")
    assert after == before
    assert events == {"restored": 1}
    assert state.execute("select count(*) from identity.people where status <> 'current'").fetchall() == [(0,)]


def test_a_record_that_changes_sides_moves_and_no_id_changes(state):
    before, _ = assign(state, {0: "abc", 3: "de"})
    after, events = assign(state, {0: "ab", 3: "cde"}, "move")
    assert after["a"] == before["a"]
    assert after["c"] == before["d"]
    assert events == {"moved": 1}


def test_a_founder_who_moved_away_does_not_take_its_id_along(state):
    before, _ = assign(state, {0: "abc"})
    after, _ = assign(state, {0: "a", 1: "bc"})
    assert after["b"] == before["a"] != after["a"]


def test_every_change_of_an_id_has_its_ledger_row(state):
    partitions = [{0: "abc", 3: "def"}, {0: "abcd", 4: "ef"}, {0: "ab", 2: "cdef"}, {0: "abcdef"}, {0: "a", 1: "bcdef"}]
    before: dict[str, str] = {}
    for number, groups in enumerate(partitions):
        after, _ = assign(state, groups, f"run {number}")
        told = {(old, new) for _, old, new, _ in ledger(state, f"run {number}")}
        for record_id, person_id in after.items():
            if record_id in before and before[record_id] != person_id:
                assert (before[record_id], person_id) in told
        before = after


def test_more_people_than_one_storage_segment_holds(state):
    count = 250_000
    partition = pa.table({"record_id": [f"r{i:06}" for i in range(count)], "person": pa.array(range(count))})
    for events in ({"created": count}, {}):
        state.execute("begin")
        ids, counted = registry.assign(state, partition, Run("run", "1", None))
        state.execute("commit")
        assert ids.num_rows == count
        assert {event: number for event, number in counted.items() if number} == events

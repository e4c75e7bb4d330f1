"""A part of the partition gives the ids that the whole would: the property that lets a run cost what changed."""

import random

import duckdb
import pyarrow as pa
import pytest

from orchestration.identity import registry
from orchestration.identity import state as identity_state
from orchestration.identity.proposal import IncompleteChangeError
from orchestration.identity.state import Run

_TABLES = {
    "membership": "record_id, person_id, from_no, to_no",
    "people": "person_id, created_no, created_run, status",
    "aliases": "person_id, survivor_id, run_id",
    "ledger": "run_no, event, person_id, other_person_id, count_records, cause, record_id_l, record_id_r, rule",
}


@pytest.fixture
def twins():
    """Two state databases: one is given whole partitions, the other only what changed."""
    pair = duckdb.connect(), duckdb.connect()
    for con in pair:
        identity_state.create_tables(con)
    yield pair
    for con in pair:
        con.close()


def partition_of(person: dict[str, int]) -> pa.Table:
    records = sorted(person)
    return pa.table(
        {"record_id": pa.array(records, pa.string()), "person": pa.array([person[r] for r in records], pa.int64())}
    )


def changed_part(before: dict[str, int], after: dict[str, int]) -> tuple[dict[str, int], list[str]]:
    """The new clusters that hold a record of a person of whom a record changed sides, came or went; and who went."""

    def groups(person):
        found = {}
        for record, label in person.items():
            found.setdefault(label, set()).add(record)
        return {record: frozenset(found[label]) for record, label in person.items()}

    old, new = groups(before), groups(after)
    touched = {r for r in old.keys() | new.keys() if old.get(r) != new.get(r)}
    touched |= {other for r in touched for other in old.get(r, frozenset()) | new.get(r, frozenset())}
    return {r: label for r, label in after.items() if r in touched}, sorted(r for r in touched if r not in after)


def next_partition(chance: random.Random, person: dict[str, int], records: list[str]) -> dict[str, int]:
    """A few records come, go, change sides; a few persons merge or fall apart."""
    after = dict(person)
    for record in chance.sample(records, 6):
        action = chance.random()
        if record in after and action < 0.3:
            del after[record]
        elif action < 0.6:
            after[record] = chance.choice([*after.values(), 1000 + chance.randrange(1000)])
        elif after:
            one, other = chance.choice(list(after.values())), chance.choice(list(after.values()))
            after = {r: one if label == other else label for r, label in after.items()}
    # Labels mean nothing: another solver numbers people otherwise.
    names = list(set(after.values()))
    shuffled = dict(zip(names, chance.sample(range(10_000), len(names)), strict=True))
    return {record: shuffled[label] for record, label in after.items()}


def give(con, person, run, gone=None, links=None):
    con.execute("begin")
    ids, events = registry.assign(
        con,
        partition_of(person),
        run,
        gone=None if gone is None else pa.table({"record_id": pa.array(gone, pa.string())}),
        links=links,
    )
    con.execute("commit")
    return dict(zip(*(ids[name].to_pylist() for name in ("record_id", "person_id")), strict=True)), events


@pytest.mark.parametrize("seed", range(6))
def test_a_part_gives_what_the_whole_gives(twins, seed):
    whole, part = twins
    chance = random.Random(seed)
    records = [f"r{number:02}" for number in range(30)]
    person: dict[str, int] = {}
    for number in range(8):
        after = next_partition(chance, person, records)
        run = Run(f"run {number}", "1", None)
        changed, gone = changed_part(person, after)
        ids, events = give(whole, after, run)
        some, same_events = give(part, changed, run, gone)
        assert some == {record: ids[record] for record in changed}
        assert same_events == events
        for table, columns in _TABLES.items():
            query = f"select {columns} from identity.{table} order by all"
            assert part.execute(query).fetchall() == whole.execute(query).fetchall(), table
        person = after


def test_a_part_that_leaves_out_a_record_of_its_person_is_refused(twins):
    con, _ = twins
    give(con, {"a": 1, "b": 1, "c": 2}, Run("first", "1", None))
    with pytest.raises(IncompleteChangeError, match="record b of p_"):
        give(con, {"a": 1}, Run("second", "1", None), gone=[])


def test_a_record_that_returns_does_not_take_the_id_of_a_person_outside_the_part(twins):
    con, _ = twins
    first, _ = give(con, {"a": 1, "b": 1}, Run("first", "1", None))
    give(con, {"b": 1}, Run("second", "1", None), gone=["a"])
    ids, _ = give(con, {"a": 5}, Run("third", "1", None), gone=[])
    assert ids["a"] != first["b"]

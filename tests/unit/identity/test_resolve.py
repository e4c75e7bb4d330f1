"""A run of identity resolution: same input same people, ids that last, state and warehouse in step."""

from datetime import date, datetime

import pytest

from orchestration.identity import decisions, registry, tables
from orchestration.identity.resolve import resolve
from orchestration.identity.tables import TABLES
from orchestration.warehouse import engine
from tests.unit.identity import population
from tests.unit.identity.population import contact, identifier

AS_OF = date(2017, 12, 31)


def run(settings, run_id="first", **options):
    return resolve(settings, as_of=AS_OF, run_id=run_id, **options)


@pytest.fixture(scope="module")
def crowd():
    return population.people(60)


def test_people_are_found_without_labels(settings, crowd):
    rows, truth = crowd
    population.write(settings, rows)
    metrics = run(settings)
    people = population.served(settings)
    groups = {}
    for record_id, person_id in people.items():
        groups.setdefault(person_id, []).append(record_id)
    pairs = {(a, b) for members in groups.values() for a in members for b in members if a < b}
    true = {(a, b) for a in truth for b in truth if a < b and truth[a] == truth[b]}
    precision, recall = len(pairs & true) / len(pairs), len(pairs & true) / len(true)
    assert precision > 0.99
    # Too few records to learn from: a pair has to be surer than elsewhere.
    assert recall > 0.8
    assert metrics["people"] == len(groups)
    assert metrics["records"] == len(rows)
    assert metrics["created"] == len(groups)


def test_same_input_same_people_and_ids(settings, tmp_path, crowd):
    rows, _ = crowd
    population.write(settings, rows)
    run(settings)
    other = settings.model_copy(update={"home": tmp_path / "other"})
    population.write(other, list(reversed(rows)))
    run(other)
    assert population.served(settings) == population.served(other)
    assert _table(settings, "links") == _table(other, "links")


def test_unchanged_input_is_skipped_and_a_decision_is_a_change(settings, crowd):
    population.write(settings, crowd[0])
    run(settings)
    again = run(settings, "second")
    assert again["is_unchanged"]
    assert again["people"] == len(set(population.served(settings).values()))
    assert population.state(settings, "select count(*) from identity.runs") == [(1,)]
    a, b = [row["record_id"] for row in crowd[0]][:2]
    _decide(settings, a, b, "must")
    assert not run(settings, "third")["is_unchanged"]


def test_new_records_leave_known_ids(settings, crowd):
    rows, _ = crowd
    population.write(settings, rows[:-20])
    run(settings)
    before = population.served(settings)
    population.write(settings, rows)
    metrics = run(settings, "second")
    after = population.served(settings)
    assert len(after) == len(before) + 20
    assert all(after[record_id] == person_id for record_id, person_id in before.items())
    assert metrics["merged"] == metrics["split"] == 0


def test_deleted_warehouse_gives_the_same_ids_back(settings, crowd):
    population.write(settings, crowd[0])
    run(settings)
    before = population.served(settings)
    population.forget_warehouse(settings)
    population.write(settings, crowd[0])
    metrics = run(settings, "second")
    assert population.served(settings) == before
    assert not metrics["is_unchanged"]
    assert metrics["created"] == metrics["merged"] == metrics["split"] == 0


def test_rebuild_from_nothing_gives_the_same_ids(settings, crowd):
    population.write(settings, crowd[0])
    run(settings)
    before = population.served(settings)
    settings.state.unlink()
    population.forget_warehouse(settings)
    population.write(settings, crowd[0])
    run(settings, "second", retrain=True)
    assert population.served(settings) == before


def test_crash_between_state_and_warehouse_heals(settings, crowd, monkeypatch):
    rows, _ = crowd
    population.write(settings, rows[:-10])
    run(settings)
    before = population.served(settings)
    population.write(settings, rows)

    def die(*_):
        raise OSError("no space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(tables, "write_part", die)
        with pytest.raises(OSError, match="no space"):
            run(settings, "second")
    assert population.served(settings) == before
    counted = population.state(settings, "select count(*) from identity.ledger")
    metrics = run(settings, "third")
    assert not metrics["is_unchanged"]
    assert metrics["created"] == 0
    assert population.state(settings, "select count(*) from identity.ledger") == counted
    registered = dict(
        population.state(settings, "select record_id, person_id from identity.membership where to_no is null")
    )
    assert population.served(settings) == registered
    assert len(registered) == len(rows)


def test_crash_while_registering_leaves_the_state_as_it_was(settings, crowd, monkeypatch):
    population.write(settings, crowd[0][:-10])
    run(settings)
    before = population.state(settings, "select * from identity.membership order by all")
    population.write(settings, crowd[0])

    def die(*_):
        raise OSError("killed")

    with monkeypatch.context() as broken:
        broken.setattr(registry, "_write_membership", die)
        with pytest.raises(OSError, match="killed"):
            run(settings, "second")
    assert population.state(settings, "select * from identity.membership order by all") == before
    assert population.state(settings, "select run_id from identity.runs") == [("first",)]


def test_tables_are_exported_as_parquet(settings, crowd):
    population.write(settings, crowd[0])
    run(settings)
    with engine.reading(settings) as con:
        for table in TABLES:
            path = settings.root / "identity" / f"{table}.parquet"
            assert con.execute(
                f"select count(*) from (select * from '{path}' except all select * from identity.{table})"
            ).fetchall() == [(0,)]


def test_empty_input_gives_empty_tables(settings):
    population.write(settings, [], [identifier("segment:anonymous:a", "anonymous_id", "a")])
    metrics = run(settings)
    assert metrics["records"] == metrics["people"] == 1
    assert len(population.served(settings)) == 1


def test_must_link_joins_and_cannot_link_parts_for_good(settings, crowd):
    strangers = [
        contact("hubspot:contacts:x", first_name="Ada", last_name="Byron", email_std="ada@example.com"),
        contact("segment:users:y", first_name="Augusta", last_name="King", email_std="countess@example.com"),
    ]
    twice = [
        contact("mailer:subscribers:s", first_name="Alan", last_name="Turing", email_std="alan@example.com"),
        contact("receipts:members:t", first_name="Alan", last_name="Turing", email_std="alan@example.com"),
    ]
    rows = crowd[0] + strangers + twice
    population.write(settings, rows)
    run(settings)
    before = population.served(settings)
    assert before["hubspot:contacts:x"] != before["segment:users:y"]
    assert before["mailer:subscribers:s"] == before["receipts:members:t"]
    _decide(settings, "segment:users:y", "hubspot:contacts:x", "must")
    _decide(settings, "mailer:subscribers:s", "receipts:members:t", "cannot")
    for run_id in ("second", "third"):
        run(settings, run_id, retrain=run_id == "third")
        after = population.served(settings)
        assert after["hubspot:contacts:x"] == after["segment:users:y"]
        assert after["mailer:subscribers:s"] != after["receipts:members:t"]


def _decide(settings, record_id_l, record_id_r, decision):
    with engine.writing_state(settings) as con:
        decisions.record(
            con,
            record_id_l,
            record_id_r,
            decision=decision,
            who="steward",
            decided_at=datetime(2017, 6, 1),
            why="asked",
        )


def _table(settings, name):
    with engine.reading(settings) as con:
        return con.execute(f"select * from identity.{name} order by all").fetchall()

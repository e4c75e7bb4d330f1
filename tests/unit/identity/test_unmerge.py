"""Unmerge: afterwards the person really is two people, whatever is run later; or it says that it is not."""

import pytest

from orchestration.identity import blast_radius, decisions, hypothesis, tables
from orchestration.identity.resolve import resolve
from orchestration.identity.unmerge import UnmergeError, prepare, unmerge, verify
from orchestration.warehouse import engine
from tests.unit.identity import easy_solver, population
from tests.unit.identity.population import contact

ONE = ("hubspot:contacts:1", "mailer:subscribers:1")
OTHER = ("hubspot:contacts:2", "receipts:members:2", "segment:users:2")
STRANGER = "hubspot:contacts:9"


def rows():
    """One e-mail for two people, and somebody else."""
    return [contact(r, first_name=r.split(":")[0], email_std="shared@example.com") for r in (*ONE, *OTHER)] + [
        contact(STRANGER, email_std="other@example.com")
    ]


@pytest.fixture
def merged(settings, monkeypatch):
    """A home where two people are served as one; returns it with the person's id."""
    easy_solver.install(monkeypatch)
    population.write(settings, rows())
    resolve(settings, as_of=None, run_id="first")
    return settings, population.served(settings)[ONE[0]]


def take_apart(settings, person, records=OTHER):
    return unmerge(settings, prepare(settings, person, list(records)), who="ada", why="twins", run_id="unmerge")


def sides(settings):
    people = population.served(settings)
    return [{people[record] for record in side} for side in (ONE, OTHER)]


def test_two_people_are_served_and_state_agrees(merged):
    settings, person = merged
    stays, became = take_apart(settings, person)
    one, other = sides(settings)
    assert (len(one), len(other)) == (1, 1)
    assert one == {stays} == {person}
    assert other == {became}
    assert population.served(settings) == dict(
        population.state(settings, "select record_id, person_id from identity.membership where to_no is null")
    )
    with engine.reading(settings) as con:
        counts = con.execute("select count_records from identity.people where person_id in (?, ?)", [stays, became])
        assert sorted(counts.fetchall()) == [(2,), (3,)]
        assert con.execute("select person_id from identity.ledger where event = 'split'").fetchall() == [(person,)]
        assert con.execute("select count(*) from identity.links where rule = 'email'").fetchall() == [(1,)]
    ledger = "select event, cause, rule from identity.ledger where run_id = 'unmerge' and event = 'split'"
    assert population.state(settings, ledger) == [("split", "decision", "steward")]


def test_undoing_a_merge_gives_both_ids_back(merged):
    settings, _ = merged
    population.write(settings, [row | {"email_std": f"{row['record_id']}@example.com"} for row in rows()])
    resolve(settings, as_of=None, run_id="apart")
    for run_id, low, high in (("one", *ONE), ("other", OTHER[0], OTHER[1]), ("both", ONE[0], OTHER[0])):
        with engine.writing_state(settings) as con:
            decisions.record(con, low, high, decision="must", who="ada", why=run_id)
        before = population.served(settings)
        resolve(settings, as_of=None, run_id=run_id)
    with engine.writing_state(settings) as con:
        decisions.withdraw(con, ONE[0], OTHER[0], who="ada", why="no")
    assert population.served(settings)[ONE[0]] == population.served(settings)[OTHER[0]]
    take_apart(settings, ONE[0], OTHER[:2])
    after = population.served(settings)
    assert {r: after[r] for r in (*ONE, *OTHER[:2])} == {r: before[r] for r in (*ONE, *OTHER[:2])}


def test_parquet_and_warehouse_stay_in_step(merged):
    settings, person = merged
    take_apart(settings, person)
    with engine.reading(settings) as con:
        for table in tables.TABLES:
            path = settings.root / "identity" / f"{table}.parquet"
            for query in (
                f"from '{path}' except all from identity.{table}",
                f"from identity.{table} except all from '{path}'",
            ):
                assert con.execute(query).fetchall() == [], table


@pytest.mark.parametrize("retrain", [False, True])
def test_it_survives_reruns_retraining_and_a_rebuild(merged, retrain):
    settings, person = merged
    take_apart(settings, person)
    after = population.served(settings)
    metrics = resolve(settings, as_of=None, run_id="next", retrain=retrain)
    assert not metrics["is_unchanged"]
    assert metrics["split"] == metrics["merged"] == metrics["moved"] == 0
    assert population.served(settings) == after
    population.forget_warehouse(settings)
    population.write(settings, rows())
    resolve(settings, as_of=None, run_id="rebuilt")
    assert population.served(settings) == after


def test_every_record_of_one_side_is_kept_from_every_one_of_the_other(merged):
    settings, person = merged
    take_apart(settings, person)
    with engine.writing_state(settings) as con:
        found = decisions.standing(con)
    assert {tuple(sorted((a, b))) for a in ONE for b in OTHER} == {p for p, kind in found.items() if kind == "cannot"}


def test_a_second_unmerge_cuts_through_what_the_first_kept_together(merged):
    settings, person = merged
    _, other = take_apart(settings, person)
    unmerge(settings, prepare(settings, other, [OTHER[0]]), who="ada", why="three", run_id="again")
    resolve(settings, as_of=None, run_id="next")
    people = population.served(settings)
    assert len({people[ONE[0]], people[OTHER[0]], people[OTHER[1]]}) == 3
    assert people[OTHER[1]] == people[OTHER[2]]


@pytest.mark.parametrize(
    ("records", "part"),
    [
        pytest.param([STRANGER], f"{STRANGER}: no record of p_", id="not the person's"),
        pytest.param([*ONE, *OTHER], "not all: the others stay", id="all of them"),
        pytest.param([], "not all: the others stay", id="none of them"),
    ],
)
def test_what_cannot_be_taken_apart_is_refused_and_nothing_is_written(merged, records, part):
    settings, person = merged
    with pytest.raises(UnmergeError, match=part):
        take_apart(settings, person, records)
    assert population.state(settings, "select count(*) from identity.decisions") == [(0,)]


def test_a_steward_who_joined_them_has_to_withdraw_that_first(merged):
    settings, person = merged
    with engine.writing_state(settings) as con:
        decisions.record(con, ONE[0], OTHER[0], decision="must", who="bob", why="same")
    with pytest.raises(
        UnmergeError, match=f"bob decided .*tessera decide withdraw {OTHER[0] if OTHER[0] < ONE[0] else ONE[0]}"
    ):
        take_apart(settings, person)


def test_an_alias_or_a_record_names_the_person_as_well(merged):
    settings, person = merged
    assert prepare(settings, ONE[1], list(OTHER)).person_id == person


def test_a_split_that_did_not_take_is_no_success(merged, monkeypatch):
    settings, person = merged
    monkeypatch.setattr(tables, "write_part", lambda *_: None)
    with pytest.raises(UnmergeError, match="is not served as two"):
        take_apart(settings, person)


def test_a_missing_profile_is_no_success(merged):
    settings, person = merged
    with engine.writing(settings) as con:
        con.execute("create schema profile; create table profile.people as select person_id from identity.people")
    asked = prepare(settings, person, list(OTHER))
    with pytest.raises(UnmergeError, match="no profile of p_"):
        unmerge(settings, asked, who="ada", why="twins", run_id="unmerge")
    with engine.writing(settings) as con:
        con.execute("create or replace table profile.people as select person_id from identity.people")
    verify(settings, asked)


def test_a_warehouse_behind_state_is_refused(merged):
    settings, person = merged
    with engine.writing(settings) as con:
        con.execute("update identity.current_run set run_id = 'older'")
    with pytest.raises(UnmergeError, match="tessera run hourly"):
        take_apart(settings, person)


def test_the_blast_radius_tells_what_would_change_and_changes_nothing(merged):
    settings, person = merged
    before = population.served(settings)
    with engine.writing(settings) as con:
        con.execute(
            "create table conformed.interactions as select unnest(['hubspot:contacts:2', 'hubspot:contacts:9']) as "
            "record_id, 'email' as channel, 'sent' as interaction_type, date '2017-03-01' as event_date"
        )
    asked = prepare(settings, person, list(OTHER))
    radius = blast_radius.measure(settings, asked.change, since_run=asked.since_run)
    assert (radius.count_people_before, radius.count_people_after) == (1, 2)
    assert list(radius.messages.values()) == [1]
    assert "profiles: not built yet" in radius.told()
    assert population.served(settings) == before
    assert not hypothesis.refresh_profiles(
        settings, asked.change.partition.select(["record_id"]).rename_columns(["person_id"])
    )


def test_a_held_person_who_is_taken_apart_leaves_two_held(merged):
    from orchestration.identity import holds

    settings, person = merged
    holds.place(settings, person, who="ada", why="complaint")
    both = take_apart(settings, person)
    assert set(both) <= set(holds.everybody(settings))

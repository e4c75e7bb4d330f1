"""The ledger and the past: every partition can be read again, every change says why, every id resolves."""

from datetime import date, datetime

import pyarrow as pa
import pytest

from orchestration.identity import decisions, history, registry
from orchestration.identity import state as identity_state
from orchestration.identity.state import Run
from orchestration.warehouse import engine

_DAYS = {"first": 1, "second": 2, "third": 3, "fourth": 4}


def give(settings, run_id, groups, links=(), **more):
    """Apply a partition given as label -> letters on day N of June 2017; returns letter -> person."""
    day = _DAYS[run_id]
    run = Run(run_id, more.pop("model", "1"), date(2017, 6, day), recorded_at=datetime(2026, 1, day, 8), **more)
    rows = [(letter, label) for label, letters in groups.items() for letter in letters]
    partition = pa.table({"record_id": [r for r, _ in rows], "person": [p for _, p in rows]})
    evidence = pa.Table.from_pylist(
        [{"record_id_l": a, "record_id_r": b, "link_type": kind, "rule": rule, "match_weight": weight}
         for a, b, kind, rule, weight in links],
        pa.schema([("record_id_l", pa.string()), ("record_id_r", pa.string()), ("link_type", pa.string()),
                   ("rule", pa.string()), ("match_weight", pa.float64())]),
    )  # fmt: skip
    with engine.writing_state(settings) as con:
        con.execute("begin")
        identity_state.create_tables(con)
        ids, _ = registry.assign(con, partition, run, links=evidence)
        con.execute("commit")
    return {row["record_id"]: row["person_id"] for row in ids.to_pylist()}


def rows(settings, query, *values):
    with engine.writing_state(settings) as con:
        return con.execute(query, list(values)).fetchall()


def ledger(settings, run_id, event):
    return rows(
        settings,
        "select person_id, other_person_id, cause, record_id_l, record_id_r, rule, match_weight "
        "from identity.ledger where run_id = ? and event = ? order by all",
        run_id,
        event,
    )


def past(settings, when):
    with engine.writing_state(settings) as con:
        run = history.run_at(con, when)
        return dict(con.execute(f"select record_id, person_id from {history.partition_sql(run.run_no)}").fetchall())


@pytest.fixture
def story(settings):
    """Two people become one, one of the records goes, a third person comes, and they part again."""
    return {
        "first": give(settings, "first", {0: "abc", 3: "de"}),
        "second": give(settings, "second", {0: "abcde"}, [("a", "c", "probabilistic", "name", 9.0),
                       ("b", "d", "probabilistic", "phone", 3.0), ("c", "e", "deterministic", "crm_id", None)]),
        "third": give(settings, "third", {0: "abcd", 9: "x"}),
        "fourth": give(settings, "fourth", {0: "abc", 3: "d", 9: "x"}, model="2"),
    }  # fmt: skip


def test_every_past_partition_can_be_read_by_run_day_and_moment(settings, story):
    for run_id, day in _DAYS.items():
        assert past(settings, run_id) == story[run_id]
        assert past(settings, date(2017, 6, day)) == story[run_id]
        assert past(settings, datetime(2026, 1, day, 9)) == story[run_id]
    assert past(settings, None) == story["fourth"]
    assert past(settings, datetime(2026, 1, 2, 7, 59)) == story["first"]


def test_a_late_run_for_an_earlier_day_is_what_that_day_was(settings, story):
    with engine.writing_state(settings) as con:
        con.execute("begin")
        run = Run("restated", "2", date(2017, 6, 2), recorded_at=datetime(2026, 1, 9))
        registry.assign(con, pa.table({"record_id": ["a"], "person": [1]}), run)
        con.execute("commit")
    assert past(settings, date(2017, 6, 2)) == {"a": story["first"]["a"]}
    assert past(settings, datetime(2026, 1, 2, 9)) == story["second"]
    assert past(settings, date(2017, 6, 4)) == story["fourth"]


def test_a_merge_names_the_strongest_link_between_the_two(settings, story):
    old, survivor = story["first"]["d"], story["first"]["a"]
    assert ledger(settings, "second", "merged") == [(old, survivor, "data", "c", "e", "crm_id", None)]


def test_a_merge_through_a_new_record_names_the_link_to_it(settings):
    give(settings, "first", {0: "ab", 3: "c"})
    give(
        settings,
        "second",
        {0: "abcn"},
        [("a", "n", "probabilistic", "name", 9.0), ("c", "n", "probabilistic", "x", 2.0)],
    )
    assert [row[3:6] for row in ledger(settings, "second", "merged")] == [("c", "n", "x")]


def test_a_link_between_the_two_is_told_before_a_stronger_one_to_a_newcomer(settings):
    give(settings, "first", {0: "ab", 3: "c"})
    links = [("c", "n", "probabilistic", "name", 9.0), ("b", "c", "probabilistic", "phone", 2.0)]
    give(settings, "second", {0: "abcn"}, links)
    assert [row[3:6] for row in ledger(settings, "second", "merged")] == [("b", "c", "phone")]


def test_a_split_under_another_model_says_so(settings, story):
    assert [row[2] for row in ledger(settings, "fourth", "split")] == ["model"]


def test_a_split_because_a_record_went_names_it(settings):
    give(settings, "first", {0: "abn"})
    give(settings, "second", {0: "a", 1: "b"})
    assert [row[2:6] for row in ledger(settings, "second", "split")] == [("record gone", "n", None, "record gone")]


def test_a_split_by_a_steward_names_the_decision(settings):
    give(settings, "first", {0: "abc"})
    with engine.writing_state(settings) as con:
        decisions.record(con, "a", "c", decision="cannot", who="ada", why="twins")
    give(settings, "second", {0: "ab", 2: "c"})
    assert [row[2:6] for row in ledger(settings, "second", "split")] == [("decision", "a", "c", "steward")]


def test_a_split_that_data_alone_explains_says_so(settings):
    give(settings, "first", {0: "abc"})
    give(settings, "second", {0: "ab", 2: "c"})
    assert [row[2] for row in ledger(settings, "second", "split")] == ["data"]


def test_who_was_tells_members_events_and_the_person_now(settings, story):
    told = history.who_was(settings, story["first"]["d"], date(2017, 6, 1))
    assert "2 records" in told
    assert "\n  d\n  e\n" in told
    assert f"was merged into {story['first']['a']} with 2 records (cause: data, crm_id: c with e)" in told
    assert "gone: 1 of these records" in told


def test_an_alias_resolves_at_every_time(settings, story):
    alias, survivor = story["first"]["d"], story["first"]["a"]
    told = history.who_was(settings, alias, date(2017, 6, 3))
    assert told.startswith(f"{alias} was {survivor} then")
    with engine.writing_state(settings) as con:
        assert history.current_person(con, "d") == story["fourth"]["d"]


def test_who_was_not_there_yet_is_told(settings, story):
    told = history.who_was(settings, "x", date(2017, 6, 1))
    assert "did not exist" in told
    assert "nobody yet (1)" in told


@pytest.mark.parametrize(
    ("name", "when", "part"),
    [
        ("p_nobody", None, "no person and no record"),
        ("a", date(2017, 5, 1), "the first is as of 2017-06-01"),
        ("a", "no-such-run", "tessera identity runs"),
    ],
)
def test_what_cannot_be_found_says_what_to_do(settings, story, name, when, part):
    with pytest.raises(history.UnknownIdError, match=part):
        history.who_was(settings, name, when)

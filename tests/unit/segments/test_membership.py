"""Stays: who came when, who left when, and what may never change them."""

from datetime import date

import pytest

from orchestration.segments.document import load_documents
from orchestration.segments.membership import FeaturesOfAnotherDayError, refresh, restore
from orchestration.segments.stays import BackdatedError
from orchestration.warehouse import engine
from tests.unit.segments.conftest import TODAY

TOMORROW = date(2018, 1, 1)
LATER = date(2018, 1, 2)


def _refresh(settings, folder, as_of=TODAY, **kwargs):
    valid, errors = load_documents(folder)
    assert not errors
    return refresh(settings, valid, as_of, f"run of {as_of}", **kwargs)


def _day(settings, as_of, *statements):
    """The pipeline reaches a day: features look from it, and the statements happen."""
    with engine.writing(settings) as con:
        con.execute("update features.people set as_of_date = ?", [as_of])
        for statement in statements:
            con.execute(statement)


def _stays(settings):
    with engine.reading(settings) as con:
        ledger = con.execute("from state.segments.stays order by all").fetchall()
        assert con.execute("from segments.membership order by all").fetchall() == ledger
        return [stay[:4] for stay in ledger]


@pytest.fixture
def ohio(write):
    return write("ohio", "{attribute: state, eq: OH}")


def test_people_enter_and_leave_on_the_day_of_the_run(town, folder, ohio):
    assert _refresh(town, folder) == {"ohio": {"size": 2, "entered": 2, "left": 0}}
    moves = ("update profile.people set state = 'NY' where person_id = 'p1'",
             "update profile.people set state = 'OH' where person_id = 'p3'")  # fmt: skip
    _day(town, TOMORROW, *moves)
    assert _refresh(town, folder, TOMORROW) == {"ohio": {"size": 2, "entered": 1, "left": 1}}
    assert _stays(town) == [
        ("ohio", "p1", TODAY, TOMORROW),
        ("ohio", "p2", TODAY, None),
        ("ohio", "p3", TOMORROW, None),
    ]


def test_who_comes_back_has_two_stays(town, folder, ohio):
    _refresh(town, folder)
    _day(town, TOMORROW, "update profile.people set state = 'NY' where person_id = 'p1'")
    _refresh(town, folder, TOMORROW)
    _day(town, LATER, "update profile.people set state = 'OH' where person_id = 'p1'")
    _refresh(town, folder, LATER)
    assert _stays(town)[:2] == [("ohio", "p1", TODAY, TOMORROW), ("ohio", "p1", LATER, None)]


def test_the_same_day_again_changes_nothing(town, folder, ohio):
    first = _refresh(town, folder)
    before = _stays(town)
    assert _refresh(town, folder) == first
    assert _stays(town) == before


def test_the_same_day_with_corrected_data_leaves_no_trace_of_the_mistake(town, folder, ohio):
    _refresh(town, folder)
    _day(town, TOMORROW, "update profile.people set state = case when person_id = 'p1' then 'NY' else 'OH' end")
    _refresh(town, folder, TOMORROW)
    _day(
        town, TOMORROW, "update profile.people set state = case when person_id in ('p1', 'p2') then 'OH' else 'NY' end"
    )
    assert _refresh(town, folder, TOMORROW) == {"ohio": {"size": 2, "entered": 0, "left": 0}}
    assert _stays(town) == [("ohio", "p1", TODAY, None), ("ohio", "p2", TODAY, None)]


def test_a_day_before_the_last_one_is_refused(town, folder, ohio):
    _day(town, TOMORROW)
    _refresh(town, folder, TOMORROW)
    before = _stays(town)
    _day(town, TODAY)
    with pytest.raises(BackdatedError, match=r"last computed as of 2018-01-01.*as of 2017-12-31"):
        _refresh(town, folder, TODAY)
    assert _stays(town) == before


def test_features_of_another_day_are_refused(town, folder, ohio):
    with pytest.raises(FeaturesOfAnotherDayError, match="build the features as of 2018-01-01 first"):
        _refresh(town, folder, TOMORROW)


def test_a_rebuilt_warehouse_gets_its_history_back(town, folder, ohio):
    _refresh(town, folder)
    before = _stays(town)
    with engine.writing(town) as con:
        con.execute("drop schema segments cascade")
    restore(town)
    assert _stays(town) == before


def test_a_table_that_did_not_change_is_not_written(town, folder, ohio):
    _refresh(town, folder)
    before = town.warehouse.stat().st_mtime_ns
    _refresh(town, folder)
    assert town.warehouse.stat().st_mtime_ns == before


def test_merged_people_bring_their_stays_to_the_survivor(town, folder, ohio):
    _refresh(town, folder)
    _day(town, TOMORROW, "update profile.people set state = 'NY' where person_id = 'p1'")
    _refresh(town, folder, TOMORROW)
    with engine.writing_state(town) as con:
        con.execute("create schema identity; create table identity.aliases (person_id varchar, survivor_id varchar)")
        con.execute("insert into identity.aliases values ('p2', 'p1')")
    merge = ("delete from profile.people where person_id = 'p2'",
             "update profile.people set state = 'OH' where person_id = 'p1'")  # fmt: skip
    _day(town, LATER, *merge)
    assert _refresh(town, folder, LATER) == {"ohio": {"size": 1, "entered": 0, "left": 0}}
    # p1 left, p2 stayed: together they never left.
    assert _stays(town) == [("ohio", "p1", TODAY, None)]
    assert _refresh(town, folder, LATER)["ohio"] == {"size": 1, "entered": 0, "left": 0}


def test_stays_of_merged_people_that_do_not_touch_stay_apart(town, folder, ohio):
    _refresh(town, folder)
    with engine.writing_state(town) as con:
        con.execute(
            "update segments.stays set entered_date = '2017-03-01', left_date = '2017-04-01' where person_id = 'p1'"
        )
        con.execute("create schema identity; create table identity.aliases (person_id varchar, survivor_id varchar)")
        con.execute("insert into identity.aliases values ('p1', 'p2')")
    _day(town, TODAY, "delete from profile.people where person_id = 'p1'")
    _refresh(town, folder)
    assert _stays(town) == [("ohio", "p2", date(2017, 3, 1), date(2017, 4, 1)), ("ohio", "p2", TODAY, None)]


def test_a_person_who_is_gone_has_left(town, folder, ohio):
    _refresh(town, folder)
    _day(town, TOMORROW, "delete from profile.people where person_id = 'p1'")
    assert _refresh(town, folder, TOMORROW)["ohio"] == {"size": 1, "entered": 0, "left": 1}


def test_only_active_segments_have_members(town, folder, ohio, write):
    _refresh(town, folder)
    write("ohio", "{attribute: state, eq: OH}", status="draft")
    _day(town, TOMORROW)
    assert _refresh(town, folder, TOMORROW) == {"ohio": {"size": 0, "entered": 0, "left": 2}}
    assert {left for *_, left in _stays(town)} == {TOMORROW}


def test_a_document_nobody_can_read_empties_no_audience(town, folder, ohio, write):
    _refresh(town, folder)
    ohio.write_text(ohio.read_text().replace("state", "stat"))
    write("ny", "{attribute: state, eq: NY}")
    _day(town, TOMORROW)
    valid, errors = load_documents(folder)
    assert [error.file.stem for error in errors] == ["ohio"]
    refresh(town, valid, TOMORROW, "r", known={"ohio", "ny"})
    assert [(segment, person) for segment, person, _, left in _stays(town) if left is None] == [
        ("ny", "p3"),
        ("ohio", "p1"),
        ("ohio", "p2"),
    ]


def test_the_stays_of_a_deleted_document_end(town, folder, ohio, write):
    _refresh(town, folder)
    ohio.unlink()
    write("ny", "{attribute: state, eq: NY}")
    _day(town, TOMORROW)
    _refresh(town, folder, TOMORROW, known={"ny"})
    assert [left for segment, *_, left in _stays(town) if segment == "ohio"] == [TOMORROW, TOMORROW]


def test_no_segment_at_all_leaves_an_empty_table(town, folder):
    assert _refresh(town, folder) == {}
    assert _stays(town) == []


def test_a_large_segment_after_an_empty_one_keeps_its_people(town, folder, write):
    count = 250_000
    with engine.writing(town) as con:
        con.execute(
            "insert into profile.people by name select 'x' || i as person_id, 'TX' as state, true as is_identified "
            f"from range({count}) as t(i)"
        )
        con.execute(
            "insert into features.people by name select 'x' || i as person_id, ? as as_of_date "
            f"from range({count}) as t(i)",
            [TODAY],
        )
    write("a_nobody", "{attribute: state, eq: ZZ}")
    write("texas", "{attribute: state, eq: TX}")
    assert _refresh(town, folder)["texas"] == {"size": count, "entered": count, "left": 0}
    assert len(_stays(town)) == count

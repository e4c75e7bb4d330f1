"""Why people came and went, as the ledger keeps it, and what `tessera why-segment` says of it."""

from datetime import date

import pytest

from orchestration.segments.document import load_documents
from orchestration.segments.explain import why, why_text
from orchestration.segments.membership import refresh
from orchestration.segments.snapshot import file, take
from orchestration.warehouse import engine
from tests.unit.segments.conftest import TODAY

TOMORROW = date(2018, 1, 1)


def _run(settings, folder, as_of, known=None):
    """What a run does: membership, then the snapshot that the next one compares with."""
    valid, errors = load_documents(folder)
    assert not errors
    refresh(settings, valid, as_of, f"run of {as_of}", known)
    take(settings, valid, as_of)


def _tomorrow(settings, *statements):
    with engine.writing(settings) as con:
        con.execute("update features.people set as_of_date = ?", [TOMORROW])
        for statement in statements:
            con.execute(statement)


def _because(settings):
    """Reasons by person: of the leave where there is one, else of the entry."""
    with engine.reading(settings) as con:
        rows = con.execute(
            "select person_id, coalesce(left_because, entered_because) from segments.membership"
        ).fetchall()
    return dict(rows)


def test_at_first_the_segment_is_new(town, folder, write):
    write("ohio", "{attribute: state, eq: OH}")
    _run(town, folder, TODAY)
    assert _because(town) == dict.fromkeys(("p1", "p2"), "the segment is new")


def test_a_clause_that_changed_is_told_with_what_it_is_and_was(town, folder, write):
    write("recent", "{and: [{attribute: state, eq: OH}, {feature: recency_days, lte: 30}]}")
    _run(town, folder, TODAY)
    _tomorrow(town, "update features.people set recency_days = case person_id when 'p1' then 31 when 'p2' then 1 end")
    _run(town, folder, TOMORROW)
    assert _because(town) == {
        "p1": "no longer recency_days is at most 30 (31, was 3)",
        "p2": "now recency_days is at most 30 (1, was 60)",
    }


def test_each_of_several_clauses_is_told_and_no_other(town, folder, write):
    write("buyers", "{or: [{did: order, within_days: 5}, {did: return, within_days: 3}, {attribute: state, eq: TX}]}")
    _run(town, folder, TODAY)
    _tomorrow(town, "delete from conformed.orders where record_id = 'r1'")
    _run(town, folder, TOMORROW)
    assert _because(town)["p1"] == "no longer order within 5 days (0, was 1); no longer return within 3 days (0, was 1)"


def test_acts_that_grow_old_are_a_reason(town, folder, write):
    write("buyers", "{did: order, within_days: 4}")
    _run(town, folder, TODAY)
    _tomorrow(town, "delete from conformed.orders where order_id = 'o5'")
    _run(town, folder, TOMORROW)
    assert _because(town) == {"p1": "no longer order within 4 days (0, was 1)"}


def test_texts_of_people_are_not_kept(town, folder, write):
    write("ohio", "{attribute: state, eq: OH}")
    _run(town, folder, TODAY)
    _tomorrow(town, "update profile.people set state = 'NV' where person_id = 'p1'")
    _run(town, folder, TOMORROW)
    assert _because(town)["p1"] == "no longer state is OH"


def test_exclusions_and_priorities_are_reasons(town, folder, write):
    write("first", "{feature: recency_days, lte: 3}", priority_group="offer", priority=1)
    write("second", "{attribute: is_identified, eq: true}", priority_group="offer", priority=2)
    write("staff", "{attribute: state, eq: NV}", kind="exclusion")
    _run(town, folder, TODAY)
    _tomorrow(
        town,
        "update features.people set recency_days = 2 where person_id = 'p2'",
        "update profile.people set state = 'NV' where person_id = 'p3'",
    )
    _run(town, folder, TOMORROW)
    left = why(town, "p2", "second", folder)["stays"][0]
    assert left["left_because"] == "in first, which comes first in offer"
    assert why(town, "p3", "second", folder)["stays"][0]["left_because"] == "excluded by staff"


def test_a_new_exclusion_is_a_reason(town, folder, write):
    write("known", "{attribute: is_identified, eq: true}")
    _run(town, folder, TODAY)
    write("staff", "{attribute: state, eq: NY}", kind="exclusion")
    _tomorrow(town)
    _run(town, folder, TOMORROW)
    assert why(town, "p3", "known", folder)["stays"][0]["left_because"] == "excluded by staff"


def test_a_list_that_ended_is_a_reason(town, folder, write):
    (folder / "fair.csv").write_text("p1\n")
    write("fair", None, kind="list", file="fair.csv", expires_date=TODAY)
    _run(town, folder, TODAY)
    _tomorrow(town)
    _run(town, folder, TOMORROW)
    assert _because(town) == {"p1": "list fair.csv ended on 2017-12-31"}


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        pytest.param("status", "the segment is draft", id="the document is a draft again"),
        pytest.param("gone", "the segment was removed", id="the document was removed"),
        pytest.param("edited", "its document changed", id="the rules changed"),
    ],
)
def test_what_happened_to_the_document_is_a_reason(town, folder, write, happens, reason):
    document = write("ohio", "{attribute: state, eq: OH}")
    _run(town, folder, TODAY)
    _tomorrow(town)
    if happens == "gone":
        document.unlink()
    else:
        write("ohio", "{attribute: state, eq: NV}", status="draft" if happens == "status" else "active")
    _run(town, folder, TOMORROW, known={"ohio"} if happens != "gone" else set())
    assert set(_because(town).values()) == {reason}


def test_people_who_are_new_and_people_who_are_gone(town, folder, write):
    write("ohio", "{attribute: state, eq: OH}")
    _run(town, folder, TODAY)
    _tomorrow(
        town,
        "insert into profile.people by name select 'p5' as person_id, 'OH' as state",
        "delete from profile.people where person_id = 'p1'",
    )
    _run(town, folder, TOMORROW)
    assert _because(town) | {"p2": None} == {"p1": "the person is gone", "p2": None, "p5": "the person is new"}


def test_without_the_snapshot_of_before_the_reason_is_not_known(town, folder, write):
    write("ohio", "{attribute: state, eq: OH}")
    _run(town, folder, TODAY)
    file(town).unlink()
    _tomorrow(town, "update profile.people set state = 'NV' where person_id = 'p1'")
    _run(town, folder, TOMORROW)
    assert _because(town)["p1"] == "not known: there is no earlier run to compare with"


def test_a_person_s_history_can_be_read(town, folder, write):
    write("recent", "{feature: recency_days, lte: 30}")
    _run(town, folder, TODAY)
    _tomorrow(town, "update features.people set recency_days = 31 where person_id = 'p1'")
    _run(town, folder, TOMORROW)
    assert why_text(town, "p1", "recent", folder).splitlines() == [
        "p1 is not in recent, as of 2018-01-01",
        "no    recency_days is at most 30  (31)",
        "came 2017-12-31: the segment is new",
        "left 2018-01-01: no longer recency_days is at most 30 (31, was 3)",
    ]


def test_a_ledger_of_before_reasons_were_kept_goes_on(town, folder, write):
    write("ohio", "{attribute: state, eq: OH}")
    with engine.writing_state(town) as con:
        con.execute(
            "create schema segments; "
            "create table segments.stays (segment varchar, person_id varchar, entered_date date, left_date date); "
            "create table segments.runs (segment varchar, as_of date, run_id varchar, count_members bigint, "
            "count_entered bigint, count_left bigint); "
            "insert into segments.stays values ('ohio', 'p4', '2017-12-30', null); "
            "insert into segments.runs values ('ohio', '2017-12-30', 'r', 1, 1, 0)"
        )
    _run(town, folder, TODAY)
    unknown = "not known: there is no earlier run to compare with"
    assert _because(town) == {"p1": unknown, "p2": unknown, "p4": unknown}


def test_a_snapshot_that_lacks_a_table_stops_no_run(town, folder, write):
    write("known", "{attribute: is_identified, eq: true}")
    _run(town, folder, TODAY)
    with engine.writing(town) as con:
        con.execute("create schema scores; create table scores.people as from (values ('p3', 0.9)) "
                    "as t(person_id, churn_probability_28d)")  # fmt: skip
    write("leaving", "{score: churn_probability_28d, gte: 0.5}", kind="exclusion")
    _tomorrow(town)
    _run(town, folder, TOMORROW)
    assert why(town, "p3", "known", folder)["stays"][0]["left_because"] == (
        "not known: there is no earlier run to compare with"
    )

"""Lists, models, exclusions, priorities and scores: who is in, and what a document must say."""

from datetime import date

import pytest

from orchestration.segments import declaration
from orchestration.segments.document import load_documents
from orchestration.segments.explain import why_text
from orchestration.segments.membership import evaluate, refresh
from orchestration.segments.preview import preview
from orchestration.segments.snapshot import take
from orchestration.segments.telling import preview_text
from orchestration.segments.viewpoint import NothingToPreviewError
from orchestration.warehouse import engine
from orchestration.warehouse.macros import render
from tests.unit.segments.conftest import TODAY

EVERYBODY = "{attribute: is_identified, is_null: false}"
TOMORROW = date(2018, 1, 1)


def _members(settings, folder, name, as_of=TODAY):
    valid, errors = load_documents(folder)
    assert not errors
    wanted = [segment for segment in valid if segment.name == name]
    return {row["person_id"] for row in evaluate(settings, wanted, valid, as_of).to_pylist() if row["s0"]}


def _errors(folder):
    return [(error.line, error.message) for error in load_documents(folder)[1]]


@pytest.fixture
def listed(write, folder):
    """`listed(name, text)` writes a CSV and the list that names it, which ends on the last day of 2017."""

    def _listed(name, text, **fields):
        (folder / f"{name}.csv").write_text(text)
        return write(name, None, **({"kind": "list", "file": f"{name}.csv", "expires_date": TODAY} | fields))

    return _listed


@pytest.fixture
def identifiers(town):
    """The town with identifiers as sources gave them, cleaned."""
    with engine.writing(town) as con:
        con.execute(
            "create table conformed.identifiers as from (values ('r1', 'email', 'anna@gmail.com'), "
            "('r2', 'phone', '+15853189281'), ('w3', 'loyalty_number', '4711'), "
            "('r1', 'email', 'shared@mail.example'), ('r2', 'email', 'shared@mail.example')) "
            "as t(record_id, identifier_type, identifier_value)"
        )
    return town


@pytest.mark.parametrize(
    ("row", "person"),
    [
        pytest.param("p1", "p1", id="person id"),
        pytest.param("w4", "p4", id="record id"),
        pytest.param(" A.nna+news@GoogleMail.com ", "p1", id="e-mail in any spelling"),
        pytest.param("(585) 318-9281", "p2", id="phone in any spelling"),
        pytest.param("47-11", "p3", id="loyalty number in any spelling"),
    ],
)
def test_a_list_finds_people_by_any_identifier(identifiers, listed, folder, row, person):
    listed("fair", f"{row}\n")
    assert _members(identifiers, folder, "fair") == {person}


def test_a_list_finds_people_by_the_id_they_had_before_they_were_merged(identifiers, listed, folder):
    with engine.writing_state(identifiers) as con:
        con.execute("create schema identity; create table identity.aliases (person_id varchar, survivor_id varchar)")
        con.execute("insert into identity.aliases values ('p9', 'p1')")
    listed("fair", "p9\n")
    assert _members(identifiers, folder, "fair") == {"p1"}


def test_a_preview_of_a_list_tells_match_rate_and_each_row_that_is_nobody_s(identifiers, listed):
    file = listed("fair", "name,email\nAnna,ANNA@gmail.com\nX,nobody@mail.example\nY,\nZ,shared@mail.example\n")
    seen = preview(identifiers, file)
    assert seen["size"] == 1
    assert seen["list"] == {"rows": 3, "matched": 1, "match_rate": 0.3333,
                            "unmatched": [(3, "nobody has it"), (5, "belongs to 2 people")]}  # fmt: skip
    text = preview_text(identifiers, file)
    assert "rows matched: 1 of 3, 33.3%\n  line 3: nobody has it\n  line 5: belongs to 2 people\n" in text
    assert "nobody@" not in text


def test_a_row_that_fits_several_people_brings_none_of_them(identifiers, listed, folder):
    listed("fair", "shared@mail.example\n")
    assert _members(identifiers, folder, "fair") == set()


def test_a_list_has_members_until_its_last_day_and_none_after(identifiers, listed, folder):
    listed("fair", "p1\np2\n")
    assert _members(identifiers, folder, "fair", TODAY) == {"p1", "p2"}
    with engine.writing(identifiers) as con:
        con.execute("update features.people set as_of_date = ?", [TOMORROW])
    assert _members(identifiers, folder, "fair", TOMORROW) == set()


def test_a_list_is_cleaned_by_the_macros_of_the_pipeline():
    assert "googlemail" in render("email_std", "value")
    assert render("phone_e164", "value") == "phone_e164(value, 'US')"


def test_a_list_that_is_not_there_is_named(write, folder):
    write("fair", None, kind="list", file="fare.csv", expires_date=TODAY)
    [(line, message)] = _errors(folder)
    assert line == 10
    assert "there is no" in message
    assert "fare.csv" in message


def test_people_of_an_exclusion_are_in_no_other_segment_but_in_itself(town, folder, write):
    write("all", EVERYBODY)
    write("staff", "{attribute: state, eq: NY}", kind="exclusion")
    assert _members(town, folder, "all") == {"p1", "p2", "p4"}
    assert _members(town, folder, "staff") == {"p3"}


def test_an_exclusion_may_name_the_segments_it_is_for(town, folder, write):
    write("all", EVERYBODY)
    write("mailed", EVERYBODY)
    write("staff", "{attribute: state, eq: NY}", kind="exclusion", excluded_from="[mailed]")
    assert _members(town, folder, "all") == {"p1", "p2", "p3", "p4"}
    assert _members(town, folder, "mailed") == {"p1", "p2", "p4"}


def test_an_exclusion_excludes_once_it_is_active(town, folder, write):
    write("all", EVERYBODY)
    write("staff", "{attribute: state, eq: NY}", status="draft", kind="exclusion")
    assert _members(town, folder, "all") == {"p1", "p2", "p3", "p4"}


def test_an_exclusion_nobody_can_read_freezes_segments_and_lets_nobody_back(town, folder, write):
    write("all", EVERYBODY)
    staff = write("staff", "{attribute: state, eq: NY}", kind="exclusion")
    valid, _ = load_documents(folder)
    refresh(town, valid, TODAY, "r", known={"all", "staff"})
    staff.write_text(staff.read_text().replace("state", "stat"))
    valid, errors = load_documents(folder)
    assert {error.file.stem for error in errors} == {"all", "staff"}
    assert refresh(town, valid, TODAY, "r", known={"all", "staff"}) == {}
    with engine.reading(town) as con:
        kept = con.execute("select person_id from segments.membership where segment = 'all' order by 1").fetchall()
    assert kept == [("p1",), ("p2",), ("p4",)]


def test_an_exclusion_works_on_when_what_it_guards_is_broken(folder, write):
    write("staff", "{attribute: state, eq: NY}", kind="exclusion", excluded_from="[mailed]")
    write("mailed", "{attribute: stat, eq: NY}")
    assert [segment.name for segment in load_documents(folder)[0]] == ["staff"]


def test_of_a_group_each_person_is_in_the_first_segment_that_fits(town, folder, write):
    write("third", EVERYBODY, priority_group="offer", priority=3)
    write("first", "{did: order, at_least: 2}", priority_group="offer", priority=1)
    write("second", "{attribute: state, eq: OH}", priority_group="offer", priority=2)
    write("other", EVERYBODY, priority_group="survey", priority=1)
    assert _members(town, folder, "first") == {"p1"}
    assert _members(town, folder, "second") == {"p2"}
    assert _members(town, folder, "third") == {"p3", "p4"}
    assert _members(town, folder, "other") == {"p1", "p2", "p3", "p4"}


def test_who_is_excluded_from_the_first_goes_to_the_next(town, folder, write):
    write("first", EVERYBODY, priority_group="offer", priority=1)
    write("second", EVERYBODY, priority_group="offer", priority=2)
    write("staff", "{attribute: state, eq: NY}", kind="exclusion", excluded_from="[first]")
    assert _members(town, folder, "first") == {"p1", "p2", "p4"}
    assert _members(town, folder, "second") == {"p3"}


def test_two_segments_cannot_have_one_place_of_a_group(folder, write):
    write("first", EVERYBODY, priority_group="offer", priority=1)
    write("second", EVERYBODY, priority_group="offer", priority=1)
    assert _errors(folder) == [(10, "priority 1 of group offer is that of 'first'")]


def test_a_preview_tells_whom_exclusions_and_earlier_segments_take(town, folder, write):
    write("first", "{did: order, at_least: 2}", priority_group="offer", priority=1)
    write("staff", "{attribute: state, eq: NY}", kind="exclusion")
    seen = preview(town, write("second", EVERYBODY, priority_group="offer", priority=2))
    assert seen["size"] == 2
    assert seen["withheld"] == {"staff": 1, "first": 1}


@pytest.fixture
def model(monkeypatch, tmp_path):
    """A dbt model segments__by_hand; returns its SQL file."""
    monkeypatch.setattr(declaration, "MODELS", tmp_path)
    sql = tmp_path / "segments__by_hand.sql"
    sql.write_text("select person_id from {{ ref('profile__people') }}")
    return sql


def test_a_model_says_who_is_in_when_rules_cannot(town, folder, write, model):
    write("vip", None, kind="model", model="segments__by_hand")
    with engine.writing(town) as con:
        con.execute("create schema segments; create table segments.by_hand as select 'p2' as person_id")
    assert _members(town, folder, "vip") == {"p2"}


def test_a_model_that_was_not_built_says_what_to_run_and_stops_no_other(town, folder, write, model):
    file = write("vip", None, kind="model", model="segments__by_hand")
    write("ohio", "{attribute: state, eq: OH}")
    with pytest.raises(NothingToPreviewError, match=r"vip needs segments[.]by_hand.*tessera run daily"):
        preview(town, file)
    valid, _ = load_documents(folder)
    metrics = refresh(town, valid, TODAY, "r")
    assert metrics["ohio"]["size"] == 2
    assert "segments.by_hand" in metrics["vip"]["lacking"]


def test_a_score_is_compared_like_a_feature(town, folder, write):
    with engine.writing(town) as con:
        con.execute("create schema scores; create table scores.people as from (values ('p1', 0.9), ('p2', 0.4), "
                    "('p3', null)) as t(person_id, purchase_probability_28d)")  # fmt: skip
    write("likely", "{score: purchase_probability_28d, gte: 0.5}")
    write("unlikely", "{not: {score: purchase_probability_28d, gte: 0.5}}")
    assert _members(town, folder, "likely") == {"p1"}
    assert _members(town, folder, "unlikely") == {"p2", "p3", "p4"}


def test_without_scores_only_the_segments_that_need_them_wait(town, folder, write):
    write("likely", "{score: purchase_probability_28d, gte: 0.5}")
    write("ohio", "{attribute: state, eq: OH}")
    valid, _ = load_documents(folder)
    metrics = refresh(town, valid, TODAY, "r")
    assert metrics["ohio"]["size"] == 2
    assert "likely needs scores.people, which is not there yet: `tessera run daily`" in metrics["likely"]["lacking"]


@pytest.mark.parametrize(
    ("said", "line", "words"),
    [
        pytest.param(("score: churn_probabilty_28d\ngte: 0.5", {}), 10, "'churn_probability_28d'", id="score"),
        pytest.param(("score: value_tier\ngte: 0.5", {}), 11, "compares numbers and dates", id="type of a score"),
        pytest.param((None, {}), 2, "kind rules needs rules", id="nothing said"),
        pytest.param((None, {"kind": "list"}), 9, "kind list needs file", id="list without file"),
        pytest.param((EVERYBODY, {"kind": "exclusion", "model": "x"}), 9, "exactly one of", id="said twice"),
        pytest.param((EVERYBODY, {"priority": 1}), 9, "stand together", id="priority without group"),
        pytest.param((EVERYBODY, {"excluded_from": "[a]"}), 9, "belongs to kind exclusion", id="excluded_from"),
        pytest.param((EVERYBODY, {"kind": "exclusion", "excluded_from": "[al]"}), 10, "segment 'al'", id="nobody"),
        pytest.param((EVERYBODY, {"expires_date": "2018-01-01"}), 9, "only a list of a file", id="rules expire"),
        pytest.param((None, {"kind": "model", "model": "segments__x"}), 10, "no dbt model segments__x", id="model"),
        pytest.param((EVERYBODY, {"size_watch": "{max_chang: 1}"}), 9, "did you mean 'max_change'", id="watch"),
    ],
)
def test_a_mistake_in_a_kind_is_named_with_its_line(folder, write, said, line, words):
    rules, fields = said
    write("broken", rules, **fields)
    assert [found for found, message in _errors(folder) if words in message] == [line]


def test_a_model_may_not_read_the_membership_it_decides(folder, write, model):
    model.write_text("select person_id from {{ source('segments', 'membership') }}")
    write("vip", None, kind="model", model="segments__by_hand")
    assert "reads the membership" in _errors(folder)[0][1]


def test_who_is_approved_is_approved_by_somebody_on_a_day(folder, write):
    file = write("vip", EVERYBODY)
    file.write_text(file.read_text().replace("  approved_date: 2017-12-01\n", ""))
    assert _errors(folder) == [(6, "status active needs approved_date: when it was approved")]


def test_why_tells_what_takes_a_person_out(town, folder, write):
    write("all", EVERYBODY)
    write("staff", "{attribute: state, eq: NY}", kind="exclusion")
    told = why_text(town, "p3", "all", folder)
    assert told.startswith("p3 is not in all, as of 2017-12-31\nyes")
    assert told.endswith("out   excluded by staff")


def test_a_preview_on_the_snapshot_says_what_one_on_the_warehouse_says(identifiers, folder, write, listed):
    files = [
        write("ohio", "{attribute: state, eq: OH}"),
        write("lately", "{did: order, within_days: 31}"),
        write("wine", "{did: purchase, where: {department: SPIRITS}}"),
        write("cart", "{sequence: [{did: event, where: {event_type: cart_added}}, {did: order}], within_days: 1}"),
        write("recent", "{feature: recency_days, lte: 3}"),
        listed("fair", "p1\np2\nnobody1\n"),
    ]
    write("staff", "{attribute: first_name, eq: Bob}", kind="exclusion")
    valid, errors = load_documents(folder)
    assert not errors
    refresh(identifiers, valid, TODAY, "r")
    direct = [preview(identifiers, file) for file in files]
    assert take(identifiers, valid, TODAY) == 4
    assert [preview(identifiers, file) for file in files] == direct

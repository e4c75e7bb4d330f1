"""What each kind of clause selects, on the town of four people."""

from datetime import date

import pytest

from orchestration.segments.document import load_documents
from orchestration.segments.members import membership_query
from orchestration.segments.membership import evaluate
from orchestration.warehouse import engine
from tests.unit.segments.conftest import TODAY


def _members(settings, folder, name="tried", as_of=TODAY):
    valid, errors = load_documents(folder)
    assert not errors
    wanted = [segment for segment in valid if segment.name == name]
    rows = evaluate(settings, wanted, valid, as_of).to_pylist()
    return {row["person_id"] for row in rows if row["s0"]}


@pytest.mark.parametrize(
    ("rules", "people"),
    [
        pytest.param("{attribute: state, eq: OH}", "p1 p2", id="eq"),
        pytest.param("{attribute: state, ne: OH}", "p3", id="ne of a missing value is false"),
        pytest.param("{not: {attribute: state, eq: OH}}", "p3 p4", id="not turns false into true, missing or not"),
        pytest.param("{attribute: state, is_null: true}", "p4", id="is_null"),
        pytest.param("{attribute: state, is_null: false}", "p1 p2 p3", id="is known"),
        pytest.param("{attribute: state, in: [NY, KY]}", "p3", id="in"),
        pytest.param("{attribute: email, contains: '@MAIL.'}", "p1 p2", id="contains ignores case"),
        pytest.param("{attribute: first_name, starts_with: an}", "p1", id="starts_with ignores case"),
        pytest.param("{attribute: is_identified, eq: false}", "p4", id="boolean"),
        pytest.param("{attribute: birth_date, lt: 1990-01-01}", "p1", id="date"),
        pytest.param("{attribute: birth_date, gte: {days_ago: 12000}}", "p2", id="relative date"),
        pytest.param("{feature: recency_days, between: [3, 60]}", "p1 p2", id="between includes its ends"),
        pytest.param("{feature: coupon_share, gte: 0.25}", "p1", id="fraction"),
        pytest.param("{feature: count_orders_365d, lte: 4}", "p2 p3 p4", id="lte"),
        pytest.param("{did: order}", "p1 p2", id="did once, ever, and voids and returns are no orders"),
        pytest.param("{did: order, at_least: 2}", "p1", id="at least; an order of tomorrow is not known"),
        pytest.param("{did: order, at_most: 1}", "p2 p3 p4", id="at most includes never"),
        pytest.param("{did: return}", "p1", id="return"),
        pytest.param("{did: order, within_days: 60}", "p1", id="the 61st day counted back is outside"),
        pytest.param("{did: order, within_days: 61}", "p1 p2", id="the 61st day is inside"),
        pytest.param("{did: order, where: {channel: web}}", "p1", id="where"),
        pytest.param("{did: order, where: {net_amount: {gte: 20}, channel: pos}}", "p1 p2", id="where compares"),
        pytest.param("{did: purchase, where: {department: SPIRITS}}", "p1", id="what was bought"),
        pytest.param("{did: feedback, where: {is_complaint: true}}", "p2 p3", id="complained"),
        pytest.param("{did: feedback, where: {topics: {contains: staff}, sentiment: {lt: 0}}}", "p2", id="about what"),
        pytest.param("{did_not: order}", "p3 p4", id="did not"),
        pytest.param("{did_not: order, within_days: 30}", "p2 p3 p4", id="did not lately"),
        pytest.param("{first: order, within_days: 31}", "p1", id="first within"),
        pytest.param("{first: order, not_within_days: 31}", "p2", id="first longer ago"),
        pytest.param("{last: order, not_within_days: 30}", "p2", id="last longer ago; never is neither"),
        pytest.param("{last: order, within_days: 4}", "p1", id="last within"),
        pytest.param(
            "{sequence: [{did: event, where: {event_type: cart_added}}, {did: order}], within_days: 1}",
            "p1",
            id="sequence",
        ),
        pytest.param(
            "{sequence: [{did: order}, {did: event, where: {event_type: cart_added}}], within_days: 25}",
            "",
            id="a sequence has a direction and a length",
        ),
        pytest.param(
            "{sequence: [{did: order}, {did: order}], within_days: 27}", "p1", id="an act does not follow itself"
        ),
        pytest.param(
            "{sequence: [{did: interaction}, {did: order}], within_days: 12, in_last_days: 30}",
            "",
            id="the first act is too long ago",
        ),
        pytest.param("{and: [{did: order}, {attribute: is_email_consented, eq: true}]}", "p1", id="and"),
        pytest.param("{or: [{did: return}, {attribute: state, eq: NY}]}", "p1 p3", id="or"),
        pytest.param("{not: {or: [{did: return}, {attribute: state, eq: NY}]}}", "p2 p4", id="not of or"),
        pytest.param(
            "{and: [{or: [{attribute: state, eq: NY}, {attribute: state, eq: OH}]}, {not: {did: return}}]}",
            "p2 p3",
            id="nested",
        ),
    ],
)
def test_a_clause_selects(town, folder, write, rules, people):
    write("tried", rules)
    assert _members(town, folder) == set(people.split())


def test_a_segment_may_stand_in_for_its_rules(town, folder, write):
    write("ohio", "{attribute: state, eq: OH}", status="draft")
    write("buyers", "{and: [{segment: ohio}, {did: order, at_least: 2}]}")
    write("tried", "{and: [{not: {segment: buyers}}, {attribute: is_identified, eq: true}]}")
    assert _members(town, folder) == {"p2", "p3"}


def test_the_same_rules_look_back_from_any_day(town, folder, write):
    write("tried", "{did: order, within_days: 5}")
    valid, _ = load_documents(folder)
    with engine.reading(town) as con:
        rows = con.execute(membership_query(valid, valid, date(2017, 11, 3))).fetchall()
    assert {person for person, is_in in rows if is_in} == {"p2"}


_ATTACKS = [
    "x' or '1'='1",
    "'; drop table profile.people; --",
    '" or ""="',
    "\\' or 1=1 --",
    "x') union select person_id, true from profile.people --",
    "${jndi}",
    "%' or 1=1 --",
    "\u2019 or 1=1",
]


@pytest.mark.parametrize("attack", _ATTACKS, ids=range(len(_ATTACKS)))
@pytest.mark.parametrize("shape", ["eq", "in", "contains", "where"])
def test_no_value_becomes_sql(town, folder, write, attack, shape):
    import json

    quoted = json.dumps(attack)
    rules = {
        "eq": f"{{attribute: state, eq: {quoted}}}",
        "in": f"{{attribute: state, in: [{quoted}]}}",
        "contains": f"{{attribute: state, contains: {quoted}}}",
        "where": f"{{did: order, where: {{channel: {quoted}}}}}",
    }[shape]
    write("tried", rules)
    assert _members(town, folder) == set()
    with engine.reading(town) as con:
        assert con.execute("select count(*) from profile.people").fetchall() == [(4,)]


def test_one_activity_table_is_read_once_however_many_clauses_count_it(folder, write):
    clauses = ", ".join(f"{{did: order, within_days: {days}}}" for days in (7, 14, 28, 28))
    write("tried", f"{{or: [{clauses}]}}")
    valid, _ = load_documents(folder)
    sql = membership_query(valid, valid, TODAY)
    assert sql.count("conformed.orders") == 1
    assert sql.count("COUNT(*)") == 3

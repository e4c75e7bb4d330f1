"""Why two records are one person or two: the evidence, what decided, and nothing personal unless asked."""

import json
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import duckdb
import pytest
from typer.testing import CliRunner

from orchestration.identity import decisions
from orchestration.identity.explain import evidence, pair, person, served, waterfall, words
from orchestration.identity.history import UnknownIdError
from orchestration.identity.resolve import resolve
from orchestration.warehouse import engine
from tests.unit.identity import population
from tests.unit.identity.population import contact, identifier

FATHER, SON, SECOND = "hubspot:contacts:father", "hubspot:contacts:son", "receipts:members:father"
SHARED, KNOWN, BROWSER = "segment:users:shared", "hubspot:contacts:known", "segment:anonymous:b1"
HOME = {"last_name": "featherstone", "street_std": "7 heron way", "postal_code_std": "20202", "city_std": "poole"}


def _special():
    """A father and a son of one name, a user with a loyalty number of another record, and a browser of its own."""
    born = date(1950, 3, 3)
    rows = [
        contact(FATHER, first_name="barnaby", name_suffix="sr", birth_date=born, **HOME),
        contact(SECOND, first_name="barnaby", name_suffix="sr", birth_date=born, **HOME),
        contact(SON, first_name="barnaby", name_suffix="jr", **HOME),
        contact(KNOWN, first_name="ottilie", last_name="quist", email_std="o.quist@example.com"),
        contact(SHARED, first_name="tilly", last_name="marsh", phone_std="+12125550100"),
    ]
    more = [identifier(name, "loyalty_number", "998877") for name in (KNOWN, SHARED)]
    return rows, [*more, identifier(BROWSER, "anonymous_id", "b1"), identifier(SHARED, "anonymous_id", "b1")]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A resolved home, with one steward's decision in force; the records' truth beside it."""
    from orchestration.home import prepare
    from orchestration.settings import Settings

    settings = Settings(home=tmp_path_factory.mktemp("explained"))
    prepare(settings)
    rows, truth = population.people(150)
    special, more = _special()
    population.write(settings, rows + special, more)
    resolve(settings, as_of=date(2017, 12, 31), run_id="first")
    parted = next([a, b] for a in truth for b in truth if a < b and truth[a] == truth[b])
    with engine.writing_state(settings) as con:
        decisions.record(con, *parted, decision="cannot", who="ada", why="twins")
    resolve(settings, as_of=date(2017, 12, 31), run_id="second", is_approved=True)
    return settings, truth, parted


def links(settings):
    with engine.reading(settings) as con:
        return con.execute("select * from identity.links order by 1, 2, 4").to_arrow_table().to_pylist()


def test_the_pair_weighed_anew_weighs_what_the_run_served(home):
    settings = home[0]
    scores = {
        (row["record_id_l"], row["record_id_r"]): row for row in links(settings) if row["match_weight"] is not None
    }
    with evidence.bench(settings) as (con, trained):
        weighed = evidence.weigh(con, trained, scores)
    assert len(weighed) == len(scores) > 100
    others = set()
    for found in weighed:
        assert found.match_weight == pytest.approx(scores[found.record_ids]["match_weight"], abs=0.001)
        fields = sum(one.against_strangers for one in found.fields)
        assert found.prior + fields + found.household == pytest.approx(found.match_weight, abs=0.01)
        rival = sum(one.against_household - one.against_strangers for one in found.fields)
        assert found.household <= 0.001
        others.add(round(found.against_household - fields - rival, 1))
    # What is left is how usual households are, the same for every pair.
    assert len(others) == 1


def test_every_scored_link_carries_its_evidence_and_no_other_does(home):
    for row in links(home[0]):
        if row["link_type"] == "deterministic":
            assert row["evidence"] is None
        else:
            assert sum(json.loads(row["evidence"]).values()) == pytest.approx(row["match_weight"], abs=0.1)


def test_a_score_decides_and_names_the_keys_that_brought_them_together(home):
    settings = home[0]
    row = next(row for row in links(settings) if (row["match_weight"] or 0) > 8)
    told = pair.explain(settings, row["record_id_r"], row["record_id_l"])
    assert (told.is_one, told.decided_by) == (True, "score")
    assert any(key.is_used for key in told.pair.keys)
    assert "one person" in words.lines(told)[1]


def test_a_veto_parts_what_weighs_enough(home):
    told = pair.explain(home[0], FATHER, SON)
    assert (told.is_one, told.decided_by, told.pair.veto) == (False, "veto", "suffixes differ")
    assert "suffixes differ" in words.lines(told)[1]


def test_a_steward_outranks_and_is_named(home):
    settings, _, parted = home
    told = pair.explain(settings, *parted)
    assert (told.is_one, told.decided_by) == (False, "steward")
    assert "ada" in words.lines(told)[1]
    assert told.pair.match_weight > 0


def test_a_decision_that_is_not_applied_yet_is_told_beside_what_is_served(home):
    settings, truth, parted = home
    people = population.served(settings)
    asked = next(
        sorted(both)
        for both in ((a, b) for a in truth for b in truth if a < b)
        if people[both[0]] == people[both[1]] and not set(both) & set(parted)
    )
    with engine.writing_state(settings) as con:
        decisions.record(con, *asked, decision="cannot", who="bob", why="brothers")
    told = "\n".join(words.lines(pair.explain(settings, *asked)))
    assert "are one person" in told
    assert f"bob has decided otherwise since: {asked[0]} and {asked[1]} cannot be one person (brothers)" in told
    with engine.writing_state(settings) as con:
        decisions.withdraw(con, *asked, why="no", who="bob")
    assert "otherwise" not in "\n".join(words.lines(pair.explain(settings, *asked)))


def test_an_identifier_joins_two_that_share_no_name(home):
    told = pair.explain(home[0], KNOWN, SHARED)
    assert (told.is_one, told.decided_by) == (True, "identifier")
    said = "\n".join(words.lines(told))
    assert "same loyalty number" in said
    assert "998877" not in said


def test_records_linked_through_others_show_the_chain(home):
    settings = home[0]
    told = pair.explain(settings, BROWSER, KNOWN)
    assert (told.is_one, told.decided_by) == (True, "others")
    assert [link.rule for link in told.path] == ["anonymous_id", "loyalty_number"]
    assert "cannot be compared" in words.lines(told)[1]


def test_two_people_are_shown_by_their_strongest_pair_and_their_mean(home):
    settings = home[0]
    people = population.served(settings)
    told = pair.explain(settings, people[FATHER], people[KNOWN])
    assert not told.is_one
    assert told.decided_by == "weight"
    assert told.between.count_pairs == 4
    assert not [key for key in told.pair.keys if key.is_used]
    assert "none of the" in "\n".join(words.lines(told))


def test_one_person_twice_and_nobody_at_all_say_what_to_do(home):
    people = population.served(home[0])
    with pytest.raises(pair.SamePersonError, match=f"tessera why {people[FATHER]}"):
        pair.explain(home[0], people[FATHER], FATHER)
    with pytest.raises(UnknownIdError, match="ids of people begin with p_"):
        pair.explain(home[0], FATHER, "hubspot:contacts:nobody")


def test_before_a_run_there_is_nothing_to_explain(settings):
    population.write(settings, population.people(5)[0])
    with pytest.raises(evidence.NothingResolvedError, match="tessera run daily"):
        pair.explain(settings, "hubspot:contacts:1", "hubspot:contacts:2")


def test_a_person_shows_the_fewest_links_that_hold_all_records(home):
    found = person.read(home[0], SHARED)
    assert set(found.side.record_ids) == {KNOWN, SHARED, BROWSER}
    assert len(found.holding) == len(found.side.record_ids) - 1
    assert sum(found.parts_without(found.weakest)) == 3


def test_the_strongest_chain_avoids_the_weak_bridge():
    def link(a, b, weight):
        return served.Link((a, b), "probabilistic", "email", weight, 0.9)

    found = [link("a", "b", 1.0), link("a", "c", 9.0), link("b", "c", 8.0), link("c", "d", 2.0)]
    assert [one.match_weight for one in served.path(found, "a", "b")] == [9.0, 8.0]
    assert served.path(found, "a", "e") == []


@pytest.mark.parametrize(
    ("weight", "told"),
    [
        (12.9, "about 7,600 to 1 that they are one person"),
        (-5.0, "about 32 to 1 that they are two people"),
        (2.0, "about 4.0 to 1 that they are one person"),
        (0.1, "about even"),
        (60.0, "more than a trillion to 1 that they are one person"),
    ],
)
def test_a_weight_is_told_as_odds(weight, told):
    assert words.verdict(weight) == told


def test_values_are_masked_unless_asked(home, tmp_path):
    told = pair.explain(home[0], FATHER, SECOND)
    hidden, shown = (words.lines(told, show_values=show) for show in (False, True))
    assert "featherstone" not in "\n".join(hidden)
    assert "featherstone" in "\n".join(shown)
    for show in (False, True):
        waterfall.write(tmp_path / "why.html", told, show_values=show)
        assert ("featherstone" in (tmp_path / "why.html").read_text()) is show


def test_the_picture_is_well_formed_and_fetches_nothing(home, tmp_path):
    waterfall.write(tmp_path / "why.html", pair.explain(home[0], FATHER, SON))
    page = (tmp_path / "why.html").read_text()
    assert page.count("<rect") >= 5
    assert not any(sign in page for sign in ("<script", "http", "src=", "url("))
    HTMLParser().feed(page)


def test_the_commands_say_it(home, monkeypatch):
    from orchestration.cli import app

    monkeypatch.setenv("TESSERA_HOME", str(home[0].home))
    told = CliRunner().invoke(app, ["why-not", FATHER, SON])
    assert told.exit_code == 0
    assert "suffixes differ" in told.output
    assert "weakest" in CliRunner().invoke(app, ["why", FATHER]).output


def test_a_record_carries_its_own_identifiers_only():
    with duckdb.connect() as con:
        con.execute(
            "create schema conformed; create schema identity; "
            "create table conformed.identifiers as select * from (values ('a1', 'phone', '1'), ('a2', 'email', 'x'), "
            "('a3', 'email', 'x'), ('b1', 'phone', '1')) as t(record_id, identifier_type, identifier_value); "
            "create table identity.skipped_identifiers as select * from (values ('phone', '1', 'shared'), "
            "('email', 'x', 'shared')) as t(identifier_type, identifier_value, reason)"
        )
        one, other = ("a1", "a2", "a3"), ("b1",)
        asked = [served.Side(name, "p1", one, is_record=True) for name in one]
        assert served.too_common(con, asked[0], asked[1]) == []
        assert served.too_common(con, asked[1], asked[2]) == [("email", "x", "shared")]
        people = served.Side("p1", "p1", one, is_record=False), served.Side("p2", "p2", other, is_record=False)
        assert served.too_common(con, *people) == [("phone", "1", "shared")]


def _ends(row):
    return row["record_id_l"], row["record_id_r"]


def test_a_score_decides_only_where_it_would_join_alone(home):
    settings = home[0]
    told = pair.explain(settings, *_ends(next(row for row in links(settings) if (row["match_weight"] or 0) > 8)))
    weak = replace(told, pair=replace(told.pair, match_weight=told.join_weight - 0.1))
    assert pair._one(weak) == "others"
    assert f"joining needs {told.join_weight:+.1f}" in words.lines(told)[1]

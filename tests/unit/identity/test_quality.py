"""Figures of a partition: right on hand-made people, one row per measure and run, nothing counted twice."""

from datetime import date

import duckdb
import pytest

from orchestration.identity import decisions
from orchestration.identity.explain import evidence
from orchestration.identity.quality import history, limits, measures, pairs, symptoms
from orchestration.identity.resolve import resolve
from orchestration.warehouse import engine
from tests.unit.identity import population

AS_OF = date(2017, 12, 31)
_RECORD = {
    "source": "hubspot", "first_root": None, "last_name": None, "birth_date": None, "birth_date_swapped": None,
    "email": None, "phone": None, "street": None, "name_suffix": None,
}  # fmt: skip


def partition(people, links=(), judged=(), identifiers=()):
    """A connection with hand-made tables: `people` is person -> records, a record the values it has."""
    con = duckdb.connect()
    con.execute("create table persons (record_id varchar, person_id varchar, match_confidence double)")
    con.execute(f"create table records (record_id varchar, {', '.join(f'{c} varchar' for c in _RECORD)})")
    con.execute("create table identifiers (record_id varchar, identifier_type varchar, identifier_value varchar)")
    con.execute("create table links (record_id_l varchar, record_id_r varchar, match_weight double)")
    con.execute(
        "create table judged (record_id_l varchar, record_id_r varchar, person_l varchar, person_r varchar, "
        "match_weight double, match_probability double, veto varchar, pattern varchar)"
    )
    for person, own in people.items():
        for number, values in enumerate(own):
            name = f"{person}{number}"
            con.execute("insert into persons values (?, ?, ?)", [name, person, values.pop("confidence", 1.0)])
            row = _RECORD | values
            con.execute(f"insert into records values (?{', ?' * len(_RECORD)})", [name, *row.values()])
    for table, rows in (("links", links), ("judged", judged), ("identifiers", identifiers)):
        for row in rows:
            con.execute(f"insert into {table} values ({', '.join('?' * len(row))})", list(row))
    return con


def counted(con, join_weight=-2.0):
    with con:
        found = measures.measured(con) + symptoms.symptoms(con, join_weight)
    return {name: value for name, bucket, value in found if bucket is None}


@pytest.mark.parametrize(
    ("measure", "own"),
    [
        pytest.param("share_many_given_names", [{"first_root": n} for n in "abcd"], id="four given names"),
        pytest.param(
            "share_many_birth_dates", [{"birth_date": f"19{y}"} for y in range(50, 54)], id="four birth years"
        ),
        pytest.param("share_many_emails", [{"email": f"{n}@x.org"} for n in range(7)], id="seven e-mails"),
        pytest.param("share_many_phones", [{"phone": str(n)} for n in range(7)], id="seven phones"),
        pytest.param("share_many_streets", [{"street": str(n)} for n in range(7)], id="seven streets"),
        pytest.param("share_suffixes_differ", [{"name_suffix": "jr"}, {"name_suffix": "sr"}], id="junior and senior"),
        pytest.param("share_two_of_one_source", [{"source": "receipts"}] * 2, id="two loyalty records"),
        pytest.param(
            "share_birth_dates_contradict",
            [{"birth_date": "1950-01-02"}, {"birth_date": "1987-11-30"}],
            id="two births",
        ),
    ],
)
def test_a_symptom_is_counted_once_for_its_person(measure, own):
    ordinary = {f"q{n}": [{"first_root": "a", "birth_date": "1980-02-03"}] for n in range(3)}
    found = counted(partition({"p": [dict(values) for values in own]} | ordinary))
    assert found[measure] == pytest.approx(1 / 4)
    # No link was given, so the person of several records hangs together by nothing.
    told = {name for name, value in found.items() if name.startswith("share_") and 0 < value < 1}
    assert told == {measure, "share_singletons", "share_weak_bridge"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("1950-01-02", "1950-01-03", id="a typing error"),
        pytest.param("1950", "1987-11-30", id="a year alone"),
    ],
)
def test_birth_dates_that_an_error_explains_do_not_contradict(one, other):
    found = counted(partition({"p": [{"birth_date": one}, {"birth_date": other}]}))
    assert found["share_birth_dates_contradict"] == 0


def test_day_and_month_exchanged_do_not_contradict():
    own = [
        {"birth_date": "1950-09-12", "birth_date_swapped": "1950-12-09"},
        {"birth_date": "1950-12-09", "birth_date_swapped": "1950-09-12"},
    ]
    assert counted(partition({"p": own}))["share_birth_dates_contradict"] == 0


def test_a_weak_bridge_is_a_link_below_even_odds_that_alone_holds():
    held = [("p0", "p1", 9.0), ("p1", "p2", -1.0), ("p0", "p2", 3.0)]
    bridged = [("q0", "q1", 9.0), ("q1", "q2", -1.0)]
    sure = [("r0", "r1", None)]
    found = counted(partition({"p": [{}] * 3, "q": [{}] * 3, "r": [{}] * 2}, links=held + bridged + sure))
    assert found["share_weak_bridge"] == pytest.approx(1 / 3)


def test_two_people_of_one_name_and_email_are_told():
    alike = {"email": "a@x.org", "first_root": "ann", "last_name": "lee"}
    found = counted(partition({"p": [dict(alike)], "q": [dict(alike)], "r": [alike | {"first_root": "bea"}]}))
    assert found["share_same_email_and_name_apart"] == pytest.approx(2 / 3)


def test_near_misses_and_what_the_model_expects():
    judged = [
        ("p0", "p1", "p", "p", 3.0, 0.9, None, ""),
        ("p0", "q0", "p", "q", -3.0, 0.1, None, ""),
        ("p1", "q0", "p", "q", 1.0, 0.5, None, ""),
        ("q0", "r0", "q", "r", 5.0, 0.97, "suffixes differ", ""),
        ("p0", "r0", "p", "r", -9.0, 0.002, None, ""),
    ]
    found = counted(partition({"p": [{}, {}], "q": [{}], "r": [{}]}, judged=judged))
    assert (found["near_misses"], found["likely_apart"]) == (1, 1)
    assert found["expected_precision"] == pytest.approx(0.9)
    assert found["expected_recall"] == pytest.approx(0.9 / 1.5)


def test_ids_of_one_kind_are_counted_by_kind():
    three = [("p0", "loyalty_number", str(n)) for n in range(3)] + [("p0", "user_id", str(n)) for n in range(3)]
    people = {"p": [{}], "q": [{}]}
    assert counted(partition(people, identifiers=three))["share_many_ids"] == 0
    four = [*three, ("p0", "user_id", "9")]
    assert counted(partition({"p": [{}], "q": [{}]}, identifiers=four))["share_many_ids"] == 0.5


def test_nobody_at_all_is_no_error():
    assert counted(partition({}))["people"] == 0


def test_every_figure_is_declared_and_a_handful_breaks_no_benchmark():
    few = [("cluster_size", "1", 100.0), ("share_many_emails", None, 0.03)]
    many = [("cluster_size", "1", 1000.0), ("share_many_emails", None, 0.03)]
    assert measures.judgement(few, *few[1]) is True
    assert measures.judgement(many, *many[1]) is False
    unproved = [("labels", None, 5.0), ("label_precision", None, 0.2)]
    assert measures.judgement(unproved, *unproved[1]) is None
    assert measures.judgement([("labels", None, 50.0)], "label_precision", None, 0.2) is False
    assert set(limits.JUDGED) | set(limits.HISTOGRAMS) <= set(limits.MEASURES)


@pytest.fixture
def measured_home(settings):
    rows, truth = population.people(60)
    population.write(settings, rows)
    resolve(settings, as_of=AS_OF, run_id="first")
    return settings, rows, truth


def quality(settings, where="true"):
    with engine.reading(settings) as con:
        return con.execute(f"select run_id, measure, bucket, value from identity.quality where {where}").fetchall()


def test_each_run_has_a_row_for_each_measure_and_is_measured_once(measured_home):
    settings, rows, _ = measured_home
    first = history.measure(settings, as_of=AS_OF)
    assert first.is_new
    assert not history.measure(settings, as_of=AS_OF).is_new
    assert {row[1] for row in quality(settings)} <= set(limits.MEASURES)
    people = len(set(population.served(settings).values()))
    assert sum(row[3] for row in quality(settings, "measure = 'cluster_size'")) == people
    assert quality(settings, "measure = 'people'") == [("first", "people", None, people)]
    pair = [row["record_id"] for row in rows[:2]]
    with engine.writing_state(settings) as con:
        decisions.record(con, *pair, decision="cannot", who="ada", why="twins")
    resolve(settings, as_of=AS_OF, run_id="second", is_approved=True)
    assert history.measure(settings, as_of=AS_OF).is_new
    keys = [row[:3] for row in quality(settings)]
    assert len(keys) == len(set(keys))
    assert {row[0] for row in keys} == {"first", "second"}
    assert quality(settings, "measure = 'people_change'")[0][0] == "second"


def test_a_lost_warehouse_gets_its_history_back(measured_home):
    settings, rows, _ = measured_home
    history.measure(settings, as_of=AS_OF)
    before = quality(settings)
    population.forget_warehouse(settings)
    population.write(settings, rows)
    resolve(settings, as_of=AS_OF, run_id="first again")
    history.measure(settings, as_of=AS_OF)
    assert quality(settings, "run_id = 'first'") == before


def test_of_many_records_a_sample_of_pairs_stands_for_all(measured_home, monkeypatch):
    settings = measured_home[0]
    everything = sum(row[3] for row in _weights(settings))
    monkeypatch.setattr(pairs, "MOST_RECORDS", len(measured_home[1]) // 2)
    with pairs.judged(settings) as (con, _, share):
        assert 0.5 < share < 1
        sampled = con.execute("select count(*) from judged").fetchall()[0][0]
        touched = con.execute(
            "with own as (select record_id from records inner join sampled using (n)) select count(*) from judged "
            "where record_id_l not in (from own) and record_id_r not in (from own)"
        ).fetchall()
        figures = measures.measured(con, share) + symptoms.symptoms(con, -2.0, share)
    assert touched == [(0,)]
    assert sampled < everything
    told = sum(value for name, _, value in figures if name == "pair_weight")
    assert told == pytest.approx(everything, rel=0.25)


def _weights(settings):
    history.measure(settings, as_of=AS_OF)
    return quality(settings, "measure = 'pair_weight'")


def test_before_a_run_there_is_nothing_to_measure(settings):
    population.write(settings, population.people(5)[0])
    with pytest.raises(evidence.NothingResolvedError, match="tessera run daily"):
        history.measure(settings, as_of=AS_OF)


def test_what_the_model_said_of_itself_is_told():
    curve = [0.5, 0.6, 0.7, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0]
    trained = {"join": -1.5, "estimated_f1": {"email": curve, "phone": [value / 2 for value in curve]}}
    assert symptoms.estimated(trained) == [("estimated_pair_f1", None, 0.9)]
    assert symptoms.estimated({"join": 2.5}) == []

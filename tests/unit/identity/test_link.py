"""Scores of pairs: the same on every run, learned without labels, and what each field and veto says."""

import json
from datetime import date

import duckdb
import pyarrow as pa
import pytest

from orchestration.identity import dictionaries, model, names, records, training
from orchestration.identity import link as link_module
from orchestration.identity.solve import solve
from tests.unit.identity import population
from tests.unit.identity.population import contact


def run(con, rows, model_path=None, **options):
    """Resolve the rows, and nothing else, in `con`."""
    nothing = [
        ("record_id", "identifier_type", "identifier_value", "first_seen_at"),
        ("record_id_l", "record_id_r", "decision"),
    ]
    identifiers, decisions = [pa.table({name: pa.array([], pa.string()) for name in names}) for names in nothing]
    inputs = {"contacts": population.canonical(rows), "identifiers": identifiers, "decisions": decisions}
    return solve(con, inputs, model_path=model_path, **options)


def scored(rows, model_path=None, **options):
    """Pairs of the rows by record ids."""
    with duckdb.connect() as con:
        run(con, rows, model_path, **options)
        pairs = con.execute(
            "select l.record_id as record_id_l, r.record_id as record_id_r, scored.* exclude (n_l, n_r) from scored "
            "join nodes as l on n_l = l.n join nodes as r on n_r = r.n order by 1, 2"
        )
        listed = pairs.to_arrow_table().to_pylist()
    return {tuple(sorted((pair["record_id_l"], pair["record_id_r"]))): pair for pair in listed}


def compared(rows):
    """The records as compared, by record id."""
    with duckdb.connect() as con:
        con.register("contacts_in", population.canonical(rows))
        dictionaries.begin(con)
        records.prepare(con, "contacts_in")
        return {row["record_id"]: row for row in con.execute("from records").to_arrow_table().to_pylist()}


@pytest.fixture(scope="module")
def crowd():
    return population.people(170)[0]


@pytest.fixture(scope="module")
def trained(crowd, tmp_path_factory):
    """A trained model's file and the pairs it scored when it was trained."""
    path = tmp_path_factory.mktemp("trained") / "model.json"
    pairs = scored(crowd, path)
    return path.read_bytes(), pairs


def test_training_is_reproducible(crowd, trained, tmp_path):
    path = tmp_path / "model.json"
    pairs = scored(list(reversed(crowd)), path)
    assert len(crowd) > model.MIN_TRAINING_RECORDS
    assert path.read_bytes() == trained[0]
    assert pairs == trained[1]


def test_a_saved_model_is_used_and_scores_the_same(crowd, trained, tmp_path):
    path = tmp_path / "model.json"
    path.write_bytes(trained[0])
    assert scored(crowd, path) == trained[1]
    scored(crowd[:-30], path)
    assert path.read_bytes() == trained[0]


def test_a_model_is_trained_anew_when_asked_and_when_its_version_is_another(crowd, trained, tmp_path, monkeypatch):
    path = tmp_path / "model.json"
    saved = json.loads(trained[0])
    trainings = []
    train = link_module.training.train

    def counted(con, *, seed):
        trainings.append(seed)
        return train(con, seed=seed)

    monkeypatch.setattr(link_module.training, "train", counted)
    path.write_bytes(trained[0])
    scored(crowd[:-30], path, retrain=True)
    path.write_text(json.dumps(saved | {"version": "0"}))
    scored(crowd[:-30], path)
    assert trainings == [1, 1]
    assert json.loads(path.read_text())["version"] == model.VERSION


ANN = {"first_name": "Ann", "last_name": "Berg", "birth_date": date(1980, 3, 9), "email_std": "annberg@example.com"}


@pytest.mark.parametrize(
    ("left", "right", "is_one"),
    [
        pytest.param({}, {}, True, id="all equal"),
        pytest.param({}, {"first_name": "Kurt"}, False, id="other first name, else equal: a twin"),
        pytest.param({}, {"first_name": "A"}, True, id="initial of the name"),
        pytest.param({"first_name": "William"}, {"first_name": "Bill"}, True, id="nickname"),
        pytest.param({}, {"first_name": "Berg", "last_name": "Ann"}, True, id="names swapped"),
        pytest.param({"middle_name": "Sofia"}, {"first_name": "Sofia"}, True, id="called by the middle name"),
        pytest.param({"first_name": "小明", "last_name": "王"}, {"first_name": "Xiaoming", "last_name": "Wang"}, True,
                     id="another script"),
        pytest.param({"last_name": "Berg Jr"}, {"last_name": "Berg Sr"}, False, id="father and son"),
        pytest.param({}, {"birth_date": date(1951, 11, 20), "email_std": None}, False, id="namesake, other generation"),
        pytest.param({}, {"birth_date": date(1980, 9, 3)}, True, id="day and month swapped"),
        pytest.param({"email_std": None}, {"birth_date": None}, False, id="names alone"),
        pytest.param({}, {"full_name": "Berg Bakery Ltd", "first_name": None, "last_name": None}, False,
                     id="a person and an organisation"),
    ],
)  # fmt: skip
def test_who_is_one_person_without_training(left, right, is_one):
    pairs = scored([contact("hubspot:contacts:1", **ANN | left), contact("segment:users:2", **ANN | right)])
    pair = pairs["hubspot:contacts:1", "segment:users:2"]
    assert (pair["veto"] is None and pair["match_weight"] >= model.UNTRAINED_JOIN_MEAN_WEIGHT) == is_one


def test_what_a_household_shares_makes_no_person(monkeypatch):
    # Else such a pair is dropped before anybody asks what it weighs.
    monkeypatch.setattr(model, "COMPONENT_MARGIN_WEIGHT", 10.0)
    home = {"last_name": "Berg", "phone_std": "+12125550100", "street_std": "1 main st", "city_std": "york"}
    rows = [
        contact("hubspot:contacts:1", first_name="Ann", **home),
        contact("segment:users:2", first_name="Kurt", **home),
    ]
    pair = scored(rows)["hubspot:contacts:1", "segment:users:2"]
    assert pair["weight_against_strangers"] > 0
    assert pair["weight_against_household"] < 0
    assert pair["match_weight"] < 0


def test_weights_are_those_of_splink(crowd, tmp_path):
    with duckdb.connect() as con:
        con.register("contacts_in", population.canonical(crowd))
        trained = link_module.train(con, "contacts_in", path=None, seed=1)
        con.execute(
            "create table blocked as select '0' as match_key, n_l as join_key_l, n_r as join_key_r from candidates"
        )
        linker = training.linker(con, trained["splink"], training.fields(trained))
        linker.table_management.register_blocked_pairs_for_predict(
            linker._db_api.register("blocked", table_name="blocked")
        )
        predicted = linker.inference.predict(warning_mode="never").physical_name
        differing = con.execute(
            f"select count(*), count(*) filter (where abs(p.match_weight - weight_against_strangers) > 0.001) "
            f"from {predicted} as p inner join scored using (n_l, n_r)"
        ).fetchall()[0]
    assert differing[0] > 100
    assert differing[1] == 0


def test_an_email_of_many_names_weighs_less_than_one_of_one_name(crowd, trained, tmp_path):
    path = tmp_path / "model.json"
    path.write_bytes(trained[0])
    own = [
        contact(f"hubspot:contacts:own{i}", first_name="Ida", last_name="Lund", email_std="ida@example.com")
        for i in (1, 2)
    ]
    shared = [
        contact(f"hubspot:contacts:info{i}", first_name=first, last_name=last, email_std="info@example.com")
        for i, (first, last) in enumerate(
            [("Una", "Vik"), ("Una", "Vik"), ("Ole", "Dahl"), ("Per", "Moe"), ("Kim", "Lie")]
        )
    ]
    pairs = scored(crowd + own + shared, path)
    weights = [pairs[f"hubspot:contacts:{name}1", f"hubspot:contacts:{name}2"]["weight_email"] for name in ("own",)] + [
        pairs["hubspot:contacts:info0", "hubspot:contacts:info1"]["weight_email"]
    ]
    assert weights[0] - weights[1] > 1.5


@pytest.mark.parametrize(
    ("given", "names"),
    [
        pytest.param({"full_name": "Dr. José  O'Neill-Díaz"}, ("jose", "oneilldiaz", None), id="title and accents"),
        pytest.param({"full_name": "Berg, Ann"}, ("ann", "berg", None), id="last name first"),
        pytest.param({"full_name": "Ann M. Berg, Jr."}, ("ann", "berg", "jr"), id="suffix after a comma"),
        pytest.param({"full_name": "Hans Berg jun."}, ("hans", "berg", "jr"), id="a German suffix"),
        pytest.param({"first_name": "Hans", "last_name": "Berg Sen."}, ("hans", "berg", "sr"), id="beside a last name"),
        pytest.param({"full_name": "Amartya Sen"}, ("amartya", "sen", None), id="a last name like a suffix"),
        pytest.param({"first_name": "Mary Ann", "last_name": "de la Cruz III"}, ("mary", "delacruz", "iii"), id="all"),
        pytest.param({"full_name": "xX_user99"}, (None, None, None), id="a handle is no name"),
        pytest.param({"full_name": "nobody"}, (None, None, None), id="one word that is nobody's name"),
        pytest.param({"full_name": "Smith"}, (None, "smith", None), id="one word that is a last name elsewhere"),
        pytest.param({"email_std": "smithmary7@example.com"}, ("mary", "smith", None), id="names read from an e-mail"),
        pytest.param({"first_name": " ", "last_name": ""}, (None, None, None), id="blank"),
    ],
)  # fmt: skip
def test_names_as_compared(given, names):
    known = contact("hubspot:contacts:1", first_name="Mary", last_name="Smith")
    row = compared([known, contact("segment:users:2", **given)])["segment:users:2"]
    assert (row["first_name"], row["last_name"], row["name_suffix"]) == names


def test_a_key_that_too_many_share_makes_no_pairs_and_is_reported(crowd):
    most = model.MAX_RECORDS_PER_BLOCK
    rows = [contact(f"hubspot:contacts:n{i}", first_name=f"n{i}", phone_std="+12125550100") for i in range(most + 1)]
    with duckdb.connect() as con:
        solved, _ = run(con, crowd + rows)
        pairs = con.execute(
            "select count(*) from candidates inner join nodes as l on l.n = n_l inner join nodes as r on r.n = n_r "
            "where starts_with(l.record_id, 'hubspot:contacts:n') and starts_with(r.record_id, 'hubspot:contacts:n')"
        ).fetchall()[0][0]
    skipped = solved["skipped_identifiers"].to_pylist()
    assert pairs == 0
    assert ("125550100", most + 1) in {(row["identifier_value"], row["count_records"]) for row in skipped}


def test_very_long_values_are_cut():
    rows = [contact(f"hubspot:contacts:{i}", first_name="x" * 1_000_000, last_name="y" * 1_000_000) for i in (1, 2)]
    assert max(len(row["first_name"]) for row in compared(rows).values()) == names.MAX_LENGTH


@pytest.mark.parametrize(("rows", "first", "last"), [
    pytest.param([{"first_name": "Anna"}], "anna", None, id="as the column says"),
    pytest.param([{"first_name": "Lopez"}, {"first_name": "Jose", "last_name": "Lopez"}], None, "lopez",
                 id="a last name elsewhere"),
    pytest.param([{"first_name": "Xyz"}, {"first_name": "Jose", "last_name": "Lopez"}], "xyz", None,
                 id="nobody's name elsewhere"),
    pytest.param([{"first_name": "Xyz"}, {"first_name": "Lopez"}, {"first_name": "Jose", "last_name": "Lopez"}], None,
                 "xyz", id="nobody's name elsewhere, where words alone are last names"),
    pytest.param([{"full_name": "Xyz"}], None, None, id="one unknown word of a whole name"),
])  # fmt: skip
def test_a_word_alone_is_the_name_it_is_elsewhere_or_what_its_column_says(rows, first, last):
    found = compared([contact(f"crm:contacts:{number}", **row) for number, row in enumerate(rows)])
    assert (found["crm:contacts:0"]["first_name"], found["crm:contacts:0"]["last_name"]) == (first, last)


@pytest.mark.parametrize(("row", "first", "middle", "last"), [
    pytest.param({"first_name": "Anna", "full_name": "Anna Maria Weber"}, "anna", "maria", "weber", id="no last name"),
    pytest.param({"last_name": "Weber", "full_name": "Anna Maria Weber"}, "anna", "maria", "weber", id="no first name"),
    pytest.param({"first_name": "Anna", "full_name": "Weber, Anna"}, "anna", None, "weber", id="last name first"),
    pytest.param({"first_name": "Anna", "last_name": "Weber", "full_name": "Anna Maria Weber"}, "anna", "maria",
                 "weber", id="all"),
])  # fmt: skip
def test_what_the_whole_name_adds_is_taken(row, first, middle, last):
    found = compared([contact("crm:contacts:1", **row)])["crm:contacts:1"]
    assert (found["first_name"], found["middle_name"], found["last_name"]) == (first, middle, last)


FEW_COLUMNS = {
    "first_name": "first_name", "last_name": "last_name", "email": "email_std", "phone": "phone_std",
    "birth_date": "birth_date", "street": "street_std",
}  # fmt: skip


@pytest.mark.parametrize("columns", [
    ("email",), ("first_name", "email"), ("last_name", "email"), ("last_name", "phone", "street"),
    ("first_name", "birth_date"),
], ids="+".join)  # fmt: skip
def test_a_table_of_few_columns_is_linked_by_them(columns):
    rows, truth = population.people(40)
    few = [contact(row["record_id"], **{FEW_COLUMNS[c]: row[FEW_COLUMNS[c]] for c in columns}) for row in rows]
    with duckdb.connect() as con:
        solved, _ = run(con, few)
    person = dict(zip(*(solved["partition"][c].to_pylist() for c in ("record_id", "person")), strict=True))
    together = [(a, b) for a in person for b in person if a < b and person[a] == person[b]]
    assert len(together) > 10
    assert sum(truth[a] == truth[b] for a, b in together) / len(together) > 0.9
    assert not [row for row in few if all(row[FEW_COLUMNS[c]] is None for c in columns) and row["record_id"] in
                {record for pair in together for record in pair}]  # fmt: skip


@pytest.mark.parametrize(
    "columns", [("first_name",), ("street",), ("phone",), ()], ids=["first", "street", "phone", "none"]
)
def test_a_table_that_can_tell_nobody_is_no_error(columns):
    rows, _ = population.people(40)
    few = [contact(row["record_id"], **{FEW_COLUMNS[c]: row[FEW_COLUMNS[c]] for c in columns}) for row in rows]
    with duckdb.connect() as con:
        solved, _ = run(con, few)
    assert solved["partition"].num_rows == len(rows)

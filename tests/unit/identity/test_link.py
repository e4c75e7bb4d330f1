"""Scores of pairs: the same on every run, learned without labels, and what each field and veto says."""

import json
from datetime import date

import duckdb
import pytest

from orchestration.identity import link as link_module
from orchestration.identity import model, records
from orchestration.identity.link import link
from tests.unit.identity import population
from tests.unit.identity.population import contact


def scored(rows, model_path=None, **options):
    """Pairs of the rows by record ids, and the records as compared."""
    with duckdb.connect() as con:
        con.register("contacts_in", population.table(rows))
        pairs = link(con, "contacts_in", model_path=model_path, seed=1, **options).to_pylist()
        compared = con.execute("select * from records").to_arrow_table().to_pylist()
    by_ids = {(pair["record_id_l"], pair["record_id_r"]): pair for pair in pairs}
    return by_ids, {row["record_id"]: row for row in compared}


@pytest.fixture(scope="module")
def crowd():
    return population.people(170)[0]


@pytest.fixture(scope="module")
def trained(crowd, tmp_path_factory):
    """A trained model's file and the pairs it scored when it was trained."""
    path = tmp_path_factory.mktemp("trained") / "model.json"
    pairs, _ = scored(crowd, path)
    return path.read_bytes(), pairs


def test_training_is_reproducible(crowd, trained, tmp_path):
    path = tmp_path / "model.json"
    pairs, _ = scored(list(reversed(crowd)), path)
    assert len(crowd) > model.MIN_TRAINING_RECORDS
    assert path.read_bytes() == trained[0]
    assert pairs == trained[1]


def test_a_saved_model_is_used_and_scores_the_same(crowd, trained, tmp_path):
    path = tmp_path / "model.json"
    path.write_bytes(trained[0])
    assert scored(crowd, path)[0] == trained[1]
    scored(crowd[:-30], path)
    assert path.read_bytes() == trained[0]


def test_a_model_is_trained_anew_when_asked_and_when_its_version_is_another(crowd, trained, tmp_path, monkeypatch):
    path = tmp_path / "model.json"
    saved = json.loads(trained[0])
    trainings = []

    def train(con, *, seed):
        trainings.append(seed)
        return saved["settings"]

    monkeypatch.setattr(link_module, "train", train)
    path.write_bytes(trained[0])
    scored(crowd[:-30], path, retrain=True)
    path.write_text(json.dumps(saved | {"version": "0"}))
    scored(crowd[:-30], path)
    assert trainings == [1, 1]
    assert json.loads(path.read_text()) == saved | {"count_records": len(crowd) - 30}


def test_more_strangers_lower_every_weight(crowd, trained, tmp_path):
    path = tmp_path / "model.json"
    saved = json.loads(trained[0])
    path.write_text(json.dumps(saved | {"count_records": saved["count_records"] // 4}))
    many, _ = scored(crowd, path)
    few = trained[1]
    pair = next(pair for pair in few.keys() & many.keys() if few[pair]["match_weight"] > 0)
    assert few[pair]["match_weight"] - many[pair]["match_weight"] == pytest.approx(2, abs=0.1)


ANN = {"first_name": "Ann", "last_name": "Berg", "birth_date": date(1980, 3, 9), "email_std": "annberg@example.com"}


@pytest.mark.parametrize(
    ("left", "right", "veto"),
    [
        pytest.param({}, {"first_name": "Kurt"}, "first names contradict", id="other first name, else equal: a twin"),
        pytest.param({}, {"first_name": "K"}, "first names contradict", id="other initial"),
        pytest.param({}, {"first_name": "A"}, None, id="initial of the name"),
        pytest.param({"first_name": "William"}, {"first_name": "Bill"}, None, id="nickname"),
        pytest.param({"first_name": "William"}, {"first_name": "B"}, None, id="initial of a nickname"),
        pytest.param({"first_name": "Wiliam"}, {"first_name": "Billy"}, None, id="nickname of a misspelt name"),
        pytest.param({}, {"first_name": "Berg", "last_name": "Ann"}, None, id="names swapped"),
        pytest.param({"middle_name": "Sofia"}, {"first_name": "Sofia"}, None, id="called by the middle name"),
        pytest.param({}, {"first_name": "安", "last_name": "贝格"}, None, id="another script is no contradiction"),
        pytest.param({"last_name": "Berg Jr"}, {"last_name": "Berg Sr"}, "suffixes differ", id="father and son"),
        pytest.param({}, {"birth_date": date(1951, 11, 20)}, "birth dates contradict", id="namesake, other generation"),
        pytest.param({}, {"birth_date": date(1980, 9, 3)}, None, id="day and month swapped"),
        pytest.param({}, {"birth_date": date(1980, 1, 1)}, None, id="only the year known"),
        pytest.param({}, {"birth_date": date(1908, 3, 9)}, None, id="digits of the year swapped"),
    ],
)  # fmt: skip
def test_vetoes(left, right, veto):
    pairs, _ = scored([contact("hubspot:contacts:1", **ANN | left), contact("segment:users:2", **ANN | right)])
    assert pairs["hubspot:contacts:1", "segment:users:2"]["veto"] == veto


def test_a_household_alone_makes_no_person():
    home = {"last_name": "Berg", "phone_std": "+12125550100", "street_std": "1 main st", "city_std": "york"}
    rows = [contact("hubspot:contacts:1", first_name="Ann", **home), contact("receipts:members:2", **home)]
    pairs, _ = scored(rows)
    assert pairs["hubspot:contacts:1", "receipts:members:2"]["match_weight"] <= model.HOUSEHOLD_MATCH_WEIGHT


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
    pairs, _ = scored(crowd + own + shared, path)
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
    _, compared = scored([known, contact("segment:users:2", **given)])
    row = compared["segment:users:2"]
    assert (row["first_name"], row["last_name"], row["name_suffix"]) == names


def test_a_key_that_too_many_share_makes_no_pairs_and_is_reported():
    _key, most = model.BLOCKING_KEYS["phone"]
    rows = [contact(f"hubspot:contacts:{i}", first_name=f"n{i}", phone_std="+12125550100") for i in range(most + 1)]
    with duckdb.connect() as con:
        con.register("contacts_in", population.table(rows))
        pairs = link(con, "contacts_in", model_path=None, seed=1)
        skipped = con.execute("select * from skipped_blocks").fetchall()
    assert pairs.num_rows == 0
    assert ("phone", "2125550100", most + 1) in skipped


def test_very_long_values_are_cut():
    rows = [contact(f"hubspot:contacts:{i}", first_name="x" * 1_000_000, last_name="y" * 1_000_000) for i in (1, 2)]
    _, compared = scored(rows)
    assert max(len(row["first_name"]) for row in compared.values()) == records.MAX_LENGTH

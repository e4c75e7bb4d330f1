"""A large table is trained on by a share of its records: what is learned is what the whole table says."""

import duckdb
import pytest

from orchestration.identity import link, model
from tests.unit.identity import population

pytestmark = pytest.mark.one_engine

# Likely fellows of one drawn record whose own pair was not scored.
_OPEN = f"""
    with likely as (select n_l, n_r from scored where match_weight >= {model.LEAST_LINK_WEIGHT} and veto is null),
    fellows as (select n_l as n, n_r as fellow from likely union select n_r, n_l from likely)
    select count(*) from fellows as l inner join fellows as r on l.n = r.n and l.fellow < r.fellow
    semi join drawn on drawn.n = l.n anti join scored on scored.n_l = l.fellow and scored.n_r = r.fellow
"""


@pytest.fixture(scope="module")
def rows():
    return population.people(700)[0]


def trained(rows, seen=None):
    with duckdb.connect() as con:
        con.register("contacts_in", population.canonical(rows))
        found = link.train(con, "contacts_in", path=None, seed=1)
        if seen is not None:
            seen["drawn"] = con.execute("select count(*) from drawn").fetchall()[0][0]
            seen["scored"] = con.execute("select count(*) from scored").fetchall()[0][0]
            seen["open"] = con.execute(_OPEN).fetchall()[0][0]
        return found


def test_a_share_of_the_records_teaches_what_all_do(rows, monkeypatch):
    whole, some = {}, {}
    expected = trained(rows, whole)
    monkeypatch.setattr(model, "MAX_TRAINING_RECORDS", len(rows) // 2)
    found = trained(rows, some)
    assert some["drawn"] == pytest.approx(len(rows) / 2, rel=0.1)
    assert some["scored"] < whole["scored"]
    assert some["open"] == 0, "the person of a drawn record is there whole"
    prior = "probability_two_random_records_match"
    assert found["splink"][prior] == pytest.approx(expected["splink"][prior], rel=0.25)
    assert found["join"] == pytest.approx(expected["join"], abs=1.0)
    assert found["households"] == pytest.approx(expected["households"], abs=1.0)

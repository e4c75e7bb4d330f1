"""In a table of several cultures a name says the city too: agreement on both does not count twice."""

import random
from datetime import date

import duckdb
import pytest

from orchestration.identity import link, scoring
from tests.unit.identity import population
from tests.unit.identity.population import contact

pytestmark = pytest.mark.one_engine

CULTURES = {
    "spain": (["jose", "maria", "carmen", "antonio", "lucia", "pablo"], ["garcia", "lopez", "sanchez", "romero"]),
    "japan": (["haruto", "yui", "sakura", "kenji", "akira", "naoko"], ["sato", "suzuki", "tanaka", "watanabe"]),
    "poland": (["jakub", "zofia", "agata", "piotr", "marek", "ewa"], ["nowak", "wojcik", "mazur", "krawczyk"]),
    "iran": (["ali", "zahra", "reza", "parisa", "hamid", "leila"], ["ahmadi", "karimi", "rezaei", "moradi"]),
}
CITIES = {"spain": "madrid", "japan": "tokyo", "poland": "krakow", "iran": "tehran"}


def people(*, is_mixed: bool):
    """900 people of four cultures, some twice; mixed: the city is no longer that of the name."""
    chance = random.Random(5)
    rows = []
    for number in range(900):
        culture = chance.choice(sorted(CULTURES))
        first, last = (chance.choice(names) for names in CULTURES[culture])
        city = CITIES[chance.choice(sorted(CITIES)) if is_mixed else culture]
        known = {
            "first_name": first,
            "last_name": last,
            "city_std": city,
            "email_std": f"{first}{number}@example.com",
            "birth_date": date(chance.randint(1940, 2000), chance.randint(1, 12), chance.randint(1, 28)),
        }
        for copy in range(1 + (number % 3 == 0)):
            rows.append(contact(f"crm:contacts:{number}-{copy}", **known))
    return rows


def weights_of_city(rows):
    """What a model learned from the rows adds for the same city, by pair of records that were compared."""
    with duckdb.connect() as con:
        con.register("contacts_in", population.canonical(rows))
        trained = link.train(con, "contacts_in", path=None, seed=1)
        scoring.score(con, trained, "candidates", "weighed")
        seen = con.execute("select avg(weight_locality) from weighed where gamma_locality > 0").fetchall()[0][0]
    return trained["lifts"]["city"], seen


@pytest.fixture(scope="module")
def learned():
    return weights_of_city(people(is_mixed=False)), weights_of_city(people(is_mixed=True))


def test_a_city_that_the_name_tells_adds_little(learned):
    (_, with_names), (_, apart) = learned
    assert apart > 1.0
    assert with_names < apart - 1.0


def test_the_lift_is_learned_from_the_table(learned):
    (lift, _), (lift_when_mixed, _) = learned
    assert lift > 20
    assert 0.5 < lift_when_mixed < 2

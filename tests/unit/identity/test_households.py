"""Households: who lives together, and the traps: buildings, roommates, post boxes, shared devices, movers."""

from datetime import datetime
from itertools import combinations

import duckdb
import pyarrow as pa
import pytest

from orchestration.identity.groups import households

_COLUMNS = {
    "person_id": pa.string(), "last_name_std": pa.string(), "street_std": pa.string(), "postal_code_std": pa.string(),
    "city_std": pa.string(), "email_std": pa.string(), "phone_std": pa.string(), "updated_at": pa.timestamp("us"),
}  # fmt: skip


def row(person, last=None, street=None, postal="20202", **more):
    values = {"person_id": person, "last_name_std": last, "street_std": street, "postal_code_std": postal}
    return dict.fromkeys(_COLUMNS) | values | {"updated_at": datetime(2017, 1, 1)} | more


def found(rows):
    with duckdb.connect() as con:
        con.register("contacts_in", pa.Table.from_pylist(rows, pa.schema(list(_COLUMNS.items()))))
        return {one["person_id"]: one for one in households.find(con, "contacts_in").to_pylist()}


def together(rows):
    """Pairs of people of one household."""
    people = found(rows)
    return {(a, b) for a, b in combinations(sorted(people), 2) if people[a]["part"] == people[b]["part"]}


def why(rows):
    return {name: one["why"] for name, one in found(rows).items()}


def test_one_last_name_at_one_address_is_a_household():
    rows = [row("ann", "lee", "1 oak st"), row("bob", "lee", "1 Oak St."), row("cid", "lee", "2 oak st")]
    assert together(rows) == {("ann", "bob")}
    assert why(rows) == {"ann": households.ADDRESS, "bob": households.ADDRESS, "cid": households.ALONE}


def test_the_same_street_elsewhere_is_another_place():
    assert together([row("ann", "lee", "1 oak st"), row("bob", "lee", "1 oak st", "90909")]) == set()


def test_roommates_stay_by_themselves():
    assert together([row("ann", "lee", "1 oak st"), row("bob", "ray", "1 oak st")]) == set()


def test_a_couple_of_two_names_is_one_by_the_phone_they_share():
    rows = [row("ann", "lee", "1 oak st", phone_std="+1"), row("bob", "ray", "1 oak st", phone_std="+1")]
    assert together(rows) == {("ann", "bob")}
    assert set(why(rows).values()) == {"shared phone"}


def test_a_shared_phone_without_name_or_place_says_nothing():
    assert (
        together([row("ann", "lee", "1 oak st", phone_std="+1"), row("bob", "ray", "7 elm st", phone_std="+1")])
        == set()
    )


def test_an_apartment_building_is_no_household():
    building = [row(f"p{n:02}", f"name{n % 25}", "1 tower sq") for n in range(30)]
    assert together(building) == set()
    assert len(found(building)) == 30
    family = [row("x1", "name1", "1 tower sq unit 7"), row("x2", "name1", "1 tower sq unit 7")]
    assert together(building + family) == {("x1", "x2")}


def test_a_building_full_of_one_name_is_no_household():
    assert together([row(f"p{n:02}", "kim", "1 tower sq") for n in range(30)]) == set()


def test_a_post_box_is_no_home():
    for street in ("po box 12", "P.O. Box 12", "postfach 12"):
        assert together([row("ann", "lee", street), row("bob", "lee", street)]) == set()


def test_one_device_does_not_join_two_homes():
    first = [row("a1", "lee", "1 oak st", phone_std="+1"), row("a2", "lee", "1 oak st")]
    second = [row("b1", "lee", "7 elm st", phone_std="+1"), row("b2", "lee", "7 elm st")]
    assert together(first + second) == {("a1", "a2"), ("b1", "b2")}


def test_somebody_without_a_home_joins_the_one_home_he_reaches_and_no_home_of_two():
    homes = [row("a1", "lee", "1 oak st", phone_std="+1"), row("a2", "lee", "1 oak st"),
             row("b1", "lee", "7 elm st", email_std="x@y.z"), row("b2", "lee", "7 elm st")]  # fmt: skip
    son = row("son", "lee", phone_std="+1")
    assert together([*homes, son]) == {("a1", "a2"), ("b1", "b2"), ("a1", "son"), ("a2", "son")}
    assert together([*homes, son | {"email_std": "x@y.z"}]) == {("a1", "a2"), ("b1", "b2")}


def test_a_switchboard_joins_nobody():
    assert (
        together([row(f"p{n}", "lee", phone_std="+1") for n in range(households.MOST_PEOPLE_PER_CONTACT + 1)]) == set()
    )


def test_who_moved_is_of_the_home_most_records_name():
    moved = [row("ann", "lee", "1 oak st"), row("ann", "lee", "7 elm st"), row("ann", "lee", "7 elm st")]
    rows = [*moved, row("mum", "lee", "1 oak st"), row("bob", "lee", "7 elm st")]
    assert together(rows) == {("ann", "bob")}


def test_of_two_places_given_as_often_the_one_with_the_family_counts():
    typo = [row("ann", "lee", "17 oak st"), row("ann", "lee", "1 oak st")]
    assert together([*typo, row("bob", "lee", "17 oak st")]) == {("ann", "bob")}


def test_who_gives_no_place_and_shares_nothing_has_no_household():
    assert found([row("ann", "lee", email_std="a@b.c")]) == {}


@pytest.mark.parametrize("seed", range(3))
def test_a_town_is_found_and_nobody_is_in_two(seed):
    import random

    chance = random.Random(seed)
    rows, truth = [], {}
    for number in range(120):
        last, street = f"family{chance.randrange(40)}", f"{number} {chance.choice(['oak', 'elm'])} st"
        for member in range(chance.randint(1, 5)):
            person = f"p{number:03}{member}"
            truth[person] = number
            rows.append(row(person, last, street, phone_std=f"+{number}" if chance.random() < 0.5 else None))
    rows += [row(f"tower{n:02}", f"family{n}", "1 tower sq") for n in range(30)]
    right = {(a, b) for a, b in combinations(sorted(truth), 2) if truth[a] == truth[b]}
    assert together(rows) == right
    chance.shuffle(rows)
    assert together(rows) == right

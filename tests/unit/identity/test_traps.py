"""What makes one person of two, or two of one: twins, families, terminals, shared inboxes, devices."""

from datetime import date

import pytest

from orchestration.identity.resolve import resolve
from orchestration.warehouse import engine
from tests.unit.identity import population
from tests.unit.identity.population import contact, identifier

HOME = {
    "last_name": "Castellano", "street_std": "12 elm st", "city_std": "dayton", "postal_code_std": "45401",
    "phone_std": "+19375550100", "email_std": "thecastellanos@example.com",
}  # fmt: skip

TWINS = [
    contact("receipts:members:t1", first_name="Nora", birth_date=date(1990, 4, 2), **HOME),
    contact("segment:users:t2", first_name="Nora", birth_date=date(1990, 4, 2), **HOME),
    contact("receipts:members:t3", first_name="Sofia", birth_date=date(1990, 4, 2), **HOME),
    contact("hubspot:contacts:t4", first_name="Sofia", birth_date=date(1990, 4, 2), **HOME),
    contact("mailer:subscribers:t5", email_std=HOME["email_std"]),
]
FATHER_AND_SON = [
    contact("receipts:members:f1", first_name="Emil", birth_date=date(1950, 5, 1), **HOME | {"last_name": "Quist Sr"}),
    contact("hubspot:contacts:f2", first_name="Emil", **HOME | {"last_name": "Quist Sr"}),
    contact("receipts:members:f3", first_name="Emil", birth_date=date(1981, 9, 17), **HOME | {"last_name": "Quist Jr"}),
]
RECYCLED = [
    contact("hubspot:contacts:r1", first_name="Igor", last_name="Falk", phone_std="+13035550111"),
    contact("receipts:members:r2", first_name="Rosa", last_name="Nemeth", phone_std="+13035550111"),
]
INBOX = [
    contact(f"hubspot:contacts:i{i}", first_name=first, last_name=last, email_std="info@firm.example")
    for i, (first, last) in enumerate([("Olga", "Ravn"), ("Yuri", "Blom"), ("Ines", "Toth")])
]
AGAIN = [
    contact(
        f"receipts:members:again{i}",
        first_name="Petra",
        last_name="Zeller",
        birth_date=date(1966, 2, 3),
        street_std="5 oak st",
    )
    for i in (1, 2)
]
THIN = [
    contact("segment:users:w1", first_name="Leon", last_name="Kovac", email_std="leon@example.org"),
    contact("mailer:subscribers:w2", email_std="leon@example.org"),
    contact("telemetry:devices:w3", email_std="leon@example.org"),
    contact("mailer:subscribers:lone1", email_std="nobody@example.org"),
    contact("telemetry:devices:lone2", email_std="nobody@example.org"),
]
SIGNED_IN = [
    contact("segment:users:s1", first_name="Vera", last_name="Lindqvist", email_std="vera@example.org"),
    contact("segment:users:s2", first_name="Hugo", last_name="Marchetti", email_std="hugo@example.org"),
]
BROWSERS = [
    *[identifier(r, "anonymous_id", "own") for r in ("segment:anonymous:own", "segment:users:s1")],
    *[
        identifier(r, "anonymous_id", "kiosk")
        for r in ("segment:anonymous:kiosk", "segment:users:s1", "segment:users:s2")
    ],
    *[identifier(r, "device_id", "phone1") for r in ("segment:anonymous:app", "segment:users:s2")],
    identifier("segment:anonymous:visitor", "anonymous_id", "visitor"),
    identifier("hubspot:contacts:card", "loyalty_number", "again1"),
]
CARD = [contact("hubspot:contacts:card", first_name="Petra", last_name="Zeller")]


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    from orchestration.settings import Settings

    settings = Settings(home=tmp_path_factory.mktemp("traps"))
    rows = population.people(60)[0] + TWINS + FATHER_AND_SON + RECYCLED + INBOX + AGAIN + THIN + SIGNED_IN + CARD
    population.write(settings, rows, BROWSERS)
    resolve(settings, as_of=None, run_id="traps")
    found = population.served(settings)
    with engine.reading(settings) as con:
        skipped = con.execute(
            "select identifier_type, identifier_value, count_people, reason from identity.skipped_identifiers"
        ).fetchall()
    return found, skipped


def together(people, *record_ids) -> bool:
    return len({people[0][record_id] for record_id in record_ids}) == 1


def test_twins_are_two_people(people):
    assert together(people, "receipts:members:t1", "segment:users:t2")
    assert together(people, "receipts:members:t3", "hubspot:contacts:t4")
    assert not together(people, "receipts:members:t1", "receipts:members:t3")


def test_a_family_email_says_nothing_about_who_subscribed(people):
    assert people[0]["mailer:subscribers:t5"] not in {people[0][row["record_id"]] for row in TWINS[:4]}
    assert ("email", HOME["email_std"], 3, "shared by several people") in [
        (kind, value, min(count or 0, 3), reason) for kind, value, count, reason in people[1]
    ]


def test_father_and_son_of_one_name_are_two_people(people):
    assert together(people, "receipts:members:f1", "hubspot:contacts:f2")
    assert not together(people, "receipts:members:f1", "receipts:members:f3")


def test_a_recycled_phone_joins_nobody(people):
    assert not together(people, "hubspot:contacts:r1", "receipts:members:r2")


def test_a_shared_inbox_joins_nobody(people):
    assert len({people[0][row["record_id"]] for row in INBOX}) == 3


def test_a_second_loyalty_number_is_no_second_person(people):
    assert together(people, "receipts:members:again1", "receipts:members:again2", "hubspot:contacts:card")


def test_a_record_with_only_an_email_joins_the_one_person_who_has_it(people):
    assert together(people, "segment:users:w1", "mailer:subscribers:w2", "telemetry:devices:w3")
    assert together(people, "mailer:subscribers:lone1", "telemetry:devices:lone2")


def test_a_browser_joins_who_signed_in(people):
    assert together(people, "segment:anonymous:own", "segment:users:s1")
    assert together(people, "segment:anonymous:app", "segment:users:s2")


def test_a_terminal_joins_nobody_and_is_reported(people):
    assert not together(people, "segment:users:s1", "segment:users:s2")
    assert people[0]["segment:anonymous:kiosk"] not in {people[0]["segment:users:s1"], people[0]["segment:users:s2"]}
    assert ("anonymous_id", "kiosk", 2, "shared by several people") in people[1]


def test_a_visitor_who_never_signed_in_is_a_unit_of_its_own(people):
    assert list(people[0].values()).count(people[0]["segment:anonymous:visitor"]) == 1

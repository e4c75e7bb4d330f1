"""Accounts: one for each company, and the traps: mail providers, misspelt names, people named like companies."""

import duckdb
import pyarrow as pa
import pytest

from orchestration.identity.groups import accounts

_CONTACT = ("person_id", "record_id", "company_name", "first_name_std", "last_name_std", "full_name", "email_std")
_COMPANY = ("company_id", "name", "domain")


def contact(person, company=None, email=None, first="ann", last="lee"):
    return dict(zip(_CONTACT, (person, f"hubspot:contacts:{person}", company, first, last, f"{first} {last}", email),
                    strict=True))  # fmt: skip


def table(rows, columns):
    return pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in columns]))


def found(contacts, companies=()):
    """Sets of keys, one for each account; and person -> keys of the accounts, with why."""
    listed = [dict(zip(_COMPANY, company, strict=True)) for company in companies]
    with duckdb.connect() as con:
        con.register("contacts_in", table(contacts, _CONTACT))
        con.register("companies_in", table(listed, _COMPANY))
        keys, people = accounts.find(con, "contacts_in", "companies_in")
    parts = {}
    for key in keys.to_pylist():
        parts.setdefault(key["part"], set()).add(key["key_value"])
    return (
        sorted(map(sorted, parts.values())),
        {(one["person_id"], tuple(sorted(parts[one["part"]]))): one["why"] for one in people.to_pylist()},
    )


def test_a_name_a_domain_and_a_company_record_are_one_account():
    keys, people = found(
        [contact("p1", "Acme Inc.", "a@acme.com"), contact("p2", None, "b@mail.acme.com"), contact("p3", "ACME")],
        [("c1", "Acme, Inc", "www.acme.com")],
    )
    assert keys == [["acme", "acme.com", "c1"]]
    assert {person: why for (person, _), why in people.items()} == {
        "p1": "company name, e-mail domain", "p2": "e-mail domain", "p3": "company name",
    }  # fmt: skip


@pytest.mark.parametrize(
    "domain", ["gmail.com", "yahoo.co.uk", "t-online.de", "comcast.net", "privaterelay.appleid.com"]
)
def test_a_mail_provider_is_no_company(domain):
    assert found([contact("p1", None, f"a@{domain}"), contact("p2", "Acme", f"b@{domain}")])[0] == [["acme"]]


def test_a_provider_that_no_list_knows_is_seen_by_the_companies_of_its_people():
    words = ["anvil", "birch", "cedar", "delta", "ember", "frost", "glade", "haven", "inlet"]
    rows = [contact(f"p{n}", f"{word} works", f"{n}@mailers.example") for n, word in enumerate(words)]
    keys, _ = found(rows)
    assert len(keys) == 9
    assert not [key for key in keys if "mailers.example" in key]


def test_a_provider_that_no_list_knows_is_seen_by_people_who_name_no_company():
    rows = [contact(f"p{n}", None, f"{n}@isp.example") for n in range(60)]
    assert found(rows)[0] == []
    assert found(rows[:20])[0] == [["isp.example"]]
    assert found(rows, [("c1", "Isp", "isp.example")])[0] == [["c1", "isp", "isp.example"]]


def test_a_misspelt_name_is_the_usual_one_and_another_number_is_not():
    rows = [contact(f"p{n}", "Brightwater Foods") for n in range(6)] + [contact("p7", "Brightwter Foods")]
    keys, people = found(rows)
    assert keys == [["brightwater foods", "brightwter foods"]]
    assert len(people) == 7
    plants = [contact(f"p{n}", "Plant Works 4") for n in range(6)] + [contact("p7", "Plant Works 5")]
    assert len(found(plants)[0]) == 2


def test_a_person_named_like_a_company_is_none():
    own = [contact("p1", "John Deere", first="john", last="deere"), contact("p2", None, first="baker", last="printing")]
    assert found(own)[0] == []
    keys, people = found(own, [("c1", "John Deere", "deere.com")])
    assert keys == [["c1", "deere.com", "john deere"]]
    assert [person for person, _ in people] == ["p1"]


@pytest.mark.parametrize("told", ["n/a", "Self-employed", "none", "Retired", "-", "x"])
def test_what_is_no_company_makes_none(told):
    assert found([contact("p1", told)])[0] == []


def test_two_companies_of_one_name_stay_two_and_the_name_alone_says_neither():
    companies = [("c1", "Smith Travel", "smithtravel.com"), ("c2", "Smith Travel", "smith-travel.org")]
    keys, people = found(
        [contact("p1", "Smith Travel", "a@smithtravel.com"), contact("p2", "Smith Travel", "b@smith-travel.org"),
         contact("p3", "Smith Travel", "c@gmail.com")],
        companies,
    )  # fmt: skip
    assert keys == [["c1", "smithtravel.com"], ["c2", "smith-travel.org"]]
    assert {person for person, _ in people} == {"p1", "p2"}


def test_who_changed_jobs_joins_no_companies():
    rows = [contact(f"a{n}", "Acme", f"a{n}@acme.com") for n in range(3)]
    rows += [contact(f"g{n}", "Globex", f"g{n}@globex.com") for n in range(3)]
    keys, people = found([*rows, contact("p", "Globex", "p@acme.com")])
    assert keys == [["acme", "acme.com"], ["globex", "globex.com"]]
    assert [why for (person, _), why in people.items() if person == "p"] == ["e-mail domain", "company name"]


def test_a_domain_unlike_its_name_belongs_to_it_when_several_say_so():
    rows = [contact(f"p{n}", "International Business Machines", f"{n}@ibm.com") for n in range(2)]
    assert found(rows)[0] == [["ibm.com", "international business machines"]]


def test_records_of_one_company_without_domain_are_one():
    assert found([], [("c1", "Acme", None), ("c2", "ACME Ltd", None)])[0] == [["acme", "c1", "c2"]]
    assert found([], [("c1", "Acme", None), ("c2", "Acme", "acme.com")])[0] == [["acme", "acme.com", "c1", "c2"]]


def test_order_of_rows_changes_nothing():
    rows = [contact(f"p{n}", f"Firm {n % 7}", f"{n}@firm{n % 7}.com") for n in range(40)]
    assert found(rows) == found(rows[::-1])

"""Roles of columns, guessed from names in many languages and from values, or said by the owner."""

from pathlib import Path

import duckdb
import pytest

from orchestration.identity.any_table.assignment import assigned, guess_roles, overridden
from orchestration.identity.any_table.facts import column_facts
from orchestration.identity.any_table.roles import is_answer, tokens
from orchestration.warehouse.files import Column, TableError

FIRST = ["Robert", "Susan", "James", "Barbara", "Thomas", "Elizabeth", "William", "Deborah", "Joseph", "Margaret"]
LAST = ["Okafor", "Lindqvist", "Marchetti", "Novak", "Delacroix", "Yamada", "Petersen", "Haddad", "Ruiz", "Kowalski"]


def value(kind: str, row: int) -> str | None:
    """A plausible value of a kind for a row; ten rows make twenty, so most repeat."""
    person = row % 10
    return {
        "key": f"R{row:04}",
        "first": FIRST[person],
        "last": LAST[person],
        "full": f"{FIRST[person]} {LAST[person]}",
        "date": f"{1950 + person}-0{1 + person % 9}-1{person % 9}",
        "compact date": f"{1950 + person}0{1 + person % 9}1{person % 9}",
        "recent": f"2024-0{1 + person % 9}-1{person % 9} 10:11:1{person % 9}",
        "mail": f"{FIRST[person].lower()}@mail{row % 3}.example",
        "phone": f"+1 212-555-01{person}{person}",
        "digits": f"555010{row % 7}{person}",
        "zip": f"1000{person}",
        "street": f"{person + 1} Main Street",
        "number": str(person + 1),
        "place": ["Berlin", "Paris", "Rome", "Oslo"][person % 4],
        "word": ["red", "green", "blue"][person % 3],
        "gender": "mf"[person % 2],
        "system": ["crm", "shop"][row % 2],
        "person": f"P{person}",
        "ssn": f"123-45-678{person}",
        "mr": ["Mr", "Mrs", "Ms"][person % 3],
        "job": ["Nurse", "Pilot", "Baker"][person % 3],
        "flag": ["true", "false"][row % 2],
        "amount": f"{row}.5",
        "url": f"https://linkedin.com/in/p{person}",
        "same": "x",
        "nothing": None,
    }[kind]


def guessed(**kinds: str) -> dict[str, str | None]:
    """The guess for each column of a table of twenty rows, columns by name with the kind of their values."""
    return {guess.column.name: guess.role for guess in guesses_of(kinds)}


def guesses_of(kinds: dict[str, str]):
    columns = [Column(name, f"c{place}", "VARCHAR") for place, name in enumerate(kinds)]
    with duckdb.connect() as con:
        con.execute(f"create table given (row_no bigint, {', '.join(f'{c.at} varchar' for c in columns)})")
        rows = [[row, *(value(kind, row) for kind in kinds.values())] for row in range(1, 21)]
        con.executemany(f"insert into given values ({', '.join('?' * (len(columns) + 1))})", rows)
        return guess_roles(columns, column_facts(con, "given", "given", columns))


@pytest.mark.parametrize(
    ("kinds", "roles"),
    [
        pytest.param(
            {"given_name": "first", "surname": "last", "dob": "compact date", "postcode": "zip", "suburb": "place",
             "soc_sec_id": "ssn"},
            ["first_name", "last_name", "birth_date", "postal_code", "city", "national_id"], id="FEBRL",
        ),
        pytest.param(
            {"NAME_FULL": "full", "DATE_OF_BIRTH": "date", "ADDR_LINE1": "street", "ADDR_CITY": "place",
             "ADDR_POSTAL_CODE": "zip", "PHONE_NUMBER": "phone", "EMAIL_ADDRESS": "mail", "SSN_NUMBER": "ssn",
             "DATA_SOURCE": "system", "RECORD_ID": "key", "EMPLOYER": "word", "PRIMARY_NAME_FIRST": "first"},
            ["full_name", "birth_date", "street", "city", "postal_code", "phone", "email", "national_id", "source",
             "record_id", "company_name", "first_name"], id="upper case with prefixes",
        ),
        pytest.param(
            {"Vorname": "first", "Nachname": "last", "Geburtsdatum": "date", "PLZ": "zip", "Ort": "place",
             "Straße": "street", "Handy": "phone", "Firma": "word", "Geschlecht": "gender", "Beruf": "job"},
            ["first_name", "last_name", "birth_date", "postal_code", "city", "street", "phone", "company_name",
             "gender", "occupation"], id="German",
        ),
        pytest.param(
            {"prénom": "first", "nom": "last", "date de naissance": "date", "code postal": "zip", "ville": "place",
             "téléphone": "phone", "courriel": "mail"},
            ["first_name", "last_name", "birth_date", "postal_code", "city", "phone", "email"], id="French",
        ),
        pytest.param(
            {"nombre": "first", "apellidos": "last", "fecha_nacimiento": "date", "ciudad": "place", "correo": "mail"},
            ["first_name", "last_name", "birth_date", "city", "email"], id="Spanish",
        ),
        pytest.param(
            {"contactFirstName": "first", "contactLastName": "last", "homePhone": "phone", "mailingCity": "place",
             "JobTitle": "job", "OrgName": "word", "birthPlace": "place"},
            ["first_name", "last_name", "phone", "city", "job_title", "company_name", "birth_place"], id="camel case",
        ),
    ],
)  # fmt: skip
def test_usual_names_are_known(kinds, roles):
    assert list(guessed(**kinds).values()) == roles


@pytest.mark.parametrize(
    ("kinds", "column", "role"),
    [
        pytest.param({"name": "full"}, "name", "full_name", id="alone it is the whole name"),
        pytest.param({"name": "first", "surname": "last"}, "name", "first_name", id="beside a surname, the first"),
        pytest.param({"vorname": "first", "name": "last"}, "name", "last_name", id="beside a first name, the last"),
        pytest.param({"title": "mr", "n": "full"}, "title", None, id="a title that is Mr is left out"),
        pytest.param({"title": "job", "n": "full"}, "title", "job_title", id="a title that is a job"),
        pytest.param({"phone_type": "word", "phone": "phone"}, "phone_type", None, id="a kind of phone is no phone"),
        pytest.param({"email": "flag", "n": "full"}, "email", None, id="a yes or no called email is no e-mail"),
        pytest.param({"ethnicity": "word", "n": "full"}, "ethnicity", "other", id="ethnicity is no city"),
        pytest.param({"created_at": "recent", "n": "full"}, "created_at", None, id="when a record was made"),
        pytest.param({"linkedin_url": "url", "n": "full"}, "linkedin_url", "other", id="a URL is compared as it is"),
        pytest.param({"total_spend": "amount", "n": "full"}, "total_spend", None, id="an amount says nothing"),
        pytest.param({"colour": "same", "n": "full"}, "colour", None, id="the same in every row"),
        pytest.param({"email": "nothing", "n": "full"}, "email", None, id="a column without values"),
        pytest.param({"customer_id": "person", "n": "full"}, "customer_id", None, id="an id that repeats"),
    ],
)
def test_names_alone_do_not_decide(kinds, column, role):
    assert guessed(**kinds)[column] == role


@pytest.mark.parametrize(
    ("kind", "role"),
    [
        ("mail", "email"), ("phone", "phone"), ("date", "birth_date"), ("zip", "postal_code"), ("ssn", "national_id"),
        ("gender", "gender"), ("street", "street"), ("full", "full_name"), ("first", "first_name"), ("recent", None),
    ],
)  # fmt: skip
def test_values_tell_where_the_name_does_not(kind, role):
    assert guessed(field_x=kind)["field_x"] == role


@pytest.mark.parametrize(
    "name",
    ["truth_id", "cluster", "ClusterID", "entity_id", "match_type", "person_id", "is_duplicate", "master_id", "gold",
     "household_id", "canonical_id", "golden_record_id", "groundTruth", "dup_of"],
)  # fmt: skip
def test_a_known_answer_is_no_evidence(name):
    assert is_answer(name)
    guess = next(g for g in guesses_of({"name": "full", name: "person"}) if g.column.name == name)
    assert guess.role is None
    assert guess.why == "left out: looks like a known answer"


@pytest.mark.parametrize("name", ["first_name", "LinkedIn", "email", "source", "company", "linkedin_url", "city"])
def test_ordinary_columns_are_no_answers(name):
    assert not is_answer(name)


def test_the_record_id_is_the_surest_unique_column():
    assert guessed(customer_id="key", id="key", name="full") == {
        "customer_id": None, "id": "record_id", "name": "full_name",
    }  # fmt: skip
    assert guessed(customer_id="key", name="full")["customer_id"] == "record_id"
    assert guessed(id="person", name="full")["id"] is None


def test_a_street_is_joined_in_the_order_of_writing_and_phones_are_all_kept():
    guesses = guesses_of(
        {"address_2": "place", "address_1": "street", "street_number": "number", "phone 1": "phone", "mobile": "phone"}
    )
    roles = assigned(guesses)
    assert [column.name for column in roles["street"]] == ["street_number", "address_1", "address_2"]
    assert [column.name for column in roles["phone"]] == ["phone 1", "mobile"]


def test_one_column_a_role_and_more_numbers_are_compared_as_they_are():
    found = guessed(home_city="place", city="place", ssn="ssn", passport_no="digits")
    assert found == {"home_city": None, "city": "city", "ssn": "national_id", "passport_no": "other"}


def test_the_owner_overrules_the_guess():
    guesses = guesses_of(
        {"name": "last", "dob": "date", "city": "place", "x": "word", "street": "street", "nr": "number"}
    )
    said = ["last_name=NAME,birth_date=", "ignore=x", "street=nr,street=street"]
    found = overridden(guesses, said, Path("t.csv"))
    roles = {role: [column.name for column in columns] for role, columns in assigned(found).items()}
    assert roles == {"last_name": ["name"], "city": ["city"], "street": ["nr", "street"]}


@pytest.mark.parametrize("said", ["first_name=name,phone=city", "Name=first_name,city=phone"])
def test_role_and_column_are_understood_whichever_comes_first(said):
    found = assigned(overridden(guesses_of({"name": "last", "city": "place"}), [said], Path("t.csv")))
    assert {role: [column.name for column in columns] for role, columns in found.items()} == {
        "first_name": ["name"],
        "phone": ["city"],
    }


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ("frist_name=name", "there is no role 'frist_name' (did you mean first_name?)"),
        ("first_name=nam", "there is no column 'nam'; columns: name"),
        ("first_name", "write role=column"),
        ("Vorname", "write role=column"),
    ],
)
def test_a_wrong_override_says_what_there_is(said, complaint):
    with pytest.raises(TableError) as raised:
        overridden(guesses_of({"name": "full"}), [said], Path("t.csv"))
    assert complaint in str(raised.value)


def test_names_of_columns_are_parted_into_words():
    assert tokens("DateOfBirth") == ["date", "of", "birth"]
    assert tokens("DOB") == ["dob"]
    assert tokens("Straße-Nr.") == ["strasse", "nr"]
    assert tokens("téléphone2") == ["telephone", "2"]

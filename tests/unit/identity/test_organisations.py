"""Organisations among persons: who is one, and two spellings of one."""

import duckdb
import pyarrow as pa
import pytest

from orchestration.identity import dictionaries, names, organisations, records

COLUMNS = (
    "record_id", "source", "first_name", "middle_name", "last_name", "full_name", "company_name", "job_title",
    "birth_date", "gender", "occupation",
)  # fmt: skip


def compared(name: str) -> str:
    """One organisation's name as compared."""
    with duckdb.connect() as con:
        return con.execute(
            f"select {organisations.compared(names.clean('name'))} from (select ? as name)", [name]
        ).fetchall()[0][0]


@pytest.mark.parametrize(("one", "other"), [
    ("Intl. Bearing Corp", "International Bearing"),
    ("Univ of Northern Plains", "University of Northern Plains"),
    ("Mueller und Soehne Gesellschaft mbH", "Müller & Söhne GmbH"),
    ("ACME MFG CO", "Acme Manufacturing Company"),
])  # fmt: skip
def test_two_spellings_of_one_organisation_are_compared_alike(one, other):
    assert compared(one) == compared(other)


def test_two_organisations_are_not():
    assert compared("Cascade Hydraulics Inc") != compared("Cascade Hydroponics Inc")


@pytest.mark.parametrize(("given", "is_one"), [
    ({"full_name": "First Church of Rome"}, True),
    ({"full_name": "Deutsche Bank"}, True),
    ({"first_name": "Charlotte", "last_name": "Church"}, False),
    ({"first_name": "P.", "last_name": "KK"}, False),
    ({"first_name": "Acme", "last_name": "Holdings Inc"}, True),
    ({"company_name": "Acme"}, True),
    ({"company_name": "Acme", "job_title": "data engineer"}, False),
    ({"company_name": "Acme", "gender": "f"}, False),
])  # fmt: skip
def test_who_is_an_organisation(given, is_one):
    rows = [dict.fromkeys(COLUMNS) | {"record_id": "a", "source": "crm"} | given]
    with duckdb.connect() as con:
        con.register("contacts_in", pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in COLUMNS])))
        dictionaries.begin(con)
        records.prepare(con, "contacts_in")
        assert con.execute("select is_organisation from records").fetchall() == [(is_one,)]

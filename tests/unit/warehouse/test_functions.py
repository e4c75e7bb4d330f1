"""The functions SQL lacks, called in Python and as the engine calls them. Rules that SQL says are dbt unit tests."""

import duckdb
import pytest

from orchestration.warehouse.functions import Plugin, phone_e164, register_duckdb


@pytest.mark.parametrize(
    ("typed", "region", "expected"),
    [
        pytest.param("(212) 736-5000", "US", "+12127365000", id="as dialled in its country"),
        pytest.param("212.736.5000", "US", "+12127365000", id="dots"),
        pytest.param("1-212-736-5000", "US", "+12127365000", id="trunk prefix"),
        pytest.param("+49 (0)30 12345678", "US", "+493012345678", id="another country's code wins over the region"),
        pytest.param("030 12345678", "DE", "+493012345678", id="the region decides"),
        pytest.param("212-736-5000 ext. 12", "US", "+12127365000", id="an extension is dropped"),
        pytest.param("2127365000", None, None, id="no region, no code: cannot be read"),
        pytest.param("+12127365000", None, "+12127365000", id="no region needed with a code"),
        pytest.param("12345", "US", None, id="too short"),
        pytest.param("999-234-5678", "US", None, id="no such area code"),
        pytest.param("call me", "US", None, id="no number"),
        pytest.param("2127365000" * 10, "US", None, id="overlong"),
        pytest.param("", "US", None, id="empty"),
        pytest.param(None, "US", None, id="missing"),
    ],
)
def test_a_phone_is_read_as_dialled_in_its_region(typed, region, expected):
    assert phone_e164(typed, region) == expected


def test_sql_gives_what_python_gives_for_every_row_of_many_chunks():
    with duckdb.connect() as con:
        register_duckdb(con)
        rows = con.execute(
            "select typed, region, phone_e164(typed, region) from ("
            "  select case when i % 7 = 0 then null else '(212) 736-' || cast(1000 + i % 500 as varchar) end as typed,"
            "  case when i % 5 = 0 then 'DE' else 'US' end as region from range(10000) as numbers(i))"
        ).fetchall()
    assert len(rows) == 10_000
    assert all(found == phone_e164(typed, region) for typed, region, found in rows)
    assert {found is None for _, _, found in rows} == {True, False}


def test_registering_twice_on_one_connection_is_harmless():
    with duckdb.connect() as con:
        register_duckdb(con)
        register_duckdb(con)
        assert con.execute("select phone_e164('212-736-5000', 'US')").fetchall() == [("+12127365000",)]


def test_the_dbt_plugin_gives_the_cursors_of_its_connection_the_functions():
    with duckdb.connect() as con:
        plugin = Plugin(name="functions", plugin_config={}, credentials=None)
        plugin.configure_connection(con)
        cursor = con.cursor()
        plugin.configure_cursor(cursor)
        assert cursor.execute("select phone_e164('212-736-5000', 'US')").fetchall() == [("+12127365000",)]

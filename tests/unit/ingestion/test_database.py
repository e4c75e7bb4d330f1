"""Reading tables of PostgreSQL, against a real server."""

import json
import sys
from types import SimpleNamespace

import psycopg
import pytest
import yaml

from data_contracts import contract
from ingestion import changes, database, landing, records
from ingestion.batch import SourceError
from tests.drop_data import current
from tests.postgres_server import PASSWORD, server

SYSTEM = "booking"
CURSORS = {"guests": "updated_at"}
COLUMNS = {"id": "integer", "full_name": "string", "updated_at": "timestamp"}
GUESTS = """
    create table guests (id bigint primary key, full_name text, updated_at timestamptz, secret text);
    insert into guests select n, 'Guest ' || n, timestamptz '2017-03-01 12:00:00Z' + n * interval '1 hour', 'x'
    from generate_series(1, 9) as n
"""


@pytest.fixture(scope="module")
def address():
    with server() as found:
        yield found


@pytest.fixture
def run(address, monkeypatch):
    """Runs SQL as the owner of an empty database, to which the source is pointed."""
    admin = f"postgresql://admin:{PASSWORD}@{address}/"
    with psycopg.connect(admin + "postgres", autocommit=True) as connection:
        connection.execute("drop database if exists booking with (force)")
        connection.execute("create database booking")
    monkeypatch.setenv("BOOKING_DATABASE_URL", admin + "booking")
    with psycopg.connect(admin + "booking", autocommit=True) as connection:
        yield connection.execute


@pytest.fixture
def write_contract(tmp_path, monkeypatch):
    """Writes the contract of `booking`: {table: {column: type or (type, path)}}; names paths of tables apart."""
    monkeypatch.setattr(contract, "FOLDER", tmp_path)
    (tmp_path / "sources").mkdir()

    def write(tables, **paths):
        schema = [
            {
                "name": name,
                **({"physicalName": paths[name]} if name in paths else {}),
                "properties": [_property(*entry) for entry in columns.items()],
            }
            for name, columns in tables.items()
        ]
        document = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "x", "name": SYSTEM, "domain": "booking"}
        document |= {"version": "1.0.0", "status": "active", "schema": schema}
        (tmp_path / "sources" / "booking.odcs.yaml").write_text(yaml.safe_dump(document))

    write({"guests": COLUMNS})
    return write


def _property(name, declared):
    kind, path = declared if isinstance(declared, tuple) else (declared, name)
    logical, _, physical = kind.partition(" ")
    described = {"name": name, "logicalType": logical, "physicalName": path, "primaryKey": name == "id"}
    return described | ({"physicalType": physical} if physical else {})


@pytest.fixture
def pull(run, write_contract):
    """Pulls once; returns {table: rows}. The state goes through JSON, as it does between two runs."""

    def read(state, tables=CURSORS):
        found = {}
        kept = json.loads(json.dumps(state))
        for batch in database.batches(SYSTEM, kept, tables=tables):
            found.setdefault(batch.resource, []).extend(json.loads(raw) for raw in batch.records["raw"].to_pylist())
        state.clear()
        state.update(json.loads(json.dumps(kept)))
        return found

    return read


def ids(found, table="guests"):
    return sorted(row["id"] for row in found.get(table, []))


def test_everything_comes_first_with_the_columns_of_the_contract_and_nothing_the_second_time(run, pull):
    run(GUESTS)
    state = {}
    found = pull(state)
    assert ids(found) == list(range(1, 10))
    assert found["guests"][0] == {"id": 1, "full_name": "Guest 1", "updated_at": "2017-03-01T13:00:00+00:00"}
    before = json.dumps(state)
    assert pull(state) == {}
    assert json.dumps(state) == before


def test_only_what_is_new_or_changed_comes_again(run, pull):
    run(GUESTS)
    state = {}
    pull(state)
    run("update guests set full_name = 'Else', updated_at = '2017-03-02 01:00Z' where id = 4")
    run("insert into guests values (10, 'Ten', '2017-03-02 01:00Z')")
    assert ids(pull(state)) == [4, 10]
    assert pull(state) == {}


def test_of_rows_changed_at_the_same_moment_only_the_ones_not_yet_read_come(run, pull):
    run(GUESTS)
    run("update guests set updated_at = '2017-03-02 01:00Z'")
    state = {}
    pull(state)
    run("insert into guests values (10, 'Ten', '2017-03-02 01:00Z')")
    assert ids(pull(state)) == [10]
    assert pull(state) == {}


def test_a_row_that_shows_late_behind_the_newest_one_comes(run, pull):
    run(GUESTS)
    state = {}
    pull(state)
    run("insert into guests select 10, 'Late', max(updated_at) - interval '4 minutes' from guests")
    assert ids(pull(state)) == [10]


def test_more_rows_of_one_moment_than_are_remembered_do_not_come_again(run, pull, monkeypatch):
    monkeypatch.setattr(changes, "MAX_REMEMBERED", 5)
    run(GUESTS)
    run("update guests set updated_at = '2017-03-02 01:00Z'")
    state = {}
    assert len(ids(pull(state))) == 9
    assert state["guests"]["seen"] == []
    assert pull(state) == {}
    run("insert into guests values (10, 'Ten', '2017-03-02 02:00Z')")
    assert ids(pull(state)) == [10]
    # One more of that moment: which one cannot be told, so all of it comes, and then no more.
    run("insert into guests select n, 'Eleven', '2017-03-02 02:00Z' from generate_series(11, 17) as n")
    assert ids(pull(state)) == [*range(11, 18)]
    run("insert into guests values (18, 'Late', '2017-03-02 02:00Z')")
    assert ids(pull(state)) == [*range(10, 19)]
    assert pull(state) == {}


def test_a_table_without_a_cursor_gives_what_differs(run, pull):
    run(GUESTS)
    state, whole = {}, {"guests": None}
    assert len(ids(pull(state, whole))) == 9
    assert pull(state, whole) == {}
    run("update guests set full_name = 'Else' where id = 4; delete from guests where id = 5")
    run("update guests set secret = 'y'")
    assert ids(pull(state, whole)) == [4]
    assert pull(state, whole) == {}


def test_rows_without_a_moment_and_rows_of_the_future_hide_nothing(run, pull):
    run(GUESTS)
    run("update guests set updated_at = null where id = 1; update guests set updated_at = '2999-01-01Z' where id = 2")
    state = {}
    assert len(ids(pull(state))) == 9
    assert pull(state) == {}
    run("update guests set updated_at = '2017-03-02 01:00Z' where id = 3; insert into guests values (10, 'No moment')")
    assert ids(pull(state)) == [3, 10]
    assert pull(state) == {}


def test_an_empty_table_is_no_news(run, pull):
    run(GUESTS)
    run("delete from guests")
    state = {}
    assert pull(state) == {}
    run("insert into guests values (1, 'One', '2017-03-02 01:00Z')")
    assert ids(pull(state)) == [1]


@pytest.mark.parametrize(
    ("kind", "moments"),
    [
        ("timestamp", ("2017-03-01 12:00", "2017-03-01 12:01")),
        ("date", ("2017-03-01", "2017-03-01")),
        ("bigint", ("5", "6")),
        ("numeric", ("5.25", "5.26")),
        ("moment", ("2017-03-01 12:00Z", "2017-03-01 12:01Z")),
    ],
)
def test_moments_dates_and_numbers_serve_as_a_cursor(run, pull, write_contract, kind, moments):
    run("create domain moment as timestamptz")
    run(f"create table guests (id bigint, version {kind}); insert into guests values (1, '{moments[0]}')")
    write_contract({"guests": {"id": "integer", "version": "string"}})
    state, cursors = {}, {"guests": "version"}
    assert ids(pull(state, cursors)) == [1]
    run(f"insert into guests values (2, '{moments[1]}')")
    assert ids(pull(state, cursors)) == [2]
    assert pull(state, cursors) == {}


def test_a_column_added_to_the_contract_reads_the_table_anew(run, pull, write_contract):
    run(GUESTS)
    state = {}
    pull(state)
    write_contract({"guests": COLUMNS | {"secret": "string"}})
    assert [row["secret"] for row in pull(state)["guests"]] == ["x"] * 9
    assert pull(state) == {}


def test_tables_and_columns_may_have_other_names_in_the_database(run, pull, write_contract):
    run("""create schema hotel; create table hotel."Guest List" ("Id" int, home jsonb, seen timestamptz)""")
    run("""insert into hotel."Guest List" values (1, '{"city": "Troy"}', '2017-03-01Z')""")
    columns = {"id": ("integer", "Id"), "city": ("string", "home.city"), "updated_at": ("timestamp", "seen")}
    write_contract({"guests": columns}, guests="hotel.Guest List")
    [row] = pull({})["guests"]
    assert row == {"Id": 1, "home": {"city": "Troy"}, "seen": "2017-03-01T00:00:00+00:00"}


def test_values_land_as_they_are_in_the_database(run, write_contract, tmp_path, monkeypatch):
    run(
        """create table guests (id bigint, full_name text, amount numeric, share double precision, is_vip boolean,
        born date, seen timestamptz, noted timestamp, extra json, updated_at timestamptz)"""
    )
    name = 'Zoë "Zo" \\n O\'Neil,\nback\\slash\tü 😀'
    # JSON as typed keeps its line breaks.
    values = (name, "1234567890123456.78", 0.1, True, "1980-02-29", "2017-03-01 10:00+02", "2017-03-01 10:00")
    run(
        "insert into guests values (9007199254740993, %s, %s, %s, %s, %s, %s, %s, %s, now())",
        [*values, '{"a":\r\n [1, "\\u00e9"]}'],
    )
    run("insert into guests (id) values (2)")
    columns = {"id": "integer", "full_name": "string", "amount": "number decimal(18,2)", "share": "number"}
    columns |= {"is_vip": "boolean", "born": "date", "seen": "timestamp", "noted": "timestamp", "extra": "string json"}
    write_contract({"guests": columns | {"updated_at": "timestamp"}})
    source = SimpleNamespace(batches=lambda state: database.batches(SYSTEM, state, tables=CURSORS))
    monkeypatch.setattr(landing, "discover", lambda: {SYSTEM: source})
    report = landing.land(SYSTEM, tmp_path / "home")
    assert (report.resources["guests"].landed, report.resources["guests"].quarantined) == (2, 0)
    texts = ", ".join(f"cast({column} as varchar)" for column in columns)
    landed = {row[0]: row[1:] for row in current(tmp_path / "home", SYSTEM, "guests", texts)}
    assert landed["2"] == (None,) * 8
    *plain, extra = landed["9007199254740993"]
    assert plain == [
        name, "1234567890123456.78", "0.1", "true", "1980-02-29", "2017-03-01 08:00:00", "2017-03-01 10:00:00"
    ]  # fmt: skip
    assert json.loads(extra) == {"a": [1, "é"]}
    assert landing.land(SYSTEM, tmp_path / "home").load_ids == ()


def test_a_large_table_comes_in_parts_numbered_through(run, write_contract, monkeypatch):
    monkeypatch.setattr(records, "CHUNK_BYTES", 50_000)
    run(GUESTS)
    run("insert into guests select n, 'Guest', '2017-03-05Z' from generate_series(10, 5000) as n")
    parts = [batch.records["line"].to_pylist() for batch in database.batches(SYSTEM, {}, tables=CURSORS)]
    assert len(parts) > 5
    assert [line for part in parts for line in part] == list(range(1, 5001))


def refused(pull, *words, state=None, **arguments):
    state = {} if state is None else state
    with pytest.raises(SourceError) as caught:
        pull(state, **arguments)
    message = str(caught.value)
    assert message.startswith("booking: ")
    assert all(word in message for word in words), message
    assert PASSWORD not in f"{message} {caught.value.__cause__}"


def test_without_an_address_the_variable_is_named(pull, monkeypatch):
    monkeypatch.delenv("BOOKING_DATABASE_URL")
    refused(pull, "BOOKING_DATABASE_URL is not set", "postgresql://user:password@host:5432/database")


@pytest.mark.parametrize(
    "url", [f"user:{PASSWORD}@here", f"postgresql://u:{PASSWORD}%zz@here", f"mysql://{PASSWORD}@h"]
)
def test_an_unusable_address_is_told_without_its_password(pull, monkeypatch, url):
    monkeypatch.setenv("BOOKING_DATABASE_URL", url)
    refused(pull, "BOOKING_DATABASE_URL is not an address")


def test_a_wrong_password_and_a_wrong_database_are_told(pull, address, monkeypatch):
    monkeypatch.setenv("BOOKING_DATABASE_URL", f"postgresql://admin:not-{PASSWORD}@{address}/booking")
    refused(pull, 'password authentication failed for user "admin"', "correct user, password and database")
    monkeypatch.setenv("BOOKING_DATABASE_URL", f"postgresql://admin:{PASSWORD}@{address}/bookings")
    refused(pull, 'database "bookings" does not exist', "BOOKING_DATABASE_URL")


def test_a_server_that_is_away_is_told(pull, monkeypatch):
    monkeypatch.setenv("BOOKING_DATABASE_URL", f"postgresql://admin:{PASSWORD}@127.0.0.1:1/booking")
    refused(pull, "port 1 failed", "that the server is up")


def test_between_machines_the_connection_is_encrypted(pull, address, monkeypatch):
    asked = {}
    monkeypatch.setattr(psycopg, "connect", lambda **parameters: asked.update(parameters) or 1 / 0)
    for url, mode in [("10.9.8.7/x", "require"), ("10.9.8.7/x?sslmode=disable", "disable"), ("127.0.0.1/x", None)]:
        asked.clear()
        monkeypatch.setenv("BOOKING_DATABASE_URL", f"postgresql://admin@{url}")
        with pytest.raises(ZeroDivisionError):
            pull({})
        assert asked.get("sslmode") == mode
    monkeypatch.undo()


def test_a_server_that_cannot_encrypt_is_told(pull, address, monkeypatch):
    monkeypatch.setenv("BOOKING_DATABASE_URL", f"postgresql://admin:{PASSWORD}@{address}/booking?sslmode=require")
    refused(pull, "does not support SSL", "?sslmode=disable")


def test_a_table_that_is_not_there_is_named_with_the_nearest(run, pull):
    run("create schema hotel; create table hotel.guest (id int)")
    refused(pull, "database 'booking' has no table 'guests' (is it 'hotel.guest'?)", "physicalName of table guests")


def test_a_column_that_is_not_there_is_named_with_the_nearest(run, pull):
    run("create table guests (id int, fullname text, updated_at timestamptz)")
    refused(pull, "table guests has no column 'full_name' (is it 'fullname'?)", "booking.odcs.yaml")


def test_a_cursor_that_cannot_be_one_is_told(run, pull):
    run(GUESTS)
    refused(pull, "'updated'", "is it 'updated_at'?", tables={"guests": "updated"})
    refused(pull, "'full_name', is of type text", "timestamp, date or number", tables={"guests": "full_name"})


def test_a_table_of_the_contract_that_nobody_reads_is_told(run, pull, write_contract):
    run(GUESTS)
    write_contract({"guests": COLUMNS, "stays": COLUMNS})
    refused(pull, "stays is in the contract but not in `tables`")


def test_a_user_without_the_right_to_read_is_told(run, pull, address, monkeypatch):
    run(GUESTS)
    run(f"drop role if exists reader; create role reader login password '{PASSWORD}'")
    monkeypatch.setenv("BOOKING_DATABASE_URL", f"postgresql://reader:{PASSWORD}@{address}/booking")
    refused(pull, "permission denied for table guests for user 'reader'", "grant select")
    run("drop role reader")


def test_a_connection_that_breaks_keeps_the_state(run, pull):
    run(
        "create function hang_up() returns text language sql as $$select pg_terminate_backend(pg_backend_pid())::text$$"
    )
    run(GUESTS)
    state = {}
    pull(state)
    before = json.dumps(state)
    run("alter table guests rename to kept")
    run("create view guests as select id, hang_up() as full_name, updated_at from kept")
    run("insert into kept values (10, 'Ten', '2017-03-05Z')")
    refused(pull, "broke off", "run again", state=state)
    assert json.dumps(state) == before


def test_what_the_server_says_about_a_value_is_not_told(run, pull):
    run("create view guests as select 1 as id, 'Jane Doe'::text::int::text as full_name, now() as updated_at")
    with pytest.raises(SourceError, match="InvalidTextRepresentation, 22P02") as caught:
        pull({})
    assert "Jane" not in str(caught.value)


def test_nothing_is_ever_written(run, pull):
    run("create table touched (id int)")
    run("create function touch() returns text language sql as $$insert into touched values (1) returning 'x'$$")
    run("create view guests as select 1 as id, touch() as full_name, now() as updated_at")
    with pytest.raises(SourceError, match="25006"):
        pull({})
    assert run("select count(*) from touched").fetchone() == (0,)


def test_a_missing_driver_is_told(pull, monkeypatch):
    for name in ("psycopg", "ingestion.changes", "ingestion.postgres"):
        monkeypatch.setitem(sys.modules, name, None)
    refused(pull, "driver of PostgreSQL is missing", "extra postgres")

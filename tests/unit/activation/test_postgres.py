"""A table of PostgreSQL, on a real server: modes, types, what it refuses and why, what it lacks, and who may write."""

import builtins
import threading
import time

import psycopg
import pytest

from orchestration.activation.destinations.postgres import database, merge
from orchestration.activation.errors import (
    AuthError,
    MappingError,
    PlanRefusedError,
    SyncStoppedError,
    UnavailableError,
)
from orchestration.activation.plan import plan
from orchestration.activation.run import run_sync
from orchestration.activation.send import send
from orchestration.identity import holds
from orchestration.identity import state as identity_state
from orchestration.warehouse import engine
from tests.postgres_server import PASSWORD
from tests.unit.activation.harnesses import PostgresHarness, target_database
from tests.unit.activation.payloads import AS_OF, PATIENCE, change, fill_warehouse, ledger_rows

VALUE = "tessera_lifetime_value_usd"


@pytest.fixture
def admin(postgres_address, monkeypatch):
    """The owner of an empty database that POSTGRES_DESTINATION_URL points to, for a user of few rights."""
    monkeypatch.setenv("POSTGRES_DESTINATION_URL", f"postgresql://cdp:{PASSWORD}@{postgres_address}/target")
    with target_database(postgres_address) as connection:
        yield connection


def sync_once(settings, run_id, **changes):
    return run_sync(settings, PostgresHarness.document(**changes), AS_OF, run_id, patience=PATIENCE)


def make_table(admin, columns) -> None:
    admin.execute(f"create table crm.contacts ({columns}); grant all on crm.contacts to cdp")


def rows(admin, query="select * from crm.contacts order by 1"):
    return admin.execute(query).fetchall()


def rejects(settings):
    return ledger_rows(settings, "select key, code, reason from activation.rejects order by key")


def test_a_missing_table_is_made_with_the_types_of_the_model(settings, admin):
    fill_warehouse(settings, 2)
    change(settings, "create table activation.typed as select 7::bigint as id, person_id, true as is_vip, 0.1::double "
                     "as share, timestamp '2017-01-02 03:04:05.678901' as seen_at, date '2017-01-02' as day, "
                     "['a', 'b'] as tags, {'x': 1} as more, 'é \"q\", \\N' || chr(10) as note, ' ' as blank, "
                     "12345678901234567890.12::decimal(38,2) as amount "
                     "from activation.hubspot__contacts limit 1")  # fmt: skip
    names = ("is_vip", "share", "seen_at", "day", "tags", "more", "note", "blank", "amount")
    sync_once(settings, "r1", model="activation.typed", key="id", match_by="id", fields={name: name for name in names})
    types = rows(admin, "select column_name, data_type from information_schema.columns where table_schema = 'crm' "
                        "order by ordinal_position")  # fmt: skip
    assert dict(types) == {
        "id": "bigint", "is_vip": "boolean", "share": "double precision", "seen_at": "timestamp with time zone",
        "day": "date", "tags": "jsonb", "more": "jsonb", "note": "text", "blank": "text", "amount": "numeric",
    }  # fmt: skip
    (found,) = rows(admin, "select id, is_vip, share, seen_at at time zone 'UTC', day, tags, more, note, blank, "
                           "amount::text from crm.contacts")  # fmt: skip
    assert found[:3] == (7, True, 0.1)
    assert (found[3].isoformat(), found[4].isoformat()) == ("2017-01-02T03:04:05.678901", "2017-01-02")
    assert found[5:] == (["a", "b"], {"x": 1}, 'é "q", \\N\n', " ", "12345678901234567890.12")
    assert sync_once(settings, "r2", model="activation.typed", key="id", match_by="id",
                     fields={name: name for name in names}).plan.to_send == 0  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ("contact_id text primary key, tessera_segments text",
         "alter table crm.contacts add column tessera_person_id text, add column tessera_lifetime_value_usd "
         r"numeric\(18,2\), add column tessera_last_purchase_date date, add column tessera_favourite_department text"),
        ("contact_id text, tessera_segments text, tessera_person_id text, tessera_lifetime_value_usd numeric, "
         "tessera_last_purchase_date date, tessera_favourite_department text",
         r"create unique index on crm.contacts \(contact_id\)"),
    ],
)  # fmt: skip
def test_a_table_that_is_there_is_never_altered_and_the_statement_is_told(settings, admin, columns, words):
    fill_warehouse(settings, 2)
    make_table(admin, columns)
    with pytest.raises(MappingError, match=words):
        sync_once(settings, "r1")
    assert ledger_rows(settings, "select count_open from activation.runs") == [(2,)]


def test_the_key_is_no_field_too(settings, admin):
    from orchestration.activation.asked import problems

    (problem,) = problems(PostgresHarness.document(fields={"contact_id": "contact_id"}))
    assert problem == (("fields", "contact_id", "to"),
                       "rows are matched by 'contact_id', which `key` fills: leave it out of fields")  # fmt: skip


def test_update_only_makes_no_row_and_says_which_were_not_there(settings, admin):
    fill_warehouse(settings, 3)
    make_table(admin, f"contact_id text primary key, {VALUE} numeric, note text default 'theirs'")
    admin.execute("insert into crm.contacts (contact_id) values ('1001')")
    result = sync_once(settings, "r1", mode="update_only", on_exit=None, fields={VALUE: VALUE})
    assert (result.acknowledged, result.rejected) == (1, 2)
    assert [(key, code) for key, code, _ in rejects(settings)] == [("1000", "NOT_FOUND"), ("1002", "NOT_FOUND")]
    assert rows(admin, "select contact_id, note from crm.contacts") == [("1001", "theirs")]


def test_insert_only_leaves_a_row_that_is_there_as_it_is(settings, admin):
    fill_warehouse(settings, 3)
    make_table(admin, f"contact_id text primary key, {VALUE} numeric")
    admin.execute("insert into crm.contacts values ('1001', 99)")
    sync_once(settings, "r1", mode="insert_only", on_exit=None, fields={VALUE: VALUE})
    change(settings, f"update activation.hubspot__contacts set {VALUE} = 50")
    assert sync_once(settings, "r2", mode="insert_only", on_exit=None, fields={VALUE: VALUE}).plan.to_send == 0
    assert rows(admin, f"select contact_id, {VALUE}::integer from crm.contacts order by 1") == [
        ("1000", 0), ("1001", 99), ("1002", 3),
    ]  # fmt: skip


def test_clear_empties_our_columns_and_leaves_theirs(settings, admin):
    fill_warehouse(settings, 2)
    make_table(admin, f"contact_id text primary key, {VALUE} numeric, note text default 'theirs'")
    sync_once(settings, "r1", on_exit="clear", fields={VALUE: VALUE})
    change(settings, "delete from activation.hubspot__contacts where contact_id = '1001'")
    sync_once(settings, "r2", on_exit="clear", fields={VALUE: VALUE})
    assert rows(admin, f"select contact_id, {VALUE}::integer, note from crm.contacts order by 1") == [
        ("1000", 0, "theirs"), ("1001", None, "theirs"),
    ]  # fmt: skip


def test_a_row_that_someone_deleted_comes_back_whole_when_one_field_changes(settings, admin):
    fill_warehouse(settings, 2)
    sync_once(settings, "r1")
    admin.execute("delete from crm.contacts where contact_id = '1001'")
    change(settings, "update activation.hubspot__contacts set tessera_favourite_department = 'MEAT'")
    sync_once(settings, "r2")
    assert rows(admin, f"select {VALUE}::text from crm.contacts where contact_id = '1001'") == [("1.50",)]


def test_every_kind_of_refused_row_says_code_meaning_and_remedy(settings, admin):
    fill_warehouse(settings, 3000)
    make_table(
        admin, "contact_id text primary key, person_id varchar(6) not null, amount integer check (amount < 4000), "
               "department text unique"
    )  # fmt: skip
    change(settings, "create table activation.bad as select contact_id, person_id, person_id as person, "
                     "cast(cast(contact_id as integer) - 1000 as varchar) as amount, 'd' || contact_id as department "
                     "from activation.hubspot__contacts")  # fmt: skip
    for key, assignment in (("1003", "amount = '4000'"), ("1500", "amount = 'many'"), ("2001", "person = 'p123456'"),
                            ("2002", "person = null"), ("3001", "department = 'd1000'"),
                            ("3999", "department = 'a' || chr(0) || 'b'")):  # fmt: skip
        change(settings, f"update activation.bad set {assignment} where contact_id = '{key}'")
    fields = {"person": "person_id", "amount": "amount", "department": "department"}
    result = sync_once(settings, "r1", model="activation.bad", fields=fields)
    assert (result.acknowledged, result.rejected) == (2994, 6)
    assert len(rows(admin)) == 2994
    found = {key: (code, reason) for key, code, reason in rejects(settings)}
    assert {key: code for key, (code, _) in found.items()} == {
        "1003": "23514", "1500": "22P02", "2001": "22001", "2002": "23502", "3001": "23505", "3999": "22021",
    }  # fmt: skip
    assert "contacts_amount_check" in found["1003"][1]
    assert "widen the column, or shorten the value" in found["2001"][1]
    assert '"person_id"' in found["2002"][1]
    assert "fill it in the model" in found["2002"][1]
    assert all(reason and "Failing row" not in reason for _, reason in found.values())


def test_a_table_that_refuses_everything_is_no_row_s_fault(settings, admin, monkeypatch):
    monkeypatch.setattr(merge, "_MOST_REFUSED", 20)
    fill_warehouse(settings, 300)
    make_table(admin, f"contact_id text primary key, {VALUE} numeric check ({VALUE} < 0)")
    with pytest.raises(MappingError, match="refuses more than 20 rows, the last for 23514"):
        sync_once(settings, "r1", fields={VALUE: VALUE})
    assert rows(admin) == []
    assert rejects(settings) == []


def test_a_trigger_may_refuse_a_row_and_a_deferred_rule_is_asked_at_once(settings, admin):
    fill_warehouse(settings, 3)
    make_table(admin, f"contact_id text primary key, {VALUE} numeric, person_id text, "
                      "tessera_segments text unique deferrable initially deferred")  # fmt: skip
    change(settings, "update activation.hubspot__contacts set tessera_segments = 'same'")
    result = sync_once(settings, "r1", fields={"tessera_segments": "tessera_segments"})
    assert (result.acknowledged, result.rejected) == (1, 2)
    assert {code for _, code, _ in rejects(settings)} == {"23505"}


def test_nobody_sees_half_a_run_and_a_kill_before_the_commit_leaves_nothing(settings, admin, monkeypatch):
    fill_warehouse(settings, 50)
    sync_once(settings, "r1")
    change(settings, "update activation.hubspot__contacts set tessera_segments = 'new'")
    seen = []
    work = merge.merge

    def look(connection, sync, table):
        work(connection, sync, table)
        seen.append(rows(admin, "select count(*) from crm.contacts where tessera_segments = 'new'"))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(merge, "merge", look)
        with pytest.raises(KeyboardInterrupt):
            sync_once(settings, "r2")
    assert seen == [[(0,)]]
    assert rows(admin, "select count(*) from crm.contacts where tessera_segments = 'new'") == [(0,)]
    assert sync_once(settings, "r3").acknowledged == 50


def test_who_is_put_on_hold_while_rows_are_copied_is_left_out(settings, admin, monkeypatch):
    fill_warehouse(settings, 20)
    with engine.writing_state(settings) as con:
        identity_state.create_tables(con)
        con.execute("insert into identity.people select 'p' || i, i, 'first', 'current' from range(10) as t(i)")
    sync = PostgresHarness.document()
    plan(settings, sync, "r1", AS_OF)
    work = merge.stage

    def stage_and_hold(*args):
        unfit = work(*args)
        holds.place(settings, "p3", who="ada", why="complaint")
        return unfit

    monkeypatch.setattr(merge, "stage", stage_and_hold)
    assert send(settings, sync, "r1", PATIENCE) == {"acknowledged": 18, "held": 2}
    assert rows(admin, "select count(*) from crm.contacts where tessera_person_id = 'p3'") == [(0,)]


def commit_when_waited_for(connection, admin) -> None:
    for _ in range(1000):
        if rows(admin, "select 1 from pg_stat_activity where wait_event_type = 'Lock' and usename = 'cdp'"):
            break
        time.sleep(0.01)
    connection.commit()


def test_a_row_that_another_writes_at_the_same_moment_is_met_and_becomes_ours(settings, admin, postgres_address):
    fill_warehouse(settings, 3)
    make_table(admin, f"contact_id text primary key, {VALUE} numeric, note text")
    with psycopg.connect(f"postgresql://admin:{PASSWORD}@{postgres_address}/target") as other:
        other.execute("insert into crm.contacts values ('1001', 99, 'theirs')")
        commit = threading.Thread(target=commit_when_waited_for, args=(other, admin))
        commit.start()
        result = sync_once(settings, "r1", fields={VALUE: VALUE})
        commit.join()
    assert (result.acknowledged, result.rejected) == (3, 0)
    found = rows(admin, f"select contact_id, {VALUE}::text, note from crm.contacts order by 1")
    assert found == [("1000", "0.00", None), ("1001", "1.50", "theirs"), ("1002", "3.00", None)]


def test_missing_rights_say_what_to_grant(settings, admin):
    fill_warehouse(settings, 2)
    admin.execute(f"create table crm.contacts (contact_id text primary key, {VALUE} numeric)")
    with pytest.raises(AuthError, match="grant its user select, insert, update and delete on the table"):
        sync_once(settings, "r1", fields={VALUE: VALUE})
    assert rejects(settings) == []


@pytest.mark.parametrize(
    "case",
    [
        ("postgresql://cdp:{}@{}/nowhere", MappingError, 'database "nowhere" does not exist: create it'),
        ("postgresql://nobody:{}@{}/target", AuthError, "correct POSTGRES_DESTINATION_URL"),
        ("jdbc:postgresql://cdp:{}@{}/target", AuthError, "is not an address"),
    ],
)
def test_a_wrong_address_says_what_is_wrong_and_never_the_password(
    settings, admin, postgres_address, monkeypatch, case
):
    wrong, error, words = case
    fill_warehouse(settings, 2)
    monkeypatch.setenv("POSTGRES_DESTINATION_URL", wrong.format(PASSWORD, postgres_address))
    with pytest.raises(error, match=words) as raised:
        sync_once(settings, "r1")
    assert PASSWORD not in str(raised.value)


def test_a_server_that_is_down_leaves_everything_to_the_next_run(settings, admin, monkeypatch):
    fill_warehouse(settings, 2)
    with monkeypatch.context() as patch:
        patch.setenv("POSTGRES_DESTINATION_URL", "postgresql://cdp:x@127.0.0.1:9/target")
        with pytest.raises(UnavailableError, match="nothing was written"):
            sync_once(settings, "r1")
    assert sync_once(settings, "r2").acknowledged == 2


def test_a_locked_table_is_waited_for_and_then_left_to_the_next_run(settings, admin, postgres_address, monkeypatch):
    fill_warehouse(settings, 2)
    sync_once(settings, "r1")
    change(settings, "update activation.hubspot__contacts set tessera_segments = 'new'")
    monkeypatch.setattr("orchestration.activation.destinations.postgres.database.LOCK_TIMEOUT", "50ms")
    with psycopg.connect(f"postgresql://admin:{PASSWORD}@{postgres_address}/target") as other:
        other.execute("lock table crm.contacts in share mode")
        with pytest.raises(UnavailableError, match="lock timeout"):
            sync_once(settings, "r2")
    assert sync_once(settings, "r3").acknowledged == 2


def test_without_the_driver_the_extra_is_named(settings, admin, monkeypatch):
    fill_warehouse(settings, 2)
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.endswith("postgres.database"):
            raise ImportError("No module named 'psycopg'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SyncStoppedError, match="install this project's extra postgres"):
        sync_once(settings, "r1")


def test_another_machine_must_encrypt_and_say_that_it_is_a_sandbox(settings, admin, postgres_address, monkeypatch):
    fill_warehouse(settings, 2)
    url = f"postgresql://cdp:{PASSWORD}@{postgres_address}/target"
    monkeypatch.setattr(database, "is_local", lambda host: False)
    monkeypatch.setenv("POSTGRES_DESTINATION_URL", url)
    with pytest.raises(SyncStoppedError, match=r"does not support SSL.*: let the server encrypt"):
        sync_once(settings, "r0")
    monkeypatch.setenv("POSTGRES_DESTINATION_URL", f"{url}?sslmode=disable")
    with pytest.raises(PlanRefusedError, match="in clear: use https, or sslmode=require"):
        sync_once(settings, "r0")
    monkeypatch.setattr(database, "is_encrypted", lambda connection: True)
    with pytest.raises(PlanRefusedError, match="is no sandbox and this is 'dev'"):
        sync_once(settings, "r1")
    admin.execute("alter database target set tessera.sandbox = 'on'")
    assert sync_once(settings, "r2").acknowledged == 2

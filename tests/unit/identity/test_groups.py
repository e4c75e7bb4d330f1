"""Ids of groups that last, and what is served of households and accounts after a run."""

from datetime import date

import duckdb
import pyarrow as pa
import pytest

from orchestration.identity.explain.evidence import NothingResolvedError
from orchestration.identity.groups import keeping, lasting
from orchestration.identity.resolve import resolve
from orchestration.warehouse import engine
from tests.unit.identity import population


@pytest.fixture
def assign():
    """Gives ids to groups (sets of members), run after run on one state; returns frozenset -> id."""
    with duckdb.connect() as con:
        con.execute("create table renamed (person_id varchar, survivor_id varchar)")

        def once(*groups, renamed=()):
            con.execute("delete from renamed")
            con.executemany("insert into renamed values (?, ?)", [list(pair) for pair in renamed] or [["", ""]])
            rows = [{"part": part, "member": name} for part, members in enumerate(groups) for name in members]
            made = pa.Table.from_pylist(rows, pa.schema([("part", pa.int64()), ("member", pa.string())]))
            ids = lasting.assign(con, "household", made, aliases="renamed").to_pylist()
            return {"".join(sorted(groups[row["part"]])): row["group_id"] for row in ids}

        once.state = con
        yield once


def test_a_group_keeps_its_id_as_members_come_and_go(assign):
    first = assign("abc", "de")
    assert all(name.startswith("h_") for name in first.values())
    second = assign("abx", "def", "y")
    assert (second["abx"], second["def"]) == (first["abc"], first["de"])
    assert second["y"] not in first.values()
    assert assign("abx", "def", "y") == second


def test_the_bigger_part_of_a_split_keeps_the_id_and_the_merged_one_is_remembered(assign):
    whole = assign("abcde")["abcde"]
    parts = assign("abc", "de")
    assert parts["abc"] == whole != parts["de"]
    assert assign("abcde")["abcde"] == whole
    gone = assign.state.execute("select group_id, survivor_id from identity.group_ids where not is_current").fetchall()
    assert gone == [(parts["de"], whole)]


def test_no_id_is_given_twice_and_a_rebuild_gives_the_same(assign):
    first = assign("ab", "cd")
    swapped = assign("ac", "bd")
    assert len(set(swapped.values())) == 2
    assert set(swapped.values()) == set(first.values())
    back = assign("ab", "cd", "a2")
    assert len(set(back.values())) == 3


def test_a_person_merged_into_another_brings_the_household_along(assign):
    first = assign("ab", "cd")
    assert assign("zb", "cd", renamed=[("a", "z")])["bz"] == first["ab"]
    lone = assign("q")["q"]
    assert assign("r", renamed=[("q", "r")])["r"] == lone


def test_an_id_that_ended_is_taken_up_again_when_the_group_is_back(assign):
    first = assign("ab", "cd")
    assert "cd" not in assign("ab")
    assert assign("ab", "cd") == first
    assert assign.state.execute("select count(*) from identity.group_ids").fetchall() == [(2,)]


@pytest.fixture
def home(settings):
    """A resolved home in which every fourth person's records name the same street and a company."""
    rows, _ = population.people(60)
    for row in rows:
        number = int(row["record_id"].rsplit(":", 1)[1])
        if number % 4 == 0:
            row.update(last_name="moss", last_name_std="moss", street_std=f"{number // 8} heron way",
                       postal_code_std="20202", email_std=f"{number}@heronltd.example")  # fmt: skip
    population.write(settings, rows)
    with engine.writing(settings) as con:
        con.execute("alter table conformed.contacts add column company_name varchar")
        con.execute("alter table conformed.contacts add column is_deleted boolean")
        con.execute("alter table conformed.contacts add column updated_at timestamp")
        con.execute("update conformed.contacts set company_name = 'Heron Ltd' where email_std like '%heronltd%'")
        con.execute("create table conformed.companies as select 'c1' as company_id, 'Heron' as name, "
                    "'heronltd.example' as domain, false as is_deleted")  # fmt: skip
    resolve(settings, as_of=date(2017, 12, 31), run_id="first")
    return settings


def rows(settings, query):
    with engine.reading(settings) as con:
        return con.execute(query).fetchall()


def test_households_are_served_and_their_ids_survive_a_lost_warehouse(home):
    figures = keeping.keep_households(home)
    served = rows(home, "select * from identity.household_members order by 1")
    assert figures["households_of_several"] >= 5
    assert len({row[0] for row in served}) == len(served)
    assert sum(row[1] for row in rows(home, "select * from identity.households")) == len(served)
    with engine.writing(home) as con:
        con.execute("drop table identity.households")
        con.execute("drop table identity.household_members")
    assert keeping.keep_households(home) == figures
    assert rows(home, "select * from identity.household_members order by 1") == served
    assert (home.root / "identity" / "households.parquet").exists()


@pytest.mark.parametrize("table", ["household_members", "account_people"])
def test_a_membership_that_cannot_be_is_counted(home, table):
    keeping.keep_households(home)
    keeping.keep_accounts(home)
    assert keeping.count_wrong(home, table) == 0
    with engine.writing(home) as con:
        con.execute(f"insert into identity.{table} select * from identity.{table} limit 1")
        con.execute("delete from identity.people where person_id = (select max(person_id) from identity.people)")
    assert keeping.count_wrong(home, table) >= 2


def test_accounts_are_served_with_people_and_keys(home):
    keeping.keep_accounts(home)
    first = rows(home, "select * from identity.accounts")
    (found,) = [row for row in first if row[2] == "heronltd.example"]
    assert (found[1], found[4]) == ("Heron", 1)
    own = f"account_id = '{found[0]}'"
    assert found[3] == rows(home, f"select count(*) from identity.account_people where {own}")[0][0] > 10
    keys = rows(home, f"select key_type, key_value from identity.account_keys where {own} order by 1")
    assert keys == [("company", "c1"), ("domain", "heronltd.example"), ("name", "heron")]
    keeping.keep_accounts(home)
    assert rows(home, "select * from identity.accounts") == first


def test_before_a_run_there_are_no_groups(settings):
    population.write(settings, population.people(5)[0])
    for keep in (keeping.keep_households, keeping.keep_accounts):
        with pytest.raises(NothingResolvedError, match="tessera run daily"):
            keep(settings)

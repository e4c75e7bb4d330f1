"""Households and accounts of a run: read from the warehouse, given ids that last, kept in state and served.

What makes a group is found in `households` and `accounts`.
"""

from typing import Any

import duckdb
import pyarrow as pa

from orchestration.identity import serving, state
from orchestration.identity.explain.evidence import NothingResolvedError
from orchestration.identity.groups import accounts, households, lasting
from orchestration.settings import Settings
from orchestration.warehouse import engine

HOUSEHOLD_TABLES = ("households", "household_members")
ACCOUNT_TABLES = ("accounts", "account_people", "account_keys")
_CONTACTS = (
    "(select contacts.*, person_id from conformed.contacts as contacts "
    "inner join identity.person_records using (record_id) where not coalesce(is_deleted, false))"
)
_COMPANIES = "(select * from conformed.companies where not coalesce(is_deleted, false))"


def keep_households(settings: Settings) -> dict[str, Any]:
    """Find households among the people served, serve `households` and `household_members`; returns figures."""
    with engine.reading(settings) as con:
        _require_people(con)
        found = households.find(con, _CONTACTS)
    ids = _assign(settings, "household", found.select(["part", "person_id"]).rename_columns(["part", "member"]))
    with engine.memory(settings) as con:
        con.register("found_in", found)
        con.register("ids_in", ids)
        con.execute(
            "create table members as select person_id, group_id as household_id, why from found_in "
            "inner join ids_in using (part) order by person_id"
        )
        made = {
            "household_members": con.execute("select person_id, household_id, why from members").to_arrow_table(),
            "households": con.execute(
                "select household_id, count(*) as count_people from members group by 1 order by 1"
            ).to_arrow_table(),
        }
        figures = con.execute(
            "select count(*), count(*) filter (n > 1), coalesce(sum(n) filter (n > 1), 0), coalesce(max(n), 0) "
            "from (select count(*) as n from members group by household_id)"
        ).fetchall()[0]
    serving.serve(settings, made)
    names = ("households", "households_of_several", "people_in_households_of_several", "largest_household")
    return dict(zip(names, (int(figure) for figure in figures), strict=True))


def keep_accounts(settings: Settings) -> dict[str, Any]:
    """Find companies among contacts and CRM records, serve `accounts` and what belongs to them; returns figures."""
    with engine.reading(settings) as con:
        _require_people(con)
        keys, people = accounts.find(con, _CONTACTS, _COMPANIES)
        con.register("keys_in", keys)
        members = con.execute("select part, key_type || ':' || key_value as member from keys_in").to_arrow_table()
        con.unregister("keys_in")
        names = con.execute(_NAMES).to_arrow_table()
    ids = _assign(settings, "account", members)
    with engine.memory(settings) as con:
        for name, table in {"keys_of": keys, "people_of": people, "ids": ids, "names": names}.items():
            con.register(f"{name}_in", table)
        made = {
            "account_keys": con.execute(
                "select distinct group_id as account_id, key_type, key_value from keys_of_in "
                "inner join ids_in using (part) order by all"
            ).to_arrow_table(),
            "account_people": con.execute(
                "select group_id as account_id, person_id, why, count_records from people_of_in "
                "inner join ids_in using (part) order by account_id, person_id"
            ).to_arrow_table(),
            "accounts": con.execute(_ACCOUNTS).to_arrow_table(),
        }
    serving.serve(settings, made)
    return {name: table.num_rows for name, table in made.items()}


# What each key is called, and how often: names as they were written, most usual first.
_NAMES = (
    "select 'name' as key_type, name as key_value, raw_name as told, count(*) as times from mentions "
    "where name is not null group by all union all "
    "select 'company', company_id, raw_name, 1000000 from listed where raw_name is not null union all "
    "select 'domain', domain, null, count(*) from mentions where domain is not null group by all union all "
    "select 'domain', domain, null, 1000000 from listed where domain is not null group by all"
)
_ACCOUNTS = """
    with told as (
        select part, key_type, key_value, told, sum(times) as times
        from keys_of_in inner join names_in using (key_type, key_value) group by all
    ),
    named as (
        select part, arg_max(told, (times, told)) filter (told is not null) as name,
            arg_max(key_value, (times, key_value)) filter (key_type = 'domain') as domain
        from told group by part
    ),
    evident as (
        select part, string_agg(distinct key_type, ', ' order by key_type) as evidence,
            count(distinct key_value) filter (key_type = 'company') as count_companies
        from keys_of_in group by part
    ),
    peopled as (select part, count(*) as count_people from people_of_in group by part)
    select group_id as account_id, coalesce(name, domain) as name, domain, coalesce(count_people, 0) as count_people,
        count_companies, evidence
    from evident inner join ids_in using (part) left join named using (part) left join peopled using (part)
    order by account_id
"""


# By the table that it would spoil: what must not be there, as a query that counts it.
_WRONG = {
    "household_members": "select count(*) - count(distinct person_id) + count(*) filter (people.person_id is null or "
    "households.household_id is null) from identity.household_members left join identity.people using (person_id) "
    "left join identity.households using (household_id)",
    "account_people": "select count(*) - count(distinct (account_id, person_id)) + count(*) filter (people.person_id "
    "is null or accounts.account_id is null) from identity.account_people left join identity.people using (person_id) "
    "left join identity.accounts using (account_id)",
}


def count_wrong(settings: Settings, table: str) -> int:
    """Rows of members that come twice, or name a person or a group that is not there."""
    with engine.reading(settings) as con:
        return con.execute(_WRONG[table]).fetchall()[0][0]


def _require_people(con: duckdb.DuckDBPyConnection) -> None:
    if not engine.table_exists(con, "identity", "person_records", "warehouse"):
        raise NothingResolvedError("nobody was resolved yet: run `tessera run daily` first")


def _assign(settings: Settings, kind: str, groups: pa.Table) -> pa.Table:
    with engine.writing_state(settings) as con:
        con.execute("begin transaction")
        state.create_tables(con)
        aliases = "identity.aliases" if kind == "household" else None
        ids = lasting.assign(con, kind, groups, aliases=aliases)
        con.execute("commit")
    return ids

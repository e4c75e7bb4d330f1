"""A made-up table of contacts of any size, and the same a day later: to measure time with, not who is who.

It grows as a company does: more people in more towns, and more rare names. Two of five people share last name and
address with one other. How well people are found is measured elsewhere, on sets that are not made here.
"""

from pathlib import Path

import duckdb

RECORDS_PER_PERSON = 1.4
PEOPLE_PER_TOWN = 4_000
# A larger table takes the model of so many records of its kind.
MOST_LEARNED_FROM = 1_000_000
_NAMES = Path(__file__).parents[1] / "orchestration" / "demo" / "names"
# Lists as slots: an even chance over so many picks a name as often as people carry it.
_LISTS = {"first_names": ("era_1972", 4096), "surnames": ("weight", 16384), "streets": ("weight", 4096)}
# Of the records of a batch half come, a quarter say otherwise, a quarter go.
_COME, _CHANGE = 0.5, 0.75


def write(con: duckdb.DuckDBPyConnection, count: int, share: float, folder: Path) -> None:
    """Parquet files `before` and `after`: so many contacts, and so large a share of them new, changed or gone."""
    for name, (weight, size) in _LISTS.items():
        con.execute(f"create or replace temp table {name} as {_slots_sql(name, weight, size)}")
    con.execute(f"create or replace temp table persons as {_persons_sql(round(count / RECORDS_PER_PERSON))}")
    con.execute(f"create or replace temp table contacts as {_contacts_sql(count)}")
    place = _chance("record_id", "batch")
    come, change = share * _COME, share * _CHANGE
    changed = f"{place} >= {come} and {place} < {change}"
    new = (
        f"select * replace (if({changed}, 'van ' || last_name, last_name) as last_name, if({changed}, "
        f"right(phone, 9) || '7', phone) as phone) from contacts where not ({place} >= {change} and {place} < {share})"
    )
    for name, query in {"before": f"from contacts where {place} >= {come}", "after": new}.items():
        con.execute(f"copy ({query}) to '{folder}/{name}.parquet' (format parquet)")


def _chance(of: str, purpose: str) -> str:
    """An even number in [0, 1) that depends on these two only."""
    return f"((hash({of}, '{purpose}') % 1000000) / 1000000.0)"


def _slots_sql(name: str, weight: str, size: int) -> str:
    return (
        f"with listed as (select name, cast({weight} as bigint) as part from "
        f"read_csv('{_NAMES}/{name}.csv', all_varchar = true)), "
        "summed as (select name, part, sum(part) over (order by part desc, name rows unbounded preceding) as upper, "
        "sum(part) over () as total from listed) "
        f"select any_value(name) as name, slot from (select name, unnest(range(cast((upper - part) * {size} // total "
        f"as bigint), cast(upper * {size} // total as bigint))) as slot from summed) group by slot"
    )


def _persons_sql(people: int) -> str:
    """Every person; of a rare name's two halves each is of a surname that there is."""
    towns = max(people // PEOPLE_PER_TOWN, 5)
    return f"""
        with drawn as (
            select
                p,
                -- Who lives as a pair shares what is drawn for `home`.
                if({_chance("p // 2", "pair")} < 0.4, p // 2, p + {people}) as home,
                hash(home, 'town') % {towns} as town,
                hash(p, 'first') % 4096 as first_slot,
                hash(home, 'last') % 16384 as last_slot,
                if({_chance("home", "rare")} < 0.4, hash(home, 'tail') % 16384, last_slot) as tail_slot,
                hash(home, 'street') % 4096 as street_slot
            from range({people}) as t(p)
        )
        select
            p,
            first_names.name as first_name,
            if(tail_slot = last_slot, surnames.name, left(surnames.name, 4) || lower(substr(tails.name, 3)))
                as last_name,
            cast(date '1940-01-01' + cast(hash(p, 'born') % 24000 as integer) as varchar) as birth_date,
            (hash(home, 'house') % 900 + 1) || ' ' || streets.name || ' St' as street,
            upper(left(md5('town' || town), 1)) || 'ville ' || town as city,
            lpad(cast(1000 + town * 7 % 90000 as varchar), 5, '0') as postal_code,
            (200 + town % 700) || lpad(cast(hash(p, 'phone') % 10000000 as varchar), 7, '0') as phone,
            lower(strip_accents(first_names.name || '.' || last_name)) || hash(p, 'mail') % 1000 || '@'
                || ['gmail.com', 'yahoo.com', 'outlook.com', 'aol.com'][cast(hash(p, 'provider') % 4 + 1 as bigint)]
                as email
        from drawn
        inner join first_names on first_slot = first_names.slot
        inner join surnames on last_slot = surnames.slot
        inner join surnames as tails on tail_slot = tails.slot
        inner join streets on street_slot = streets.slot
    """


def _contacts_sql(count: int) -> str:
    """What records say of people: some of it is missing, some misspelt."""

    def kept(column: str, missing: float, wrong: float) -> str:
        cut = f"cast(2 + hash(i, '{column} at') % 3 as bigint)"
        slip = f"left({column}, {cut} - 1) || substr({column}, {cut} + 1)"
        chance = _chance("i", column)
        said = f"when {chance} < {missing + wrong} then {slip} else {column}"
        return f"case when {chance} < {missing} then null {said} end as {column}"

    said = ", ".join(
        kept(*of)
        for of in (
            ("first_name", 0.03, 0.05),
            ("last_name", 0.02, 0.05),
            ("birth_date", 0.4, 0),
            ("street", 0.3, 0.03),
            ("city", 0.2, 0.02),
            ("postal_code", 0.25, 0.02),
            ("phone", 0.4, 0.02),
            ("email", 0.25, 0.03),
        )
    )
    people = round(count / RECORDS_PER_PERSON)
    return f"""
        select
            'contacts:' || lpad(cast(i as varchar), 9, '0') as record_id,
            ['crm', 'shop', 'support', 'events'][cast(hash(i, 'source') % 4 + 1 as bigint)] as source,
            {said}
        from (select i, hash(i, 'person') % {people} as p from range({count}) as t(i))
        inner join persons using (p)
    """

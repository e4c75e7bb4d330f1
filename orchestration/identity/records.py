"""Contacts in the forms that are compared: one row per record, every compared column text or null.

What is only about names is in `names`. Contacts may come as clean as staging makes them or as raw as in any table.
"""

from typing import Any

import duckdb

from orchestration.identity import dictionaries, names, nicknames
from orchestration.identity.names import MAX_LENGTH

# What a relation of contacts may hold; what it lacks is null everywhere. Plain columns `other_1`.. come on top.
CONTACT_COLUMNS = (
    "record_id", "source", "first_name", "middle_name", "last_name", "name_suffix", "full_name", "birth_date", "gender",
    "email", "phone", "street", "city", "postal_code", "state", "country", "company_name", "job_title", "occupation",
    "birth_place", "national_id", "created_at",
)  # fmt: skip
# What forms are filled with where nothing is known.
_NO_BIRTH_DATES = ("1900-01-01", "1901-01-01", "0001-01-01", "1111-11-11", "9999-12-31", "2099-12-31")
_FILLER = "0*|1+|2+|3+|4+|5+|6+|7+|8+|9+|0?123456789?0?|x+|n/?a|none|unknown"
# Columns that others may follow from: shared by many people, so that equal ones do not mean one person.
_GUESSED_SHARE = 0.4
_GUESSED_FACTOR = 5
_BASES = ("birth_date", "left(birth_date, 4)", "postal_code", "city", "state", "country")
# Tables on the way to `records`, each as long as it; what they hold of memory is needed next.
_PASSING = ("contacts", "texts", "scripts", "companies", "name_parts", "mail_names", "sounds", "cleaned", "named")
_STREET_WORDS = {
    "street": "st", "road": "rd", "avenue": "ave", "drive": "dr", "lane": "ln", "court": "ct", "place": "pl",
    "boulevard": "blvd", "square": "sq", "terrace": "tce", "crescent": "cres", "parade": "pde", "close": "cl",
    "highway": "hwy", "apartment": "apt", "suite": "ste", "north": "n", "south": "s", "east": "e", "west": "w",
}  # fmt: skip


def prepare(con: duckdb.DuckDBPyConnection, relation: str, known: dict[str, Any] | None = None) -> dict[str, Any]:
    """Make table `records` (n, record_id, compared columns) from a relation of contacts; returns what was learned.

    `n` is that of the relation; without one the records are numbered in the order of their ids.
    Given what is `known`, and table `dictionary`, each record is prepared by itself; else both are learned first.
    """
    con.execute(f"create or replace temp table contacts as {_contacts_sql(con, relation)}")
    names.prepare(con, is_learning=known is None)
    nicknames.make_table(con)
    # Few and long, so that each is cleaned once.
    con.execute(
        f"create or replace temp table companies as select company_name, {names.organisation('company_name')} as "
        "company from (select distinct company_name from contacts where company_name is not null)"
    )
    con.execute(f"create or replace temp table cleaned as {_cleaned_sql(plain_columns(con, 'contacts'))}")
    con.execute(f"create or replace temp table named as {_named_sql()}")
    known = known or _learn(con)
    # A city in another script than most cannot be compared.
    if known["latin_cities"]:
        con.execute("update cleaned set city = null where strlen(city) <> length(city)")
    # A country that follows from the city says nothing beside it.
    if known["country_follows"]:
        con.execute("update cleaned set country = null where city is not null or postal_code is not null")
    con.execute(f"create or replace temp table records as {_records_sql(known['plain'])}")
    for table in _PASSING:
        con.execute(f"drop table if exists {table}")
    return known


def _learn(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """What there is to know of the table as a whole; words and area codes go into the dictionary."""
    dictionaries.learn(
        con,
        "known first name",
        "select first_name as key from named where first_name is not null group by first_name "
        "having count(distinct last_name) >= 3",
    )
    is_latin = con.execute("select coalesce(avg((strlen(city) = length(city))::int) > 0.5, false) from cleaned")
    latin_cities = is_latin.fetchall()[0][0]
    dictionaries.learn(con, "area", _area_codes_sql(latin_cities))
    return {
        "latin_cities": latin_cities,
        "country_follows": _follows(con, "country"),
        "plain": [column for column in plain_columns(con, "contacts") if not _follows(con, column)],
    }


def _follows(con: duckdb.DuckDBPyConnection, column: str) -> bool:
    """Whether a plain column can be guessed from another one, as age from birth date: it would count the same twice."""
    for base in (base for base in _BASES if base != column):
        counted = (
            f"select {base} as base, count(*) as n from cleaned where {column} is not null group by {base}, {column}"
        )
        guessed, blindly = con.execute(
            f"with counted as ({counted}), "
            "bases as (select sum(n) as n, max(n) as best from counted where base is not null group by base "
            "having sum(n) >= 5) "
            f"select (select sum(best) / sum(n) from bases), max(n) / sum(n) from (select sum(n) as n from (select "
            f"{column}, count(*) as n from cleaned where {column} is not null group by {column}) group by {column})"
        ).fetchall()[0]
        if guessed and guessed >= _GUESSED_SHARE and guessed >= _GUESSED_FACTOR * blindly:
            return True
    return False


def plain_columns(con: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    """Columns of the relation of which nothing is known but that they were given."""
    return [column for column in _columns(con, relation) if column.startswith("other_")]


def filled_columns(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Columns of table `records` in which at least two records have a value."""
    columns = _columns(con, "records")
    counts = con.execute(f"select {', '.join(f'count({column})' for column in columns)} from records").fetchall()[0]
    return [column for column, count in zip(columns, counts, strict=True) if count > 1]


def _columns(con: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    return [column for (column,) in con.execute(f"select column_name from (describe {relation})").fetchall()]


def _contacts_sql(con: duckdb.DuckDBPyConnection, relation: str) -> str:
    """The contacts with all columns as text; what the relation lacks is null."""
    given = _columns(con, relation)
    plain = [column for column in given if column.startswith("other_")]
    selected = [
        (f"nullif(trim(cast({column} as varchar)), '')" if column in given else "cast(null as varchar)")
        + f" as {column}"
        for column in (*CONTACT_COLUMNS[1:], *plain)
    ]
    number = "n" if "n" in given else "row_number() over (order by record_id)"
    return f"select {number} as n, record_id, {', '.join(selected)} from {relation}"


def _phone_sql() -> str:
    """The digits, without an extension: that is a desk, not a line."""
    return "nullif(regexp_replace(regexp_replace(lower(phone), '(x|ext|#).*$', ''), '[^0-9]+', '', 'g'), '')"


def _unless_filler(expression: str) -> str:
    return f"case when not regexp_full_match({expression}, '{_FILLER}') then {expression} end"


def _street_sql(cleaned: str) -> str:
    abbreviations = " ".join(f"when '{word}' then '{short}'" for word, short in _STREET_WORDS.items())
    return (
        f"array_to_string(list_transform(string_split({cleaned}, ' '), "
        f"lambda w: case w {abbreviations} else w end), ' ')"
    )


def _cleaned_sql(plain: list[str]) -> str:
    """Every field but names, as compared."""
    email = f"case when email like '%_@_%' then left(lower(email), {MAX_LENGTH}) end"
    compact = "nullif(regexp_replace(lower(left({0}, 80)), '[^\\p{{L}}\\p{{N}}]+', '', 'g'), '')"
    texts = ("city", "state", "country", "job_title", "occupation", "birth_place", *plain)
    named = ", ".join(f"texts[{place}] as {column}" for place, column in enumerate(texts, start=3))
    return f"""
        with listed as (
            select *, {names.cleaned_list(["gender", "street", *texts])} as texts
            from contacts
        )
        select
            record_id,
            case
                when birth_date ~ '^[0-9]{{4}}.*' and left(birth_date, 10) not in ({names.spaced(_NO_BIRTH_DATES)})
                    then left(birth_date, 10)
            end as birth_date,
            left(texts[1], 1) as gender,
            {email} as email,
            {_phone_sql()} as phone_digits,
            -- The last nine digits are the same with and without country code or trunk zero.
            case
                when length(phone_digits) >= 6 and not regexp_full_match(phone_digits, '{_FILLER}')
                    then ltrim(right(phone_digits, 9), '0')
            end as phone,
            case when length(phone_digits) between 10 and 11 then left(right(phone_digits, 10), 3) end as area_code,
            {_street_sql("texts[2]")} as street,
            {compact.format("postal_code")} as postal_code,
            {_unless_filler(compact.format("national_id"))} as national_id,
            companies.company,
            {named}
        from listed
        left join companies using (company_name)
    """


def _area_codes_sql(latin_cities: bool) -> str:
    """The most usual area code of each city, from contacts that give both; a phone can then agree with an address."""
    comparable = "strlen(city) = length(city)" if latin_cities else "true"
    return (
        f"select city, 1.0, area_code from cleaned where city is not null and area_code is not null and {comparable} "
        "group by city, area_code qualify row_number() over (partition by city order by count(*) desc, area_code) = 1"
    )


def _named_sql() -> str:
    """Each record with the name it has: its own, or one read from its e-mail.

    A word alone is the name it is more often elsewhere; one that is nowhere else is what most others are.
    """
    return f"""
        select
            parts.record_id,
            parts.is_organisation,
            parts.organisation_name,
            case
                when parts.lone_name is null then coalesce(parts.first_name, mail.first_name)
                when coalesce(lone.is_first, other.is_first and not parts.is_parsed) then parts.lone_name
            end as first_name,
            nullif(parts.middle_name, '') as middle_name,
            case
                when parts.lone_name is null then coalesce(parts.last_name, mail.last_name)
                when not coalesce(lone.is_first, other.is_first or parts.is_parsed) then parts.lone_name
            end as last_name,
            parts.name_words,
            parts.name_suffix,
            mail.record_id is not null or coalesce(parts.first_name, parts.last_name, lone.word, '') = ''
                as is_nameless
        from name_parts as parts
        left join (select key as word, share >= 0.5 as is_first from {dictionaries.entries("lone name")}) as lone
            on parts.lone_name = lone.word
        cross join (select share >= 0.5 as is_first from {dictionaries.entries("other lone name")}) as other
        left join mail_names as mail on parts.record_id = mail.record_id
    """


def _records_sql(plain: list[str]) -> str:
    return f"""
        select
            contacts.n,
            named.record_id,
            contacts.source,
            named.is_nameless and not named.is_organisation as is_nameless,
            named.is_organisation,
            case when named.is_organisation then coalesce(named.organisation_name, cleaned.company) end as organisation,
            case
                when named.is_organisation then replace(coalesce(named.organisation_name, cleaned.company), ' ', '')
            end as organisation_key,
            named.first_name,
            list_sort(coalesce(nicknames.forms, [named.first_name])) as first_forms,
            coalesce(nicknames.forms[1], named.first_name) as first_root,
            named.first_name || '|' || coalesce(named.last_name, '') as name_key,
            named.first_name || '|' || named.last_name as both_names,
            named.first_name in (select unnest(forms) from nicknames)
                or usual_firsts.key is not null as is_known_first,
            named.middle_name,
            named.last_name,
            named.name_words,
            named.name_suffix,
            first_sounds.sound as first_sound,
            last_sounds.sound as last_sound,
            least(first_sounds.sound, last_sounds.sound) || '|'
                || greatest(first_sounds.sound, last_sounds.sound || '') as sound_pair,
            least(named.first_name, named.last_name) || '|'
                || greatest(named.first_name, named.last_name || '') as name_pair,
            cleaned.birth_date,
            case
                when try_cast(substr(cleaned.birth_date, 9, 2) as integer) <= 12
                    then concat_ws('-', left(cleaned.birth_date, 4), substr(cleaned.birth_date, 9, 2),
                        substr(cleaned.birth_date, 6, 2))
            end as birth_date_swapped,
            cleaned.gender,
            cleaned.email,
            nullif(split_part(split_part(cleaned.email, '@', 1), '+', 1), '') as email_user,
            nullif(split_part(cleaned.email, '@', 2), '') as email_domain,
            regexp_replace(cleaned.email, '[^0-9]+', '', 'g') as email_digits,
            nullif(regexp_extract(cleaned.email, '[a-z](?:19|20)?([0-9][0-9])@', 1), '') as email_year,
            coalesce(cleaned.area_code, area_codes.text) as area_code,
            cleaned.phone,
            cleaned.street,
            nullif(regexp_extract(cleaned.street, '^[0-9]+'), '') as house_number,
            cleaned.postal_code,
            case when length(cleaned.postal_code) > 4 then left(cleaned.postal_code, -2) end as postal_sector,
            case when length(cleaned.postal_code) > 3 then left(cleaned.postal_code, greatest(length(
                cleaned.postal_code) - 3, 2)) end as postal_district,
            cleaned.city,
            cleaned.state,
            cleaned.city || '|' || cleaned.state as place,
            cleaned.country,
            case when not named.is_organisation then cleaned.company end as company,
            cleaned.job_title,
            cleaned.occupation,
            cleaned.birth_place,
            cleaned.national_id
            {"".join(f", cleaned.{column}" for column in plain)}
        from named
        inner join contacts using (record_id)
        inner join cleaned using (record_id)
        left join nicknames on named.first_name = nicknames.first_name
        left join sounds as first_sounds on named.first_name = first_sounds.name
        left join sounds as last_sounds on named.last_name = last_sounds.name
        left join {dictionaries.entries("area")} as area_codes on cleaned.city = area_codes.key
        left join {dictionaries.entries("known first name")} as usual_firsts on named.first_name = usual_firsts.key
    """


def is_thin() -> str:
    """Whether a record says who reaches it but not who it is: no name and no birth date."""
    return "is_nameless and birth_date is null"

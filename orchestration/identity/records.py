"""Contacts in the forms that are compared: one row per record, every compared column text or null.

Cleaning of e-mails, phones and addresses does not belong here (staging does it); only what comparing needs: names from
full names, suffixes, nicknames, swapped dates, keys that candidates share.
"""

from pathlib import Path

import duckdb

from orchestration.identity import model

_NICKNAMES = Path(__file__).with_name("nicknames.csv")
_SUFFIXES = "jr sr ii iii iv"
_TITLES = "mr mrs ms miss dr prof"
# Longer values are pasted text, not a field; comparing them costs their length squared.
MAX_LENGTH = 80


def _spaced(words: str) -> str:
    return ", ".join(f"'{word}'" for word in words.split())


def _clean(expression: str) -> str:
    """A name as compared: first 80 characters, lower, letters, digits and single spaces; null when nothing is left."""
    return (
        f"nullif(trim(regexp_replace(regexp_replace(translate(lower(strip_accents(left({expression}, "
        f"{MAX_LENGTH}))), 'đłøı', 'dloi'), "
        "'[''’.`-]', '', 'g'), '[^\\p{L}\\p{N}]+', ' ', 'g')), '')"
    )


def _words(expression: str, dropped: str) -> str:
    return f"list_filter(string_split({expression}, ' '), lambda w: w not in ('', {_spaced(dropped)}))"


def _names_sql(contacts: str) -> str:
    """Name parts of each record: given first and last name, else parsed from the full name ('Last, First' too)."""
    turned = (
        "case when full_name like '%,%' and lower(trim(split_part(full_name, ',', 2), ' .')) not in "
        f"({_spaced(_SUFFIXES)}) then split_part(full_name, ',', 2) || ' ' || split_part(full_name, ',', 1) "
        "else replace(full_name, ',', ' ') end"
    )
    return f"""
        with cleaned as (
            select
                *,
                {_clean("coalesce(first_name_std, first_name)")} as given_first,
                {_clean("middle_name")} as given_middle,
                {_clean("coalesce(last_name_std, last_name)")} as given_last,
                {_clean("name_suffix")} as given_suffix,
                case when not regexp_matches(full_name, '[0-9@_]') then {_clean(turned)} end as full_clean
            from {contacts}
        ),
        worded as (
            select
                *,
                {_words("coalesce(given_first, '')", _TITLES)} as first_words,
                {_words("coalesce(given_last, '')", _SUFFIXES)} as last_words,
                {_words("coalesce(full_clean, '')", _TITLES + " " + _SUFFIXES)} as full_words,
                list_filter(
                    string_split(concat_ws(' ', given_suffix, given_last, full_clean), ' '),
                    lambda w: w in ({_spaced(_SUFFIXES)})
                ) as suffixes
            from cleaned
        )
        select
            record_id,
            coalesce(given_first, given_last) is null as is_parsed,
            case
                when given_first is not null then first_words[1]
                when given_last is null and len(full_words) >= 2 then full_words[1]
            end as first_name,
            case
                when given_first is not null
                    then coalesce(given_middle, array_to_string(first_words[2:], ' '))
                when given_last is null then array_to_string(full_words[2:-2], ' ')
            end as middle_name,
            case
                when given_last is not null then array_to_string(last_words, '')
                when given_first is null and len(full_words) >= 2 then full_words[-1]
            end as last_name,
            case when coalesce(given_first, given_last) is null and len(full_words) = 1 then full_words[1] end
                as lone_name,
            suffixes[1] as name_suffix
        from worded
    """


def prepare(con: duckdb.DuckDBPyConnection, contacts: str) -> None:
    """Make tables `records` (n, record_id, compared columns), `blocks` and `skipped_blocks` from relation `contacts`.

    `n` numbers the records in the order of their ids, so the same input has the same numbers on every engine version.
    """
    con.execute(f"create or replace temp table name_parts as {_names_sql(contacts)}")
    con.execute(
        "create or replace temp table nicknames as "
        "select nickname as first_name, list_sort(list_distinct(list(first_name) || [nickname])) as forms "
        f"from read_csv('{_NICKNAMES}', header = true, all_varchar = true) group by nickname"
    )
    # A single word is the name it is more often elsewhere; a handle that is nobody's name elsewhere is no name.
    con.execute(
        "create or replace temp table lone_names as "
        "with seen as (select first_name as word, 1 as is_first from name_parts where not is_parsed "
        "union all select last_name, 0 from name_parts where not is_parsed) "
        "select word, avg(is_first) >= 0.5 as is_first from seen where word is not null group by word"
    )
    _read_mail_names(con, contacts)
    con.execute("create or replace temp table area_codes as " + _area_codes_sql(contacts))
    con.execute(f"create or replace table records as {_records_sql(contacts)}")
    _add_blocks(con)


def _read_mail_names(con: duckdb.DuckDBPyConnection, contacts: str) -> None:
    """Temporary table `mail_names` (record_id, first_name, last_name): nameless records' names, read from e-mails.

    Only where the letters of the user part are one first and one last name that other records carry, as in
    `tina.kramer7@`.
    """
    con.execute(
        "create or replace temp table mail_names as with "
        "firsts as (select distinct first_name as first from name_parts where length(first_name) >= 3), "
        "lasts as (select distinct last_name as last from name_parts where length(last_name) >= 2), "
        "nameless as (select record_id, regexp_replace(split_part(email_std, '@', 1), '[^a-z]', '', 'g') as letters "
        f"from name_parts inner join {contacts} as contacts using (record_id) where email_std is not null "
        "and coalesce(name_parts.first_name, name_parts.last_name, lone_name) is null), "
        "keyed as (select distinct letters from nameless where length(letters) between 5 and 40), "
        "cuts as (select letters, left(letters, cut) as head, substr(letters, cut + 1) as tail "
        "from keyed, range(2, 20) as cuts(cut) where cut < length(letters) - 1), "
        "read as (select letters, head as first_name, tail as last_name from cuts "
        "semi join firsts on head = first semi join lasts on tail = last "
        "union select letters, tail, head from cuts semi join firsts on tail = first semi join lasts on head = last) "
        "select record_id, first_name, last_name from nameless inner join read using (letters) "
        "qualify row_number() over (partition by record_id order by length(first_name) desc, first_name, last_name) = 1"
    )


def _area_codes_sql(contacts: str) -> str:
    """The most usual area code of each city, from contacts that give both; a phone can then agree with an address."""
    return (
        "select city_std as city, left(right(regexp_replace(phone_std, '[^0-9]', '', 'g'), 10), 3) as area_code "
        f"from {contacts} where city_std is not null and length(phone_std) >= 10 "
        "group by 1, 2 qualify row_number() over (partition by city order by count(*) desc, area_code) = 1"
    )


def _records_sql(contacts: str) -> str:
    def text(column: str) -> str:
        return f"nullif(left(trim(contacts.{column}), {MAX_LENGTH}), '')"

    return f"""
        with named as (
            select
                parts.record_id,
                nullif(
                    coalesce(parts.first_name, case when lone.is_first then parts.lone_name end, mail.first_name), ''
                ) as first_name,
                nullif(parts.middle_name, '') as middle_name,
                nullif(
                    coalesce(parts.last_name, case when not lone.is_first then parts.lone_name end, mail.last_name), ''
                ) as last_name,
                parts.name_suffix,
                mail.record_id is not null or coalesce(parts.first_name, parts.last_name, lone.word, '') = ''
                    as is_nameless
            from name_parts as parts
            left join lone_names as lone on parts.lone_name = lone.word
            left join mail_names as mail on parts.record_id = mail.record_id
        )
        select
            row_number() over (order by named.record_id) as n,
            named.record_id,
            contacts.source,
            named.is_nameless,
            named.first_name,
            list_sort(coalesce(nicknames.forms, [named.first_name])) as first_forms,
            coalesce(nicknames.forms[1], named.first_name) as first_root,
            named.first_name || '|' || coalesce(named.last_name, '') as name_key,
            count(distinct named.last_name) over (partition by named.first_name) >= 3 as is_known_first,
            named.middle_name,
            named.last_name,
            named.name_suffix,
            case
                when regexp_full_match(concat_ws(' ', named.first_name, named.last_name), '[a-z ]*') then 'latin'
                else 'other'
            end as name_script,
            least(named.first_name, named.last_name) || '|'
                || greatest(named.first_name, named.last_name || '') as name_pair,
            strftime(contacts.birth_date, '%Y-%m-%d') as birth_date,
            case when day(contacts.birth_date) <= 12 then strftime(contacts.birth_date, '%Y-%d-%m') end
                as birth_date_swapped,
            {text("gender")} as gender,
            {text("email_std")} as email,
            nullif(split_part({text("email_std")}, '@', 1), '') as email_user,
            nullif(split_part({text("email_std")}, '@', 2), '') as email_domain,
            nullif(regexp_extract({text("email_std")}, '[a-z](?:19|20)?([0-9][0-9])@', 1), '') as email_year,
            coalesce(
                nullif(left(right(regexp_replace({text("phone_std")}, '[^0-9]', '', 'g'), 10), 3), ''),
                area_codes.area_code
            ) as area_code,
            nullif(right(regexp_replace({text("phone_std")}, '[^0-9]', '', 'g'), 10), '') as phone,
            {text("street_std")} as street,
            nullif(regexp_extract({text("street_std")}, '^[0-9]+'), '') as house_number,
            {text("postal_code_std")} as postal_code,
            {text("city_std")} as city
        from named
        inner join {contacts} as contacts using (record_id)
        left join nicknames on named.first_name = nicknames.first_name
        left join area_codes on contacts.city_std = area_codes.city
    """


def _add_blocks(con: duckdb.DuckDBPyConnection) -> None:
    """Table `blocks` (rule, key, n): the keys that records share, without those too many share (`skipped_blocks`)."""
    con.execute("create or replace table blocks (rule_no integer, block_key ubigint, n bigint)")
    con.execute("create or replace table skipped_blocks (rule varchar, block_key varchar, count_records bigint)")
    for rule_no, (rule, (key, most)) in enumerate(model.BLOCKING_KEYS.items()):
        con.execute(
            f"create or replace temp table keyed as select n, {key} as block_key, "
            f"count(*) over (partition by {key}) as count_records from records where {key} is not null"
        )
        con.execute(
            "insert into blocks select ?, hash(block_key), n from keyed where count_records between 2 and ?",
            [rule_no, most],
        )
        con.execute(
            "insert into skipped_blocks select ?, block_key, count(*) from keyed where count_records > ? group by all",
            [rule, most],
        )


def is_thin() -> str:
    """Whether a record says who reaches it but not who it is: no name and no birth date."""
    return "is_nameless and birth_date is null"

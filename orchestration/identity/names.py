"""Names as compared: parts of given and full names, suffixes, organisations among persons, names read from e-mails.

Makes temporary tables in the caller's connection; which of them a record uses is decided in `records`.
"""

import duckdb

from orchestration.identity import dictionaries, organisations, scripts, skeletons
from orchestration.identity.organisations import spaced

_SUFFIXES = ("jr", "sr", "junior", "senior", "ii", "iii", "iv")
_TITLES = (
    "mr", "mrs", "ms", "miss", "dr", "prof", "sir", "dame", "lord", "lady", "rev", "reverend", "capt", "captain", "col",
    "maj", "hon", "herr", "frau", "madame", "mme", "esq", "phd", "md", "baronet", "bt", "baron", "baroness", "countess",
    "viscount", "marquess", "duchess", "1st", "2nd", "3rd", "4th", "5th", "6th", "7th", "8th", "9th", "10th", "11th",
    "12th", "of",
)  # fmt: skip
# Words that belong to the next one: van den Berg, Al Masri.
_PARTICLES = "al|el|ul|van|von|de|der|den|del|della|la|le|di|da|dos|mac|mc|st|bin|ibn|abu|abd"
# Longer values are pasted text, not a field; comparing them costs their length squared.
MAX_LENGTH = 80


def clean(expression: str) -> str:
    """A text as compared: first 80 characters, lower, letters, digits and single spaces; null when nothing is left."""
    return f"{cleaned_list([expression])}[1]"


def cleaned_list(expressions: list[str]) -> str:
    """Several texts cleaned, as a list: planned once, which is what a small batch pays for."""
    lowered = ", ".join(f"lower(strip_accents(left({expression}, {MAX_LENGTH})))" for expression in expressions)
    # Most texts are clean already, and seeing that costs a fraction of cleaning.
    return (
        f"list_transform([{lowered}], lambda v: case when regexp_full_match(v, '[a-z0-9]+( [a-z0-9]+)*') then v else "
        "nullif(trim(regexp_replace(regexp_replace(translate(v, 'đłøı', 'dloi'), '[''’.`-]', '', 'g'), "
        "'[^\\p{L}\\p{N}]+', ' ', 'g')), '') end)"
    )


def _in_full(column: str) -> str:
    """A name that ends in 'jun.' or 'sen.' with that word in full; without the point both are names."""
    written = f"regexp_replace({column}, '(?i)\\b(jun|sen)\\.$', '\\1ior')"
    return f"case when {column} like '%n.' then {written} else {column} end as {column}"


def _words(expression: str, dropped: tuple[str, ...]) -> str:
    """The words of a cleaned text, particles joined to the next, without some; most texts are one word."""
    glued = f"regexp_replace({expression}, '\\b({_PARTICLES}) (\\w)', '\\1\\2', 'g')"
    kept = f"list_filter(string_split({glued}, ' '), lambda w: w not in ('', {spaced(dropped)}))"
    is_word = f"{expression} not in ('', {spaced(dropped)}) and not contains({expression}, ' ')"
    return f"case when {is_word} then [{expression}] else {kept} end"


def organisation(expression: str) -> str:
    """An organisation's name as compared."""
    return organisations.compared(clean(expression))


def prepare(con: duckdb.DuckDBPyConnection, *, is_learning: bool) -> None:
    """Temporary tables `name_parts`, `mail_names` and `sounds` from table `contacts`.

    Which words are first names, and which are names at all, is in the dictionary, or is learned into it.
    """
    _romanise(con)
    con.execute(f"create or replace temp table name_parts as {_parts_sql()}")
    if is_learning:
        _learn_words(con)
    _read_mail_names(con)
    con.execute(
        f"create or replace temp table sounds as select name, {skeletons.skeleton_sql('name')} as sound from ("
        "select first_name as name from name_parts union select last_name from name_parts union select lone_name from "
        "name_parts union select unnest([first_name, last_name]) from mail_names) "
        "where regexp_full_match(name, '[a-z ]+')"
    )


def _learn_words(con: duckdb.DuckDBPyConnection) -> None:
    # A word alone in a first name's column is the name it is more often elsewhere.
    dictionaries.learn(
        con,
        "lone name",
        "select word as key, avg(is_first) as share from (select first_name as word, 1 as is_first from name_parts "
        "where lone_name is null and not is_parsed union all select last_name, 0 from name_parts "
        "where lone_name is null and not is_parsed) where word is not null group by word",
    )
    # One that is nowhere else is what most others are.
    dictionaries.learn(
        con,
        "other lone name",
        "select '' as key, coalesce(avg((share >= 0.5)::int), 1) as share from name_parts inner join "
        f"{dictionaries.entries('lone name')} on lone_name = key where not is_parsed",
    )
    for kind, column, least in (("first name", "first_name", 3), ("last name", "last_name", 2)):
        dictionaries.learn(
            con, kind, f"select distinct {column} as key from name_parts where length({column}) >= {least}"
        )


def _romanise(con: duckdb.DuckDBPyConnection) -> None:
    """Names of other scripts in table `contacts` in Latin letters, family and given name told apart where custom does.

    Where the family's comes first by custom, a given name of several syllables is one word.
    """
    con.execute(
        "create or replace temp table texts as select full_name as text from contacts "
        "union select last_name || ' ' || first_name from contacts "
        "union select first_name from contacts union select last_name from contacts"
    )
    scripts.prepare(con, "texts")
    turned = scripts.family_first_sql("lower(full_name)")
    both_turned = scripts.family_first_sql("lower(contacts.last_name || ' ' || contacts.first_name)")
    con.execute(
        "create or replace temp table contacts as "
        "with whole as (select * from scripts), own as (select text, latin from scripts) "
        "select contacts.* replace ("
        "case when contacts.first_name is null and contacts.last_name is null then "
        f"case when f.family is not null then replace(f.given, ' ', '') when {turned} then replace(regexp_replace("
        "trim(full_name), '^\\S+\\s+', ''), ' ', '') end "
        f"when b.family is not null then replace(b.given, ' ', '') when {both_turned} then "
        "replace(contacts.first_name, ' ', '') else coalesce(g.latin, contacts.first_name) end as first_name, "
        "case when contacts.first_name is null and contacts.last_name is null then "
        f"case when f.family is not null then f.family when {turned} then split_part(trim(full_name), ' ', 1) end "
        "else coalesce(b.family, l.latin, contacts.last_name) end as last_name, "
        "coalesce(f.latin, full_name) as full_name) "
        "from contacts left join whole as f on f.text = contacts.full_name "
        "left join whole as b on b.text = contacts.last_name || ' ' || contacts.first_name "
        "left join own as g on g.text = contacts.first_name left join own as l on l.text = contacts.last_name"
    )


def _parts_sql() -> str:
    """Name parts of each record: given first and last name, else parsed from the full name ('Last, First' too).

    What follows a comma is a first name only if it looks like one: not '1st Baron', not 'Jr'.
    """
    turned = (
        f"case when full_name like '%,%' and not regexp_matches(after_comma, '[0-9]') "
        f"and after_comma not in ({spaced(_SUFFIXES)}) and len(string_split(after_comma, ' ')) <= 3 "
        "and len(string_split(trim(split_part(full_name, ',', 1)), ' ')) <= 2 "
        "then split_part(full_name, ',', 2) || ' ' || split_part(full_name, ',', 1) "
        f"when full_name like '%,%' and after_comma not in ({spaced(_SUFFIXES)}) then split_part(full_name, ',', 1) "
        "else replace(full_name, ',', ' ') end"
    )
    after = "case when full_name like '%,%' then split_part(full_name, ',', 2) end"
    in_full = ", ".join(_in_full(column) for column in ("last_name", "name_suffix", "full_name"))
    dropped = _TITLES + _SUFFIXES
    return f"""
        with halved as (
            select
                *,
                {cleaned_list(["first_name", "middle_name", "last_name", "name_suffix", "full_name", after])} as texts,
                texts[6] as after_comma
            from (select * replace ({in_full}) from contacts)
        ),
        cleaned as (
            select
                *,
                texts[1] as given_first,
                texts[2] as given_middle,
                texts[3] as given_last,
                texts[4] as given_suffix,
                texts[5] as whole,
                case when not regexp_matches(full_name, '[0-9@_]') or full_name like '%,%' then {clean(turned)} end
                    as full_clean
            from halved
        ),
        worded as (
            select
                *,
                {organisations.is_organisation("whole", parts="concat_ws(' ', given_first, given_last)")}
                    or (coalesce(given_first, given_last, whole) is null and company_name is not null
                        and coalesce(birth_date, gender, job_title, occupation) is null) as is_organisation,
                {_words("coalesce(given_first, '')", _TITLES)} as first_words,
                {_words("coalesce(given_last, '')", dropped)} as last_words,
                {_words("coalesce(full_clean, '')", dropped)} as full_words,
                list_filter(full_words, lambda w: not list_contains(list_concat(first_words, last_words), w))
                    as other_words,
                regexp_extract(
                    concat_ws(' ', given_suffix, given_last, whole), '(?:^| )({"|".join(_SUFFIXES)})(?: |$)', 1
                ) as suffix
            from cleaned
        )
        select
            record_id,
            is_organisation,
            case when is_organisation then {organisation("coalesce(full_name, concat_ws(' ', first_name, last_name))")}
            end as organisation_name,
            coalesce(given_first, given_last) is null as is_parsed,
            case
                when is_organisation then null
                when given_first is not null then first_words[1]
                when given_last is null and len(full_words) >= 2 then full_words[1]
                when given_last is not null then other_words[1]
            end as first_name,
            case
                when is_organisation then null
                when given_first is not null
                    then coalesce(given_middle, nullif(array_to_string(first_words[2:], ' '), ''),
                        case when full_words[1] = first_words[1] and len(full_words) > 2 then full_words[2] end)
                when given_last is null then array_to_string(full_words[2:-2], ' ')
                else array_to_string(other_words[2:], ' ')
            end as middle_name,
            case
                when is_organisation then null
                when given_last is not null then array_to_string(last_words, '')
                when given_first is null and len(full_words) >= 2 then full_words[-1]
                when given_first is not null then other_words[-1]
            end as last_name,
            case
                when is_organisation then null
                when coalesce(given_first, given_last) is null then case when len(full_words) = 1 then full_words[1] end
                when given_last is null and len(first_words) = 1 and len(other_words) = 0 then first_words[1]
                when given_last is null and len(first_words) = 0 and len(full_words) = 1 then full_words[1]
            end as lone_name,
            list_distinct(list_concat(first_words, last_words, full_words)) as name_words,
            case suffix when 'junior' then 'jr' when 'senior' then 'sr' when '' then null else suffix end as name_suffix
        from worded
    """


def _read_mail_names(con: duckdb.DuckDBPyConnection) -> None:
    """Temporary table `mail_names` (record_id, first_name, last_name): nameless records' names, read from e-mails.

    Only where the letters of the user part are one first and one last name that other records carry, as in
    `tina.kramer7@`.
    """
    con.execute(
        "create or replace temp table mail_names as with "
        f"firsts as (select key as first from {dictionaries.entries('first name')}), "
        f"lasts as (select key as last from {dictionaries.entries('last name')}), "
        "nameless as (select record_id, regexp_replace(split_part(lower(email), '@', 1), '[^a-z]', '', 'g') as letters "
        "from name_parts inner join contacts using (record_id) where email is not null "
        "and coalesce(name_parts.first_name, name_parts.last_name, lone_name, organisation_name) is null), "
        "keyed as (select distinct letters from nameless where length(letters) between 5 and 40), "
        "cuts as (select letters, left(letters, cut) as head, substr(letters, cut + 1) as tail "
        "from keyed, range(2, 20) as cuts(cut) where cut < length(letters) - 1), "
        "read as (select letters, head as first_name, tail as last_name from cuts "
        "semi join firsts on head = first semi join lasts on tail = last "
        "union select letters, tail, head from cuts semi join firsts on tail = first semi join lasts on head = last) "
        "select record_id, first_name, last_name from nameless inner join read using (letters) "
        "qualify row_number() over (partition by record_id order by length(first_name) desc, first_name, last_name) = 1"
    )

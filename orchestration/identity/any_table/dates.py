"""Birth dates in the forms people write them, read into ISO text; which column holds them is said in `roles`.

A whole column is looked at before one value is read: 03/04/1970 is April or March by what its neighbours say.
"""

from dataclasses import dataclass

import duckdb

# Two-digit years up to this one are of this century.
_PIVOT = 29
# The first letters of months in the languages of the column names we know, accents taken off.
_MONTHS = (
    "jan ene gen sty led", "feb fev lut unor", "mar mrz marz", "apr avr abr kwi", "may mai mag mei maj", "jun juin giu",
    "jul juil lug lip", "aug aou ago sie", "sep set wrz", "oct okt ott out", "nov lis", "dec dez dic des gru",
)  # fmt: skip
_NUMBERS = r"^(\d{1,2})[-/. ]+(\d{1,2})[-/. ]+(\d{4}|\d{2})$"
_YEAR_LAST = r"^(\d\d)(\d\d)((?:1[5-9]|20)\d\d)$"
_YEAR_FIRST = r"^(1[5-9]\d\d|20\d\d)(0\d|1[0-2])([0-2]\d|3[01])$"
# Dates of no year we know that are not a typing error either: 0001-01-01, 0000-00-00, 9999-12-31, a number.
_PLACEHOLDER = "coalesce(m, 0) = 0 or coalesce(d, 0) = 0 or (m = 1 and d = 1) or (m = 12 and d = 31)"
# Arabic, Persian and full-width digits.
_DIGITS = ("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹０１２３４５６７８９", "0123456789" * 3)


def plain_digits(expression: str) -> str:
    """The text with the digits of other scripts as 0 to 9, as SQL."""
    digits = f"translate({expression}, '{_DIGITS[0]}', '{_DIGITS[1]}')"
    return f"case when strlen({expression}) <> length({expression}) then {digits} else {expression} end"


@dataclass(frozen=True)
class Reading:
    """How a column of dates was read: values by outcome, and sources that do not show whether the day comes first."""

    read: int
    years_only: int
    impossible: int
    unreadable: int
    undecided: tuple[str, ...]
    example: str | None

    def warnings(self, column: str) -> list[str]:
        """What the owner of the table should know, in sentences."""
        told = []
        if self.unreadable:
            told.append(f"{self.unreadable:,} values of '{column}' are no date (as '{self.example}'): taken as missing")
        if self.impossible:
            told.append(
                f"{self.impossible:,} values of '{column}' name a day or year that cannot be: compared digit by digit"
            )
        if self.undecided:
            where = f" of {', '.join(self.undecided)}" if any(self.undecided) else ""
            told.append(f"'{column}'{where} does not show whether day or month comes first: read as day before month")
        return told


def read_dates(con: duckdb.DuckDBPyConnection, relation: str, column: str, source: str, table: str) -> Reading:
    """Make `table` (source, text, iso): values of `column` as YYYY-MM-DD, YYYY-MM or YYYY, null if unreadable.

    A day or year that cannot be keeps its digits in this form: one typing error does not make a date say nothing.
    `source` is SQL; each source has its own order of day and month.
    """
    texts = f"{table}_texts"
    con.execute(
        f"create or replace temp table {texts} as select {source} as source, {column} as text, count(*) as records, "
        f"regexp_replace(lower(strip_accents(trim({plain_digits(column)}))), "
        r"'[t ]+\d{1,2}:\d{2}.*$', '') as t "
        f"from {relation} where {column} is not null group by all"
    )
    con.execute(f"create or replace temp table {table}_orders as {_orders_sql(texts)}")
    con.execute(f"create or replace temp table {table} as {_read_sql(texts, f'{table}_orders')}")
    counted = dict(con.execute(f"select outcome, sum(records)::bigint from {table} group by 1").fetchall())
    example = con.execute(f"select min(text) from {table} where outcome = 'unreadable'").fetchall()[0][0]
    undecided = con.execute(f"select coalesce(source, '') from {table}_orders where is_undecided order by 1").fetchall()
    counts = (counted.get(name, 0) for name in ("read", "year", "impossible", "unreadable"))
    return Reading(*counts, tuple(name for (name,) in undecided), example)


def _orders_sql(texts: str) -> str:
    """For each source, whether the day comes first where a date is in numbers with the year last.

    Numbers above 12 show it; a source without any follows the others, or the dots between its numbers.
    """

    def part(place: int) -> str:
        return (
            f"try_cast(coalesce(nullif(regexp_extract(t, '{_NUMBERS}', {place}), ''), "
            f"nullif(regexp_extract(t, '{_YEAR_LAST}', {place}), '')) as integer)"
        )

    return f"""
        with numbers as (select source, t, {part(1)} as a, {part(2)} as b from {texts}),
        counted as (
            select source, count(a) as dates, count(*) filter (where a > 12 and b <= 12) as day_first,
                count(*) filter (where b > 12 and a <= 12) as month_first,
                count(*) filter (where a is not null and t like '%.%.%') as dotted
            from numbers group by source
        )
        select source,
            case when day_first <> month_first then day_first > month_first when dotted > 0 then true
            else sum(day_first) over () >= sum(month_first) over () end as is_day_first,
            dates > 0 and dotted = 0 and day_first = month_first
                and sum(day_first) over () = sum(month_first) over () as is_undecided
        from counted
    """


def _read_sql(texts: str, orders: str) -> str:
    months = ", ".join(f"'{word}': {number}" for number, words in enumerate(_MONTHS, 1) for word in words.split())
    last = r"case when is_day_first then '\3|\2|\1' else '\3|\1|\2' end"
    return rf"""
        with written as (
            select {texts}.source, text, records, case
                when regexp_full_match(t, '\d{{4}}[-/.]\d{{1,2}}([-/.]\d{{1,2}})?')
                    then regexp_replace(t, '^(\d+)\D(\d+)\D?(\d*)$', '\1|\2|\3')
                when regexp_full_match(t, '\d{{8}}') then case
                    when regexp_matches(t, '{_YEAR_LAST}') and not regexp_matches(t, '{_YEAR_FIRST}')
                        then regexp_replace(t, '{_YEAR_LAST}', {last})
                    else regexp_replace(t, '^(\d{{4}})(\d\d)(\d\d)$', '\1|\2|\3') end
                when regexp_matches(t, '{_NUMBERS}') then regexp_replace(t, '{_NUMBERS}', {last})
                when regexp_full_match(t, '\d{{1,2}}(st|nd|rd|th|er)?[ .-]*[a-z]{{3,}}[ .,-]*(\d{{4}}|\d{{2}})')
                    then regexp_replace(t, '^(\d+)(?:st|nd|rd|th|er)?[ .-]*[a-z]+[ .,-]*(\d+)$', '\2|name|\1')
                when regexp_full_match(t, '[a-z]{{3,}}[ .-]*\d{{1,2}}(st|nd|rd|th)?[ .,-]+(\d{{4}}|\d{{2}})')
                    then regexp_replace(t, '^[a-z]+[ .-]*(\d+)(?:st|nd|rd|th)?[ .,-]+(\d+)$', '\2|name|\1')
                when regexp_full_match(t, '[a-z]{{3,}}[ .,-]*\d{{4}}')
                    then regexp_replace(t, '^[a-z]+[ .,-]*(\d+)$', '\1|name|')
                when regexp_full_match(t, '(1\d|20)\d{{2}}') then t || '||'
            end as parts, map {{{months}}} as months, regexp_extract(t, '[a-z]{{3,}}') as word
            from {texts} inner join {orders} on {orders}.source is not distinct from {texts}.source
        ),
        numbered as (
            select source, text, records, split_part(parts, '|', 1) as y,
                try_cast(split_part(parts, '|', 3) as integer) as d,
                case when split_part(parts, '|', 2) = 'name' then coalesce(months[left(word, 4)], months[left(word, 3)])
                else try_cast(split_part(parts, '|', 2) as integer) end as m
            from written
        ),
        centuries as (
            select source, text, records, m, d, try_cast(case
                when length(y) = 2 and y::integer <= {_PIVOT} then '20' || y
                when length(y) = 2 then '19' || y else y end as integer) as y
            from numbered
        ),
        iso as (
            select source, text, records, case
                when y is null or (y not between 1000 and 2100 and ({_PLACEHOLDER})) then null
                when coalesce(m, 0) = 0 then y::varchar
                when coalesce(d, 0) = 0 then printf('%04d-%02d', y, m)
                else printf('%04d-%02d-%02d', y, m, d) end as iso
            from centuries
        )
        select source, text, iso, records, case when iso is null then 'unreadable' when length(iso) < 10 then 'year'
            when try_cast(iso as date) is null or left(iso, 4) not between '1000' and '2100' then 'impossible'
            else 'read' end as outcome
        from iso
    """

"""Accounts: one for each company that contacts name, write from, or a CRM lists. Where they come from is in `keeping`.

A domain says most, a company record next, a name least: names are shared, misspelt, or a person's own.
"""

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.identity.components import components
from orchestration.identity.names import clean, organisation

_FREE_MAIL = Path(__file__).with_name("free_mail.csv")
# What people write who have no company.
_NO_COMPANY = (
    "none", "na", "n a", "no", "self", "self employed", "selfemployed", "freelance", "freelancer", "retired", "student",
    "unemployed", "home", "homemaker", "private", "personal", "test", "company", "my company", "unknown", "other",
    "individual", "consultant", "independent",
)  # fmt: skip
# A domain whose people name so many companies, none of them often, gives mail to anybody.
_LEAST_NAMES_OF_A_PROVIDER = 8
_SHARE_OF_A_PROVIDER = 0.4
# So does one with so many people of whom hardly anybody names a company, unless a CRM lists it.
_LEAST_PEOPLE_OF_A_PROVIDER = 50
_LEAST_SHARE_NAMING = 0.02
# A misspelt name has this many mentions at most, and the right one so many times more.
_MOST_MENTIONS_OF_AN_ERROR = 2
_ERROR_FACTOR = 3
_LEAST_LETTERS = 6


def find(con: duckdb.DuckDBPyConnection, contacts: str, companies: str) -> tuple[pa.Table, pa.Table]:
    """(key_type, key_value, part) of each company, and (person_id, part, why, count_records); labels do not last.

    `contacts`: person_id, record_id, company_name, first_name_std, last_name_std, full_name, email_std. `companies`:
    company_id, name, domain.
    """
    _read(con, contacts, companies)
    _find_free_domains(con)
    _correct_names(con)
    _make_cores(con)
    _place_names(con)
    keys = con.execute(
        "select 'domain' as key_type, domain as key_value, part from domain_parts union all "
        "select 'company', company_id, part from company_parts union all "
        "select 'name', name, part from name_parts union all "
        "select 'name', error, part from corrected inner join name_parts using (name) order by all"
    ).to_arrow_table()
    people = con.execute(
        "with told as (select person_id, record_id, part, 'company name' as why from mentions "
        "inner join name_parts using (name) union all "
        "select person_id, record_id, part, 'e-mail domain' from mentions inner join domain_parts using (domain)) "
        "select person_id, part, string_agg(distinct why, ', ' order by why) as why, "
        "count(distinct record_id) as count_records from told group by person_id, part order by part, person_id"
    ).to_arrow_table()
    return keys, people


def _domain(expression: str) -> str:
    around = r"^(https?://)?((www|mail|email|smtp)\.)?|/.*$"
    return f"nullif(regexp_replace(lower(trim({expression})), '{around}', '', 'g'), '')"


def _read(con: duckdb.DuckDBPyConnection, contacts: str, companies: str) -> None:
    """Temporary tables `mentions` (person_id, record_id, names, domain), `listed` (company_id, name, domain)."""
    no_company = ", ".join(f"'{word}'" for word in _NO_COMPANY)
    own = f"{clean('first_name_std')} || ' ' || {clean('last_name_std')}"
    con.execute(
        f"create or replace temp table listed as select company_id, {organisation('name')} as name, name as raw_name, "
        f"{_domain('domain')} as domain from {companies}"
    )
    con.execute(
        "create or replace temp table mentions as with told as (select person_id, record_id, company_name as raw_name, "
        f"{organisation('company_name')} as name, {clean('company_name')} as whole, {own} as own_name, "
        f"{clean('full_name')} as full_name, {_domain('split_part(email_std, chr(64), 2)')} as domain from {contacts}) "
        "select person_id, record_id, raw_name, case when length(name) > 1 "
        f"and name not in ({no_company}) and whole not in ({no_company}) "
        "and (name is distinct from own_name and name is distinct from full_name "
        "or name in (select name from listed where name is not null)) then name end as name, domain from told"
    )


def _find_free_domains(con: duckdb.DuckDBPyConnection) -> None:
    """Take domains away that are nobody's: listed mail providers, and those that behave like one."""
    con.execute(
        "create or replace temp table free_domains as "
        f"select domain from read_csv('{_FREE_MAIL}', header = true, columns = {{'domain': 'varchar'}}) union "
        "select domain from (select domain, name, count(distinct person_id) as n from mentions "
        "where domain is not null and name is not null group by all) group by domain "
        "having count(*) >= ? and max(n) < ? * sum(n) union "
        "select domain from mentions where domain is not null "
        "and domain not in (select domain from listed where domain is not null) group by domain "
        "having count(distinct person_id) >= ? "
        "and count(distinct person_id) filter (name is not null) < ? * count(distinct person_id)",
        [
            _LEAST_NAMES_OF_A_PROVIDER,
            _SHARE_OF_A_PROVIDER,
            _LEAST_PEOPLE_OF_A_PROVIDER,
            _LEAST_SHARE_NAMING,
        ],
    )
    for table in ("mentions", "listed"):
        con.execute(f"update {table} set domain = null where domain in (select domain from free_domains)")


def _correct_names(con: duckdb.DuckDBPyConnection) -> None:
    """Give a rare name the usual one that is a stroke or two away: `corrected` (error, name)."""
    con.execute(
        "create or replace temp table corrected as "
        "with counted as (select name, count(distinct person_id) as n from mentions where name is not null "
        "group by name), "
        "named as (select distinct name from listed where name is not null), "
        "usual as (select name, coalesce(n, 0) as n, named.name is not null as is_listed from counted "
        "full join named using (name)) "
        "select a.name as error, b.name from counted as a inner join usual as b "
        "on (left(a.name, 3) = left(b.name, 3) or right(a.name, 3) = right(b.name, 3)) and a.name <> b.name "
        f"where a.n <= {_MOST_MENTIONS_OF_AN_ERROR} and a.name not in (select name from named) "
        f"and (b.is_listed or b.n >= {_ERROR_FACTOR} * a.n) "
        f"and least(length(a.name), length(b.name)) >= {_LEAST_LETTERS} "
        "and damerau_levenshtein(a.name, b.name) <= case when length(a.name) >= 12 then 2 else 1 end "
        # Numbers are not misspelt: unit 4 and unit 5 are two.
        "and regexp_replace(a.name, '[^0-9]', '', 'g') = regexp_replace(b.name, '[^0-9]', '', 'g') "
        "qualify row_number() over (partition by a.name order by b.is_listed desc, b.n desc, b.name) = 1"
    )
    con.execute("update mentions set name = corrected.name from corrected where mentions.name = corrected.error")


def _make_cores(con: duckdb.DuckDBPyConnection) -> None:
    """Companies that a domain or a company record stands for: `domain_parts`, `company_parts`, `core_names`.

    A domain and a name belong together when each is the other's most usual, more than once, or look alike.
    """
    con.execute(
        "create or replace temp table pairs as with counted as (select name, domain, count(distinct person_id) as n "
        "from mentions where name is not null and domain is not null group by all) "
        "select name, domain, (n > 1 and n = max(n) over (partition by name) and n = max(n) over (partition by domain) "
        "and count(*) over (partition by name, n) = 1) or (length(label) > 2 and (starts_with(label, compact) "
        "or starts_with(compact, label) or jaro_winkler_similarity(label, compact) >= 0.9)) as is_one "
        "from (select *, replace(name, ' ', '') as compact, "
        "regexp_replace(split_part(domain, '.', 1), '[^a-z]', '', 'g') as label from counted)"
    )
    con.execute(
        "create or replace temp table cores as "
        "select row_number() over (order by domain, company_id) - 1 as i, * from ("
        "select domain, cast(null as varchar) as company_id from mentions where domain is not null union "
        "select domain, null from listed where domain is not null union "
        "select null, company_id from listed where domain is null)"
    )
    con.execute(
        "create or replace temp table core_names as select distinct i as part, name from cores inner join ("
        "select name, domain from pairs where is_one union select name, domain from listed) using (domain) "
        "where name is not null"
    )
    _join_bare_companies(con)
    con.execute(
        "create or replace temp table domain_parts as select domain, i as part from cores where domain is not null"
    )
    con.execute(
        "create or replace temp table company_parts as select company_id, part from bare_parts union all "
        "select company_id, part from listed inner join domain_parts using (domain)"
    )


def _join_bare_companies(con: duckdb.DuckDBPyConnection) -> None:
    """Company records without a domain: with the one domain of their name, else with each other by name."""
    bare = con.execute(
        "with owners as (select name, min(part) as part from core_names group by name having count(*) = 1) "
        "select i, coalesce(owners.part, min(i) over (partition by coalesce(name, company_id))) as part "
        "from cores inner join listed using (company_id) left join owners using (name) "
        "where cores.domain is null order by i"
    ).fetchnumpy()
    count = con.execute("select count(*) from cores").fetchall()[0][0]
    label = components(count, bare["i"].astype(np.int64), bare["part"].astype(np.int64))
    con.register("labels_in", pa.table({"i": pa.array(range(count), pa.int64()), "part": label}))
    con.execute(
        "create or replace temp table bare_parts as select company_id, part from cores inner join labels_in using (i) "
        "where company_id is not null"
    )
    con.execute(
        "insert into core_names select distinct part, name from bare_parts inner join listed using (company_id) "
        "where name is not null except select part, name from core_names"
    )
    con.unregister("labels_in")


def _place_names(con: duckdb.DuckDBPyConnection) -> None:
    """`name_parts` (name, part): names of one core go there, names of none stand for themselves, others for nothing."""
    con.execute(
        "create or replace temp table name_parts as with owners as (select name, count(distinct part) as n, min(part) "
        "as part from core_names group by name), "
        "alone as (select name, (select count(*) from cores) + row_number() over (order by name) as part "
        "from (select distinct name from mentions where name is not null) anti join owners using (name)) "
        "select name, part from owners where n = 1 union all select name, part from alone"
    )

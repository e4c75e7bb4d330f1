"""What the values of a table's columns look like, counted; what follows from it is said in `roles`.

Patterns are looked for in a sample: the same rows for the same table, spread over all of it.
"""

from pathlib import Path
from typing import Any

import duckdb

from orchestration.identity.any_table.dates import plain_digits
from orchestration.warehouse.files import Column

_SAMPLE_ROWS = 5_000
_NICKNAMES = Path(__file__).parents[1] / "nicknames.csv"
_GENDERS = (
    "m f w d x u h male female man woman men women mann frau maennlich mannlich weiblich homme femme hombre mujer uomo "
    "donna masculino femenino unknown other nonbinary non-binary"
)
_TITLES = "mr mrs ms miss mx dr prof sir herr frau hr fr mme mlle sr sra srta sig signora dhr mevr rev"
_STATES = (
    "al ak az ar ca co ct de fl ga hi id il in ia ks ky la me md ma mi mn ms mo mt ne nv nh nj nm ny nc nd oh ok or pa "
    "ri sc sd tn tx ut vt va wa wv wi wy dc pr nsw vic qld sa tas act nt on qc bc ab mb nb ns nl pe sk"
)
_YES_NO = "true false yes no y n 0 1 t f ja nein"


def _listed(words: str) -> str:
    return ", ".join(f"'{word}'" for word in words.split())


# Shares of a column's values for which a condition on value `v` (`low` is its lower case) holds.
_SHARES = {
    "email": r"regexp_full_match(v, '[^@\s]+@[^@\s]+\.[^@\s]+')",
    "at_sign": "v like '%@%'",
    "url": r"regexp_matches(low, '^(https?://|www\.)|linkedin\.com/|facebook\.com/')",
    "phone": r"regexp_full_match(low, '[+(]?[0-9][-0-9\s().+/]{5,}((x|ext)\.?\s*\d+)?') and digits between 7 and 18",
    "phone_marked": r"regexp_matches(v, '^[+(]|^0\d|\d[-. /)]\s?\d')",
    "digits_5": "digits >= 5",
    "has_digit": "digits > 0",
    "date": r"regexp_full_match(low, '\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([t ].*)?|(1[89]|20)\d{2}[01]\d[0-3]\d|"
    r"[0-3]\d[0-3]\d(1[89]|20)\d{2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})|\d{1,2}[ .-]*\p{L}{3,}[ .,-]*\d{4}|"
    r"\p{L}{3,} \d{1,2},? \d{4}')",
    "time": r"regexp_matches(v, '\d:\d{2}') and not regexp_matches(v, '[T ]00:00(:00(\.0+)?)?(Z|\+00)?')",
    "year": r"regexp_full_match(v, '(1[89]|20)\d{2}')",
    "old_year": r"regexp_matches(v, '(^|\D)(1[5-9]\d{2}|200[0-5])') ",
    "postal": r"regexp_full_match(low, '\d{5}(-?\d{4})?|[a-z]{1,2}\d[a-z\d]? ?\d[a-z]{2}|[a-z]\d[a-z] ?\d[a-z]\d|"
    r"\d{4} ?[a-z]{2}')",
    "ssn": r"regexp_full_match(v, '\d{3}-\d{2}-\d{4}')",
    "number": "try_cast(v as double) is not null",
    "decimal": r"regexp_full_match(v, '-?\d+[.,]\d+')",
    "words": r"regexp_full_match(v, '[\p{L}\p{M} .,''’`-]+')",
    "one_word": r"regexp_full_match(v, '[\p{L}\p{M}''’`-]+')",
    "spaced": "v like '% %'",
    "street": r"regexp_full_match(low, '\d+[a-z]?,? +\p{L}.*|\p{L}.* \d+ ?[a-z]?(/.*)?')",
    "gender": f"low in ({_listed(_GENDERS)})",
    "title": f"rtrim(low, '.') in ({_listed(_TITLES)})",
    "state": f"low in ({_listed(_STATES)})",
    "yes_no": f"low in ({_listed(_YES_NO)})",
    "company": r"regexp_matches(low, '\b(inc|llc|ltd|gmbh|corp|plc|ag|partners|group|holdings|co|company|limited|sa|"
    r"bv)\.?$')",
    "long": "length(v) > 60",
    "first_name": "split_part(regexp_replace(low, '^(mr|mrs|ms|dr|miss)\\.? ', ''), ' ', 1) in (select name from "
    "usual_first_names)",
}
Facts = dict[str, Any]


def column_facts(con: duckdb.DuckDBPyConnection, table: str, given: str, columns: list[Column]) -> dict[str, Facts]:
    """For each column (by its name in DuckDB): rows, filled, distinct, is_unique, and the shares above of its values.

    `given` is the relation with cleaned texts.
    """
    con.execute(
        "create or replace temp table usual_first_names as select first_name as name from "
        f"read_csv('{_NICKNAMES}', header = true, all_varchar = true) union select nickname from "
        f"read_csv('{_NICKNAMES}', header = true, all_varchar = true)"
    )
    rows = con.execute(f"select count(*) from {table}").fetchall()[0][0]
    counted = ", ".join(f"count({c.at}), approx_count_distinct({c.at})" for c in columns)
    counts = con.execute(f"select {counted} from {given}").fetchall()[0]
    shares = _shares(con, given, columns, rows)
    found = {}
    for place, column in enumerate(columns):
        filled, distinct = counts[2 * place : 2 * place + 2]
        # The approximation is good for what is common; a column that is constant or unique must be known to be so.
        if distinct < 200 or distinct > 0.6 * filled:
            distinct = con.execute(f"select count(distinct {column.at}) from {given}").fetchall()[0][0]
        found[column.at] = {
            "rows": rows, "filled": filled, "share_filled": filled / rows, "distinct": distinct,
            "is_unique": filled == distinct == rows, **dict.fromkeys(_SHARES, 0.0), **shares.get(column.at, {}),
        }  # fmt: skip
    return found


def _shares(con: duckdb.DuckDBPyConnection, given: str, columns: list[Column], rows: int) -> dict[str, Facts]:
    step = max(rows // _SAMPLE_ROWS, 1)
    con.execute(f"create or replace temp table sampled as select * from {given} where hash(row_no) % {step} = 0")
    names = ", ".join(column.at for column in columns)
    wanted = ", ".join(f"coalesce(avg(({condition})::integer), 0) as {name}" for name, condition in _SHARES.items())
    cursor = con.execute(
        f"select place, {wanted} from (select place, {plain_digits('value')} as v, lower(strip_accents(v)) as low, "
        "length(regexp_replace(v, '[^0-9]', '', 'g')) as digits from "
        f"(unpivot (select {names} from sampled) on {names} into name place value value)) group by place"
    )
    given_names = [column[0] for column in cursor.description]
    return {row[0]: dict(zip(given_names[1:], row[1:], strict=True)) for row in cursor.fetchall()}

"""Static lists: a CSV of identifiers, each row resolved to the person who has it, or left with a reason.

An identifier is a person id of any time, a record id, an e-mail address, a phone number or a loyalty number, in any
spelling; it is cleaned by the macros that clean the sources. When a list ends is in `rules.InList`.
"""

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.warehouse import engine
from orchestration.warehouse.functions import register_duckdb
from orchestration.warehouse.macros import render

_HEADINGS = ("person_id", "record_id", "email", "phone", "loyalty_number")
_CLEANED = {"email": "email_std", "phone": "phone_e164", "loyalty_number": "loyalty_number_std"}
_FOUND = """
    select given.line, people.person_id from list_given as given
    inner join profile.people as people on given.value = people.person_id
    union
    select given.line, owners.person_id from list_given as given
    inner join identity.person_records as owners on given.value = owners.record_id
"""
_BY_FORMER_ID = """
    union
    select given.line, aliases.survivor_id from list_given as given
    inner join state.identity.aliases as aliases on given.value = aliases.person_id
"""
_BY_IDENTIFIER = """
    union
    select given.line, owners.person_id from list_given as given
    inner join conformed.identifiers as identifiers
        on identifiers.identifier_type = '{kind}' and identifiers.identifier_value = given.{kind}
    inner join identity.person_records as owners on identifiers.record_id = owners.record_id
"""


@dataclass(frozen=True)
class Resolved:
    """What became of a list: rows with something in them, those matched, their people; line and reason of the rest."""

    count_rows: int
    count_matched: int
    count_people: int
    unmatched: list[tuple[int, str]]

    @property
    def match_rate(self) -> float:
        return round(self.count_matched / self.count_rows, 4) if self.count_rows else 0.0

    @property
    def reasons(self) -> dict[str, int]:
        """How many rows each reason kept out."""
        return dict(Counter(reason for _, reason in self.unmatched).most_common())


def resolve(con: duckdb.DuckDBPyConnection, file: str, table: str) -> Resolved:
    """Temporary table `table` (person_id) of the people on a list. Reads warehouse and state, where there is one."""
    register_duckdb(con)
    lines, values = _read(Path(file))
    con.register("list_in", pa.table({"line": pa.array(lines, pa.int64()), "value": pa.array(values, pa.string())}))
    cleaned = ", ".join(f"{render(macro, 'value')} as {kind}" for kind, macro in _CLEANED.items())
    con.execute(f"create or replace temp table list_given as select *, {cleaned} from list_in")
    con.unregister("list_in")
    con.execute(f"create or replace temp table list_found as {_found_query(con)}")
    con.execute(
        "create or replace temp table list_judged as select given.line, count(found.person_id) as count_people, "
        "min(found.person_id) as person_id from list_given as given left join list_found as found using (line) "
        "group by given.line"
    )
    con.execute(f"create or replace temp table {table} as select distinct person_id from list_judged "
                "where count_people = 1")  # fmt: skip
    rows, matched = con.execute("select count(*), count(*) filter (count_people = 1) from list_judged").fetchall()[0]
    people = con.execute(f"select count(*) from {table}").fetchall()[0][0]
    unmatched = con.execute(
        "select line, case when count_people = 0 then 'nobody has it' else 'belongs to ' || count_people || ' people' "
        "end from list_judged where count_people <> 1 order by line"
    ).fetchall()
    return Resolved(rows, matched, people, unmatched)


def _found_query(con: duckdb.DuckDBPyConnection) -> str:
    """Line and person of every way that an identifier leads to somebody who is there now."""
    query = _FOUND
    if engine.table_exists(con, "identity", "aliases", catalog="state"):
        query += _BY_FORMER_ID
    if engine.table_exists(con, "conformed", "identifiers"):
        query += "".join(_BY_IDENTIFIER.format(kind=kind) for kind in _CLEANED)
    return f"select line, person_id from ({query}) where person_id in (select person_id from profile.people)"


def _read(file: Path) -> tuple[list[int], list[str]]:
    """Line and identifier of every row that has one: of the column with a known heading, else of the first."""
    lines, values, place = [], [], 0
    with file.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text)
        for number, row in enumerate(reader):
            headed = [at for at, cell in enumerate(row) if cell.strip().lower() in _HEADINGS]
            if number == 0 and headed:
                place = headed[0]
                continue
            value = row[place].strip() if place < len(row) else ""
            if not value or (number == 0 and _is_heading(value)):
                continue
            lines.append(reader.line_num)
            values.append(value)
    return lines, values


def _is_heading(value: str) -> bool:
    """Every identifier has a digit or an @."""
    return not any(sign.isdigit() or sign == "@" for sign in value)

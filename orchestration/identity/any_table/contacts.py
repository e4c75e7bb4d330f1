"""The engine's input from a table whose columns have roles: contacts and identifiers, birth dates read, texts trimmed.

How values are cleaned for comparing belongs to the engine (`records`); which column is what, to `assignment`.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.identity.any_table import column_names, dates
from orchestration.warehouse.files import Column, TableError

_DECISIONS = pa.schema([("record_id_l", pa.string()), ("record_id_r", pa.string()), ("decision", pa.string())])
_PLAIN_DIGITS = frozenset(("phone", "postal_code", "street", "national_id"))
_DATES = "birth_dates"


@dataclass(frozen=True)
class Inputs:
    """What `solve` takes; the names of the plain columns in the table, sources, what was odd.

    Records that say nothing are not in it. `is_comparable`: two records at least say something about the same.
    """

    tables: dict[str, Any]
    others: dict[str, str]
    sources: list[str]
    is_comparable: bool
    warnings: list[str] = field(default_factory=list)


def make_inputs(con: duckdb.DuckDBPyConnection, given: str, roles: dict[str, list[Column]], path: Path) -> Inputs:
    """Contacts and identifiers of relation `given` (row_no, texts); leaves table `own.contacts` (row_no, ...)."""
    warnings = []
    source = roles["source"][0].at if "source" in roles else "null"
    if born := roles.get("birth_date"):
        reading = dates.read_dates(con, given, born[0].at, source, _DATES)
        warnings += reading.warnings(born[0].name)
    others = {f"other_{place}": column for place, column in enumerate(roles.get("other", []), start=1)}
    con.execute(f"create or replace table own.contacts as {_contacts_sql(given, roles, others, source)}")
    _check_record_ids(con, roles, path)
    kept = [column for column in con.table("own.contacts").columns if column != "row_no"]
    said = [column for column in kept if column not in ("record_id", "source", "created_at")]
    filled = con.execute(f"select {', '.join(f'count({column})' for column in said)} from own.contacts").fetchall()[0]
    tables = {
        "contacts": con.execute(
            f"select {', '.join(kept)} from own.contacts where coalesce({', '.join(said)}) is not null order by row_no"
        ).to_arrow_table(),
        "identifiers": con.execute(_identifiers_sql(given, roles)).to_arrow_table(),
        "decisions": _DECISIONS.empty_table().append_column("decided_at", pa.array([], pa.timestamp("us"))),
    }
    sources = [row[0] for row in con.execute("select distinct source from own.contacts order by 1").fetchall()]
    names = {at: column.name for at, column in others.items()}
    return Inputs(tables, names, sources, is_comparable=max(filled) > 1, warnings=warnings)


def _contacts_sql(given: str, roles: dict[str, list[Column]], others: dict[str, Column], source: str) -> str:
    key = f"trim(raw.{roles['record_id'][0].at}::varchar)" if "record_id" in roles else "given.row_no::varchar"
    fields = [f"{key} as record_id"]
    for role in column_names.ROLES:
        if role not in ("record_id", "other"):
            fields.append(f"{_value(role, roles.get(role, []))} as {role}")
    fields += [f"given.{column.at} as {name}" for name, column in others.items()]
    dated = ""
    if born := roles.get("birth_date"):
        dated = (
            f"left join {_DATES} on {_DATES}.text = given.{born[0].at} "
            f"and {_DATES}.source is not distinct from {'given.' if source != 'null' else ''}{source}"
        )
    return (
        f"select given.row_no, {', '.join(fields)}, null::timestamp as created_at from {given} as given "
        f"inner join own.raw as raw using (row_no) {dated} order by given.row_no"
    )


def _value(role: str, columns: list[Column]) -> str:
    """The value of a role, as SQL: parts of a street joined, of other columns the first that is filled."""
    if not columns:
        return "'input'" if role == "source" else "null::varchar"
    if role == "birth_date":
        return f"{_DATES}.iso"
    texts = [f"given.{column.at}" for column in columns]
    if role in _PLAIN_DIGITS:
        texts = [dates.plain_digits(text) for text in texts]
    if role == "street":
        return f"nullif(concat_ws(' ', {', '.join(texts)}), '')"
    return f"coalesce({', '.join(texts)})"


def _identifiers_sql(given: str, roles: dict[str, list[Column]]) -> str:
    """Second phones and e-mails; the first ones are compared and are in the contacts."""
    query = "select null::varchar as record_id, null::varchar as identifier_type, null::varchar as identifier_value, "
    query += "null::timestamp as first_seen_at where false"
    values = {"email": "lower({0})", "phone": "right(regexp_replace({0}, '[^0-9]', '', 'g'), 10)"}
    for role, value in values.items():
        for column in roles.get(role, [])[1:]:
            at = value.format(dates.plain_digits(f"given.{column.at}"))
            query += (
                f" union all select record_id, '{role}', nullif({at}, ''), null from {given} as given "
                f"inner join own.contacts as contacts using (row_no) where given.{column.at} is not null"
            )
    return query


def _check_record_ids(con: duckdb.DuckDBPyConnection, roles: dict[str, list[Column]], path: Path) -> None:
    """Raises TableError where a record has no id or shares one; the engine could not tell them apart."""
    if "record_id" not in roles:
        return
    name = roles["record_id"][0].name
    hint = "name another column with --columns record_id=..., or number the rows with --columns record_id="
    nameless = con.execute(
        "select min(row_no), count(*) from own.contacts where coalesce(record_id, '') = ''"
    ).fetchall()
    if nameless[0][1]:
        row, count = nameless[0]
        raise TableError(f"{path}, data row {row}: no value in '{name}', the record id ({count:,} such rows); {hint}")
    twice = con.execute(
        "select record_id, min(row_no), max(row_no), count(*) over () from own.contacts "
        "group by record_id having count(*) > 1 order by 2 limit 1"
    ).fetchall()
    if twice:
        value, first, last, count = twice[0]
        raise TableError(
            f"{path}, data rows {first} and {last}: both have '{value}' in '{name}', the record id "
            f"({count:,} values occur more than once); {hint}"
        )

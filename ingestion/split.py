"""Parts raw records into typed rows and quarantined rows by the rules of a contract, in one generated SQL statement.

A rule about one record is asserted here and nowhere else; rules about a batch as a whole do not belong here.
A reason names field, rule and the rule's value, never the value received: it may be personal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.contract import Table
from data_contracts.landed import quarantined_columns, typed_columns
from ingestion.characters import to_utf8
from ingestion.rules import broken_rule, identifier, literal, typed

# A field of a CSV record with quotes: quoted with doubled quotes inside, or bare.
_FIELD = r'("(?:[^"]|"")*"|[^",]*)'


_ROWS_A_TASK = 30_000


@dataclass(frozen=True)
class Split:
    """Arrow tables in the order of `landed.typed_columns` and `landed.quarantined_columns`, without the load id."""

    typed: pa.Table
    quarantined: pa.Table


def split_sql(table: Table, header: Sequence[str] | None) -> str:
    """The statement that judges every row of a view `records` (text blob, line, _file, _batch_id, row).

    `header` names the CSV columns; without one a record is a JSON object. One row per record: the contract's
    columns, `_raw`, `_line`, `_file`, `_batch_id`, `_row`, `_reason` (null for a good record).
    """
    fields, picks = _csv_fields(table, header) if header is not None else _json_fields(table)
    received = ",\n        ".join(
        f"{pick} as {identifier(c.name)}" for c, pick in zip(table.columns, picks, strict=True)
    )
    types = ",\n        ".join(f"{typed(c)} as {identifier('t ' + c.name)}" for c in table.columns)
    values = ",\n    ".join(f"{identifier('t ' + c.name)} as {identifier(c.name)}" for c in table.columns)
    keep = "t._document" if table.keep_raw else "cast(null as varchar)"
    return f"""
with decoded as (
    select
        *,
        octet_length(_content) as _size,
        case when octet_length(_content) <= {table.max_record_bytes} then try(decode(_content)) end as _document
    from records
),
fielded as (
    select
        *,
        {fields}
    from decoded
),
received as (
    select
        * exclude (_fields),
        len(_fields) as _count_fields,
        {received}
    from fielded
),
t as (
    select
        *,
        {types}
    from received
)
select
    {values},
    {keep} as _raw,
    t._file,
    t._line,
    t._batch_id,
    t._row,
    {_reason(table, header)} as _reason
from t
"""


def _csv_fields(table: Table, header: Sequence[str]) -> tuple[str, list[str]]:
    plain = "string_split(_document, ',')"
    quoted = (
        f"case when regexp_full_match(_document, {literal(_FIELD + '(,' + _FIELD + ')*')}) then "
        f"list_transform(regexp_extract_all(_document || ',', {literal(_FIELD + ',')}, 1), lambda x: "
        "case when starts_with(x, '\"') then replace(x[2:-2], '\"\"', '\"') else x end) end"
    )
    fields = f"case when contains(_document, '\"') then {quoted} else {plain} end as _fields"
    picks = [f"nullif(_fields[{list(header).index(column.path) + 1}], '')" for column in table.columns]
    return fields, picks


def _json_fields(table: Table) -> tuple[str, list[str]]:
    texts = [c for c in table.columns if c.physical_type != "json"]
    documents = [c for c in table.columns if c.physical_type == "json"]
    # The '$' comes last: its text says whether the record is an object at all.
    paths = ", ".join([*(literal(json_path(c.path)) for c in texts), "'$'"])
    fields = f"try(json_extract_string(_document, [{paths}])) as _fields"
    picks = {c.name: f"_fields[{place}]" for place, c in enumerate(texts, 1)}
    if documents:
        inner = ", ".join(literal(json_path(c.path)) for c in documents)
        fields += f",\n        try(json_extract(_document, [{inner}])) as _documents"
        picks |= {c.name: f"nullif(cast(_documents[{n}] as varchar), 'null')" for n, c in enumerate(documents, 1)}
    return fields, [picks[column.name] for column in table.columns]


def json_path(path: str) -> str:
    """`associations.results[0].id` as a quoted JSON path."""
    parts = []
    for part in path.split("."):
        name, bracket, places = part.partition("[")
        parts.append('"' + name.replace('"', '\\"') + '"' + bracket + places)
    return "$." + ".".join(parts)


def _reason(table: Table, header: Sequence[str] | None) -> str:
    rules = [rule for column in table.columns if (rule := broken_rule(column))]
    checks = f"nullif(concat_ws('; ', {', '.join(rules)}), '')" if rules else "null"
    limit = table.max_record_bytes
    if header is None:
        is_object = "_count_fields is not null and starts_with(ltrim(_document), '{')"
        shape = f"when not ({is_object}) then 'not a JSON object, or a broken one'"
    else:
        shape = (
            "when _count_fields is null then 'quotes do not close or do not stand around a whole field'\n        "
            f"when _count_fields <> {len(header)} then 'expected {len(header)} fields, got ' || _count_fields"
        )
    if table.encoding == "utf-8":
        undecodable = "not UTF-8; if it is cp1252, set the custom property encoding: cp1252 in the contract and replay"
    else:
        undecodable = f"not {table.encoding}; correct the custom property encoding of this table in the contract"
    return f"""case
        when _size > {limit} then 'record of ' || _size || ' bytes, more than {limit} (custom property maxRecordBytes)'
        when _document is null then {literal(undecodable)}
        {shape}
        else {checks}
    end"""


def split(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    records: pa.Table,
    header: Sequence[str] | None,
    *,
    received_at: datetime,
    version: str,
) -> Split:
    """Judge `records` (raw, line, _file, _batch_id); every record is in exactly one of the two results."""
    content = to_utf8(records.column("raw"), table.encoding)
    rows = pa.array(np.arange(records.num_rows, dtype="int64"))
    view = records.drop_columns(["raw", "line"])
    # Underscores, so that a column of a contract may have any name.
    for name, values in (("_line", records.column("line")), ("_content", content), ("_row", rows)):
        view = view.append_column(name, values)
    # The engine reads one batch with one thread, whatever its size.
    con.register("records", pa.Table.from_batches(view.to_batches(max_chunksize=_ROWS_A_TASK), view.schema))
    try:
        judged = con.sql(split_sql(table, header)).to_arrow_table()
    finally:
        con.unregister("records")
    stamp = pa.scalar(received_at, pa.timestamp("us"))
    judged = judged.append_column("_received_at", pa.repeat(stamp, judged.num_rows))
    good = pc.is_null(judged.column("_reason"))
    bad = judged.filter(pc.invert(good))
    if bad.num_rows:
        judged = judged.filter(good)
    return Split(
        typed=judged.select([name for name, _, _ in typed_columns(table)]),
        quarantined=_quarantined(table, bad, records, version),
    )


def _quarantined(table: Table, bad: pa.Table, records: pa.Table, version: str) -> pa.Table:
    raw = records.column("raw").take(bad.column("_row")).cast(pa.large_binary())
    bad = bad.drop_columns(["_raw"]).append_column("_raw", raw)
    bad = bad.append_column("_contract_version", pa.repeat(pa.scalar(version), bad.num_rows))
    return bad.select([name for name, _, _ in quarantined_columns(table)])

"""The answer to a table: a person for every record, written in the order of the input.

Which records are one person comes from `solve`, which id a person has from `seeds`.
"""

from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.identity.any_table import seeds
from orchestration.identity.confidence import confidence_sql
from orchestration.warehouse import answers


def give_ids(
    con: duckdb.DuckDBPyConnection, partition: pa.Table | None, links: pa.Table | None, seed_table: str | None
) -> dict[str, int]:
    """Tables `own.ids` (record_id, person_id, person) and `own.answer` (row_no, record_id, person_id, and confidence).

    A record that `partition` (record_id, person) does not hold says nothing: it is a person of its own.
    Returns how many people there are, and how many ids are old and new.
    """
    con.execute("create or replace table own.partition as select record_id, -row_no as person from own.contacts")
    if partition is not None:
        con.register("partition_in", partition)
        con.execute(
            "create or replace table own.partition as select record_id, coalesce(p.person, -row_no) as person "
            "from own.contacts left join partition_in as p using (record_id)"
        )
    counts = seeds.give_ids(con, "own.partition", seed_table, "own.ids")
    con.execute("create or replace temp table sure (record_id varchar, match_confidence double)")
    if links is not None:
        con.register("links_in", links)
        con.execute(f"insert into sure {confidence_sql('own.partition', 'links_in')}")
    con.execute(
        "create or replace table own.answer as select row_no, record_id, person_id, "
        "coalesce(match_confidence, 1.0) as match_confidence from own.contacts inner join own.ids using (record_id) "
        "left join sure using (record_id) order by row_no"
    )
    return counts


def sizes(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Records, people, people with one record, records of the largest person."""
    row = con.execute(
        "select sum(size)::bigint, count(*), count(*) filter (where size = 1), max(size) "
        "from (select count(*) as size from own.answer group by person_id)"
    ).fetchall()[0]
    return dict(zip(("records", "people", "singletons", "largest_person"), row, strict=True))


def write(con: duckdb.DuckDBPyConnection, output: Path, key: str) -> None:
    """record_id (column `key` of the input, or its row number), person_id, match_confidence; replaced at once."""
    answers.write(
        con,
        f"select {key} as record_id, person_id, match_confidence from own.answer "
        "inner join own.raw as raw using (row_no) order by row_no",
        output,
    )

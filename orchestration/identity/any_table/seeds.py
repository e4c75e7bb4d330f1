"""Person ids for a partition: those of a system one leaves where people are still the same, new ones for the rest.

The rule is the registry's: a person keeps the id with which it shares most records. No state is kept here.
"""

from pathlib import Path

import duckdb

from orchestration.warehouse.files import TableError, read_table


def read_partition(con: duckdb.DuckDBPyConnection, path: Path, table: str, scratch: Path) -> int:
    """Make `table` (record_id, person_id) from a file that has these two columns; returns its rows.

    Raises TableError where one of them is missing, a value is, or a record is given twice.
    """
    columns = {column.name.lower(): column for column in read_table(con, path, f"{table}_raw", scratch)}
    missing = [name for name in ("record_id", "person_id") if name not in columns]
    if missing:
        raise TableError(f"{path}: needs the columns record_id and person_id; there is no {' and no '.join(missing)}")
    record, person = columns["record_id"].at, columns["person_id"].at
    con.execute(
        f"create or replace table {table} as select row_no, trim({record}::varchar) as record_id, "
        f"trim({person}::varchar) as person_id from {table}_raw"
    )
    empty = con.execute(
        f"select min(row_no) from {table} where coalesce(record_id, '') = '' or coalesce(person_id, '') = ''"
    ).fetchall()[0][0]
    if empty:
        raise TableError(f"{path}, row {empty}: record_id and person_id both need a value")
    twice = con.execute(
        f"select record_id, min(row_no), max(row_no) from {table} group by 1 having count(*) > 1 order by 2 limit 1"
    ).fetchall()
    if twice:
        raise TableError(f"{path}, rows {twice[0][1]} and {twice[0][2]}: record '{twice[0][0]}' is given twice")
    return con.execute(f"select count(*) from {table}").fetchall()[0][0]


def give_ids(con: duckdb.DuckDBPyConnection, partition: str, seeds: str | None, table: str) -> dict[str, int]:
    """Make `table` (record_id, person_id) from `partition` (record_id, person: any label); returns counts of ids.

    Each seed id goes to one person at most, greedily by records shared, then by the smaller id; the others get an id
    made from their smallest record.
    """
    con.execute(
        f"create or replace temp table founders as select person, min(record_id) as founder from {partition} group by 1"
    )
    con.execute("create or replace temp table kept_ids (person bigint, person_id varchar)")
    if seeds:
        _keep_ids(con, partition, seeds)
    con.execute(f"create or replace table {table} as {_ids_sql(partition, seeds)}")
    kept, people = con.execute("select (select count(*) from kept_ids), (select count(*) from founders)").fetchall()[0]
    return {"kept": kept, "new": people - kept}


def _keep_ids(con: duckdb.DuckDBPyConnection, partition: str, seeds: str) -> None:
    """Fill `kept_ids` round by round: pairs of a person and an id that are each other's best are settled for good."""
    con.execute(
        "create or replace temp table open_pairs as select person, person_id, count(*) as shared, "
        f"any_value(founder) as founder from {partition} inner join {seeds} using (record_id) "
        "inner join founders using (person) "
        "group by person, person_id"
    )
    best = "order by shared desc, person_id, founder"
    while con.execute("select count(*) from open_pairs").fetchall()[0][0]:
        con.execute(
            "insert into kept_ids select person, person_id from open_pairs "
            f"qualify row_number() over (partition by person {best}) = 1 "
            f"and row_number() over (partition by person_id {best}) = 1"
        )
        con.execute(
            "create or replace temp table open_pairs as select * from open_pairs "
            "where person not in (select person from kept_ids) and person_id not in (select person_id from kept_ids)"
        )


def _ids_sql(partition: str, seeds: str | None) -> str:
    used = f"select person_id from {seeds}" if seeds else "select null where false"
    made = "'p_' || left(md5(founder), 16)"
    return (
        f"with made as (select person, {made} as person_id, founder from founders anti join kept_ids using (person)), "
        "unlike as (select person, case when person_id in "
        f"({used}) then 'p_' || left(md5(founder || '#1'), 16) else person_id end as person_id from made), "
        "given as (select person, person_id from kept_ids union all select person, person_id from unlike) "
        f"select record_id, person_id, person from {partition} inner join given using (person)"
    )

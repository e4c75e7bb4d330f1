"""Person ids that last: which id each group of records keeps, what became of the others, and the ledger of it.

Lives in schema `identity` of the state database; the partition itself is made in `people`.
"""

import duckdb
import pyarrow as pa

_TABLES = """
    create schema if not exists identity;
    create table if not exists identity.registry (
        record_id varchar, person_id varchar, run_id varchar, is_current boolean
    );
    create table if not exists identity.people (
        person_id varchar, created_run varchar, created_no bigint, retired_run varchar
    );
    create table if not exists identity.aliases (person_id varchar, survivor_id varchar, run_id varchar);
    create table if not exists identity.ledger (
        event varchar, person_id varchar, other_person_id varchar, run_id varchar, model_version varchar, at_as_of date,
        count_records bigint
    );
    create table if not exists identity.decisions (
        record_id_l varchar, record_id_r varchar, decision varchar, who varchar, decided_at timestamp, why varchar
    );
    create table if not exists identity.runs (
        run_no bigint, run_id varchar, fingerprint varchar, model_version varchar, as_of date, metrics varchar
    );
"""
EVENTS = ("created", "merged", "split", "moved", "restored", "retired")


def create_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Make the tables of schema `identity` where they are missing; `con` is the state database, writable."""
    con.execute(_TABLES)


def assign(
    con: duckdb.DuckDBPyConnection, partition: pa.Table, *, run_id: str, model_version: str, as_of: object
) -> tuple[pa.Table, dict[str, int]]:
    """Give each group of `partition` (record_id, person: any label) its lasting id, inside the caller's transaction.

    A group keeps the id of the person with whom it shares most records (then the older person, then the smaller id);
    an id that no group keeps becomes an alias of the person that got most of its records. Returns (record_id,
    person_id) and counts of events.
    """
    con.register("partition_in", partition)
    con.execute("create or replace temp table parts as select record_id, person as part from partition_in")
    con.unregister("partition_in")
    _make_overlaps(con)
    _keep_ids(con)
    _new_ids(con, run_id)
    _make_events(con)
    _apply(con, run_id)
    con.execute(
        "insert into identity.ledger select event, person_id, other_person_id, ?, ?, ?, count_records from events "
        "order by event, person_id, other_person_id",
        [run_id, model_version, as_of],
    )
    counted = dict(con.execute("select event, count(*) from events group by event").fetchall())
    ids = con.execute("select record_id, person_id from parts inner join given using (part) order by record_id")
    return ids.to_arrow_table(), {event: counted.get(event, 0) for event in EVENTS}


def _make_overlaps(con: duckdb.DuckDBPyConnection) -> None:
    """Temporary table `overlapping`: part, person_id, count_records, created_no."""
    con.execute(
        "create or replace temp table overlapping as "
        "with known as (select record_id, coalesce(a.survivor_id, r.person_id) as person_id "
        "from identity.registry as r left join identity.aliases as a on r.person_id = a.person_id) "
        "select part, person_id, count(*) as count_records, any_value(created_no) as created_no "
        "from parts inner join known using (record_id) inner join identity.people using (person_id) group by "
        "part, person_id"
    )


def _keep_ids(con: duckdb.DuckDBPyConnection) -> None:
    """Temporary table `kept` (part, person_id): each old id goes to one part and each part keeps at most one."""
    con.execute(
        "create or replace temp table uncontested as select part, person_id from overlapping "
        "qualify count(*) over (partition by part) = 1 and count(*) over (partition by person_id) = 1"
    )
    contested = con.execute(
        "select part, person_id from overlapping where part not in (select part from uncontested) "
        "order by count_records desc, created_no, person_id, part"
    ).fetchall()
    taken: dict[int, str] = {}
    used: set[str] = set()
    for part, person_id in contested:
        if part not in taken and person_id not in used:
            taken[part] = person_id
            used.add(person_id)
    won = pa.table({"part": pa.array(taken.keys(), pa.int64()), "person_id": pa.array(taken.values(), pa.string())})
    con.register("won", won)
    con.execute("create or replace temp table kept as from uncontested union all select part, person_id from won")
    con.unregister("won")


def _new_ids(con: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Temporary table `given` (part, person_id): what is kept, and new ids for the remaining parts.

    They are made from the smallest record, so that a rebuild from nothing gives the same ones. An id that exists and is
    nobody's now is taken up again: the person that this record founded is back. One in use gets more salt.
    """
    con.execute(
        "create or replace temp table fresh as select part, min(record_id) as founder, 0 as salt, "
        "cast(null as varchar) as person_id from parts where part not in (select part from kept) group by part"
    )
    while con.execute("select count(*) from fresh where person_id is null").fetchall()[0][0]:
        con.execute(
            "update fresh set person_id = 'p_' || left(md5(founder || case when salt = 0 then '' else '#' || "
            "salt end), 16) "
            "where person_id is null"
        )
        con.execute(
            "update fresh set person_id = null, salt = salt + 1 where person_id in (select person_id from kept) "
            "or person_id in (select person_id from identity.people where retired_run is null "
            "and person_id not in (select person_id from identity.aliases)) "
            "or part in (select part from fresh where person_id is not null "
            "qualify row_number() over (partition by person_id order by founder) > 1)"
        )
    con.execute(
        "create or replace temp table returning_people as "
        "select person_id from fresh inner join identity.people using (person_id) "
        "union select person_id from kept inner join identity.people using (person_id) where retired_run is not null"
    )
    # A new table: DuckDB 1.5 loses a big insert into a table that the transaction filled from an empty Arrow table.
    con.execute("create or replace temp table given as from kept union all select part, person_id from fresh")
    con.execute("delete from identity.aliases where person_id in (select person_id from returning_people)")
    con.execute(
        "update identity.people set retired_run = null where person_id in (select person_id from returning_people)"
    )
    con.execute(
        "insert into identity.people select person_id, ?, "
        "(select coalesce(max(created_no), 0) from identity.people) + row_number() over (order by founder), null "
        "from fresh where person_id not in (select person_id from returning_people)",
        [run_id],
    )


def _make_events(con: duckdb.DuckDBPyConnection) -> None:
    """Temporary table `events`: what happened to which person, with the number of records that moved."""
    con.execute(
        "create or replace temp table events as "
        "with sizes as (select part, count(*) as count_records from parts group by part), "
        "moved as (select o.person_id as old_id, k.person_id as new_id, o.count_records from overlapping as o "
        "inner join given as k using (part) where o.person_id <> k.person_id), "
        "alive as (select person_id from identity.people where retired_run is null "
        "and person_id not in (select person_id from identity.aliases)) "
        "select case when person_id in (select person_id from returning_people) then 'restored' else 'created' "
        "end as event, "
        "person_id, cast(null as varchar) as other_person_id, count_records from given inner join sizes using (part) "
        "where part in (select part from fresh) or person_id in (select person_id from returning_people) "
        "union all select case when old_id not in (select person_id from given) then 'merged' "
        "when new_id in (select person_id from fresh) then 'split' else 'moved' end, old_id, new_id, "
        "count_records from moved "
        "union all select 'retired', person_id, null, 0 from alive "
        "where person_id not in (select person_id from given) and person_id not in (select old_id from moved)"
    )


def _apply(con: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Write what changed: aliases, retirements and the rows of records that are new, moved, gone or back."""
    con.execute(
        "create or replace temp table absorbed as select person_id, arg_max(other_person_id, (count_records, "
        "other_person_id)) "
        "as survivor_id from events where event = 'merged' group by person_id"
    )
    con.execute(
        "update identity.aliases set survivor_id = absorbed.survivor_id from absorbed "
        "where identity.aliases.survivor_id = absorbed.person_id"
    )
    con.execute(
        "insert into identity.aliases select person_id, survivor_id, ? from absorbed order by person_id", [run_id]
    )
    con.execute(
        "update identity.people set retired_run = ? where person_id in (select person_id from events where event "
        "= 'retired')",
        [run_id],
    )
    con.execute(
        "create or replace temp table changed as select record_id, k.person_id from parts inner join given as k "
        "using (part) "
        "left join identity.registry as r using (record_id) where r.person_id is distinct from k.person_id or "
        "not r.is_current"
    )
    con.execute("delete from identity.registry where record_id in (select record_id from changed)")
    con.execute("insert into identity.registry select record_id, person_id, ?, true from changed", [run_id])
    con.execute(
        "update identity.registry set is_current = false where is_current and record_id not in (select record_id "
        "from parts)"
    )

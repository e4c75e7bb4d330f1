"""What a partition means for ids: which id each group of records keeps, and what becomes of the others.

Only reads the state database, and leaves temporary tables; `registry` writes what they say. Between the two a caller
may look at what would happen, and leave it. The partition itself is made in `people`.

Given a part of the partition only (`gone` says which of its records are no more), it costs in proportion to that and
ends where the whole partition would have: the part must hold every record of every person it touches.
"""

import duckdb
import pyarrow as pa

_NOTHING_WANTED = pa.table({"part": pa.array([], pa.int64()), "person_id": pa.array([], pa.string())})


class IncompleteChangeError(ValueError):
    """A part of the partition that leaves out records of a person it touches: ids given to it would be wrong."""


def propose(
    con: duckdb.DuckDBPyConnection,
    partition: pa.Table,
    *,
    gone: pa.Table | None = None,
    wanted: pa.Table | None = None,
) -> None:
    """Temporary tables of what the partition means for ids; nothing in state is touched.

    Of what changes: `parts` (record_id, part), `former` (record_id, person_id: whose it is until now), `leaving`
    (record_id), `given` (part, person_id), `events`. `wanted` (part, person_id) are ids that parts get whatever
    they were before; with it the other parts get new ones.
    """
    con.register("partition_in", partition)
    con.execute("create or replace temp table whole as select record_id, person as part from partition_in")
    con.unregister("partition_in")
    con.register("wanted_in", _NOTHING_WANTED if wanted is None else wanted)
    con.execute("create or replace temp table wanted as select part, person_id from wanted_in")
    con.unregister("wanted_in")
    if gone is None:
        _find_changed(con)
    else:
        _take_changed(con, gone)
    _make_overlaps(con)
    if wanted is None:
        _keep_ids(con)
    else:
        con.execute("create or replace temp table kept as from wanted semi join parts using (part)")
    _new_ids(con)
    _make_events(con)


def proposed_ids(con: duckdb.DuckDBPyConnection) -> pa.Table:
    """(record_id, person_id) of every record of the partition that was proposed, changed or not."""
    return con.execute(
        "select record_id, person_id from whole inner join (from given union all from same) using (part)"
    ).to_arrow_table()


def _find_changed(con: duckdb.DuckDBPyConnection) -> None:
    """Temporary tables `same` (part, person_id: persons as they were), `parts`, `former` and `leaving` of the rest.

    Most of a whole partition is as it was: what costs more than a look is done for the rest alone.
    """
    con.execute(
        "create or replace temp table was as select whole.record_id, part, m.record_id as known_id, person_id "
        "from whole full join (select record_id, person_id from identity.membership where to_no is null) as m "
        "on m.record_id = whole.record_id"
    )
    con.execute(
        "create or replace temp table same as "
        "with by_part as (select part, min(person_id) as person_id, count(*) as n from was where part is not null "
        "group by part having min(person_id) = max(person_id) and count(person_id) = count(*)), "
        "by_person as (select person_id, count(*) as n from was where person_id is not null group by person_id) "
        "select part, person_id from by_part inner join by_person using (person_id, n)"
    )
    for column, other in (("part", "person_id"), ("person_id", "part")):
        con.execute(
            f"delete from same using wanted where wanted.{column} = same.{column} and wanted.{other} <> same.{other}"
        )
    con.execute("create or replace temp table differing as from was anti join same using (person_id, part)")
    con.execute("create or replace temp table parts as select record_id, part from differing where part is not null")
    con.execute(
        "create or replace temp table former as select known_id as record_id, person_id from differing "
        "where known_id is not null"
    )
    con.execute(
        "create or replace temp table leaving as select known_id as record_id from differing where part is null"
    )


def _take_changed(con: duckdb.DuckDBPyConnection, gone: pa.Table) -> None:
    """The same tables, of a part that the caller says has changed; raises IncompleteChangeError."""
    con.execute("create or replace temp table same as select 0::bigint as part, null::varchar as person_id where false")
    con.execute("create or replace temp table parts as from whole")
    con.register("gone_in", gone)
    con.execute(
        "create or replace temp table concerned as select record_id from parts union select record_id from gone_in"
    )
    con.unregister("gone_in")
    con.execute(
        "create or replace temp table former as select record_id, person_id from identity.membership "
        "where to_no is null and record_id in (select record_id from concerned)"
    )
    con.execute(
        "create or replace temp table leaving as select record_id from former anti join parts using (record_id)"
    )
    left_out = con.execute(
        "select record_id, person_id from identity.membership where to_no is null "
        "and person_id in (select person_id from former) and record_id not in (select record_id from concerned) limit 1"
    ).fetchall()
    if left_out:
        raise IncompleteChangeError(
            f"record {left_out[0][0]} of {left_out[0][1]} is neither in the changed part nor gone: a part of the "
            "partition must hold every record of every person it touches"
        )


def _make_overlaps(con: duckdb.DuckDBPyConnection) -> None:
    """Temporary tables `known` (record_id, person_id) and `overlapping` (part, person_id, count_records, created_no).

    A record that comes back brings its last person along, but only one who is nobody now.
    """
    con.execute(
        "create or replace temp table known as select record_id, person_id from former union all "
        "select m.record_id, coalesce(a.survivor_id, m.person_id) as person_id from ("
        "  select record_id, arg_max(person_id, from_no) as person_id from identity.membership where to_no is not null "
        "  and record_id in (select record_id from parts anti join former using (record_id)) group by record_id) as m "
        "left join identity.aliases as a on m.person_id = a.person_id "
        "inner join identity.people as p on p.person_id = coalesce(a.survivor_id, m.person_id) and p.status = 'retired'"
    )
    con.execute(
        "create or replace temp table overlapping as select part, person_id, count(*) as count_records, "
        "any_value(created_no) as created_no from parts inner join known using (record_id) "
        "inner join identity.people using (person_id) group by part, person_id"
    )


def _keep_ids(con: duckdb.DuckDBPyConnection) -> None:
    """Temporary table `kept` (part, person_id): each old id goes to one part and each part keeps at most one."""
    con.execute(
        "create or replace temp table uncontested as select part, person_id from overlapping "
        "qualify count(*) over (partition by part) = 1 and count(*) over (partition by person_id) = 1"
    )
    # A tie goes to the smaller record, never to a label: labels differ from one solver to the next.
    contested = con.execute(
        "with open as (select * from overlapping where part not in (select part from uncontested)), "
        "founders as (select part, min(record_id) as founder from parts where part in (select part from open) "
        "group by part) "
        "select part, person_id from open inner join founders using (part) "
        "order by count_records desc, created_no, person_id, founder"
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


def _new_ids(con: duckdb.DuckDBPyConnection) -> None:
    """Temporary tables `fresh` and `given` (part, person_id): what is kept, and new ids for the remaining parts.

    They are made from the smallest record, so that a rebuild from nothing gives the same ones. An id that exists and is
    nobody's now is taken up again (`returning_people`): the person that this record founded is back. One in use gets
    more salt.
    """
    con.execute(
        "create or replace temp table fresh as select part, min(record_id) as founder, 0 as salt, "
        "cast(null as varchar) as person_id from parts where part not in (select part from kept) group by part"
    )
    while con.execute("select count(*) from fresh where person_id is null").fetchall()[0][0]:
        con.execute(
            "update fresh set person_id = 'p_' || left(md5(founder || case when salt = 0 then '' else '#' || "
            "salt end), 16) where person_id is null"
        )
        con.execute(
            "update fresh set person_id = null, salt = salt + 1 where person_id in (select person_id from kept) "
            "or person_id in (select person_id from identity.people where status = 'current') "
            "or part in (select part from fresh where person_id is not null "
            "qualify row_number() over (partition by person_id order by founder) > 1)"
        )
    con.execute(
        "create or replace temp table returning_people as select person_id from identity.people "
        "where status <> 'current' and person_id in (select person_id from fresh union select person_id from kept)"
    )
    # A new table: DuckDB 1.5 loses a big insert into a table that the transaction filled from an empty Arrow table.
    con.execute("create or replace temp table given as from kept union all select part, person_id from fresh")


def _make_events(con: duckdb.DuckDBPyConnection) -> None:
    """Temporary tables `moving` (record_id, old_id, new_id) and `events`: what happens to which person."""
    con.execute(
        "create or replace temp table moving as select record_id, known.person_id as old_id, given.person_id as new_id "
        "from known inner join parts using (record_id) inner join given using (part) "
        "where known.person_id <> given.person_id"
    )
    con.execute(
        "create or replace temp table events as "
        "with sizes as (select part, count(*) as count_records from parts group by part), "
        "moved as (select old_id, new_id, count(*) as count_records from moving group by old_id, new_id) "
        "select case when person_id in (select person_id from returning_people) then 'restored' else 'created' "
        "end as event, person_id, cast(null as varchar) as other_person_id, count_records "
        "from given inner join sizes using (part) "
        "where part in (select part from fresh) or person_id in (select person_id from returning_people) "
        "union all select case when old_id not in (select person_id from given) then 'merged' "
        "when new_id in (select person_id from fresh union all select person_id from returning_people) then 'split' "
        "else 'moved' end, old_id, new_id, count_records from moved "
        "union all select 'retired', person_id, null, 0 from (select distinct person_id from former) "
        "where person_id not in (select person_id from given) and person_id not in (select old_id from moved)"
    )

"""Ids that last for groups of members, from one run to the next; the same rule as for people, in fewer words.

A group keeps the id of the former group with whom it shares most members (then the older, then the smaller id). What
makes a group is found elsewhere.
"""

import duckdb
import pyarrow as pa

# group_ids: every id ever given, current or the survivor it went into. group_members: who is in which group now.
_TABLES = """
    create schema if not exists identity;
    create table if not exists identity.group_ids (
        kind varchar, group_id varchar, created_no bigint, is_current boolean, survivor_id varchar
    );
    create table if not exists identity.group_members (kind varchar, member varchar, group_id varchar);
"""


def assign(con: duckdb.DuckDBPyConnection, kind: str, groups: pa.Table, *, aliases: str | None = None) -> pa.Table:
    """(part, group_id) of each group of `groups` (part, member), inside the caller's transaction on state.

    `kind` parts the ids of households from those of accounts; its first letter begins them. `aliases` is a relation
    (person_id, survivor_id) of members that go by another name since.
    """
    con.execute(_TABLES)
    con.register("groups_in", groups)
    con.execute("create or replace temp table grouped as select cast(part as bigint) as part, member from groups_in")
    con.unregister("groups_in")
    nobody = "(select null::varchar as person_id, null::varchar as survivor_id)"
    con.execute(
        "create or replace temp table former_groups as select distinct coalesce(a.survivor_id, member) as member, "
        f"group_id from identity.group_members left join {aliases or nobody} as a on a.person_id = member "
        "where kind = ?",
        [kind],
    )
    con.execute(
        "create or replace temp table shared as select part, group_id, count(*) as count_members, "
        "any_value(created_no) as created_no from grouped inner join former_groups using (member) "
        "inner join identity.group_ids as ids using (group_id) where ids.kind = ? group by part, group_id",
        [kind],
    )
    _keep(con)
    _give_new(con, kind)
    _write(con, kind)
    return con.execute("select part, group_id from given_groups order by part").to_arrow_table()


def _keep(con: duckdb.DuckDBPyConnection) -> None:
    """Temporary table `kept_groups` (part, group_id): each id once, each part once."""
    con.execute(
        "create or replace temp table kept_groups as select part, group_id from shared "
        "qualify count(*) over (partition by part) = 1 and count(*) over (partition by group_id) = 1"
    )
    contested = con.execute(
        "with founders as (select part, min(member) as founder from grouped group by part) "
        "select part, group_id from shared anti join kept_groups using (part) inner join founders using (part) "
        "order by count_members desc, created_no, group_id, founder"
    ).fetchall()
    taken: dict[int, str] = {}
    used: set[str] = set()
    for part, group_id in contested:
        if part not in taken and group_id not in used:
            taken[part] = group_id
            used.add(group_id)
    won = pa.table({"part": pa.array(taken.keys(), pa.int64()), "group_id": pa.array(taken.values(), pa.string())})
    con.register("won_in", won)
    con.execute("insert into kept_groups select part, group_id from won_in")
    con.unregister("won_in")


def _give_new(con: duckdb.DuckDBPyConnection, kind: str) -> None:
    """Temporary table `given_groups`: what is kept, and for the rest an id made of its smallest member.

    An id that is nobody's now is taken up again; one in use gets more salt.
    """
    con.execute(
        "create or replace temp table new_groups as select part, min(member) as founder, 0 as salt, "
        "cast(null as varchar) as group_id from grouped anti join kept_groups using (part) group by part"
    )
    while con.execute("select count(*) from new_groups where group_id is null").fetchall()[0][0]:
        con.execute(
            "update new_groups set group_id = ? || '_' || left(md5(founder || case when salt = 0 then '' else '#' || "
            "salt end), 16) where group_id is null",
            [kind[0]],
        )
        # An id of a group that ends with this run is not given away in the same run: it becomes its survivor's alias.
        con.execute(
            "update new_groups set group_id = null, salt = salt + 1 where group_id in "
            "(select group_id from kept_groups union select group_id from identity.group_ids where kind = ? "
            "and is_current)",
            [kind],
        )
    con.execute(
        "create or replace temp table given_groups as select part, group_id from kept_groups union all "
        "select part, group_id from new_groups"
    )


def _write(con: duckdb.DuckDBPyConnection, kind: str) -> None:
    con.execute(
        "create or replace temp table ended_groups as select group_id, (select arg_max(given.group_id, "
        "(shared.count_members, given.group_id)) from shared inner join given_groups as given using (part) "
        "where shared.group_id = ids.group_id) as survivor_id from identity.group_ids as ids "
        "where kind = ? and is_current and group_id not in (select group_id from given_groups)",
        [kind],
    )
    con.execute(
        "update identity.group_ids set is_current = false, survivor_id = e.survivor_id from ended_groups as e "
        "where e.group_id = group_ids.group_id and kind = ?",
        [kind],
    )
    con.execute(
        "update identity.group_ids set survivor_id = e.survivor_id from ended_groups as e "
        "where group_ids.survivor_id = e.group_id and kind = ?",
        [kind],
    )
    con.execute(
        "update identity.group_ids set is_current = true, survivor_id = null "
        "where kind = ? and not is_current and group_id in (select group_id from given_groups)",
        [kind],
    )
    con.execute(
        "insert into identity.group_ids select $kind, group_id, (select coalesce(max(created_no), 0) from "
        "identity.group_ids where kind = $kind) + row_number() over (order by founder), true, null from new_groups "
        "where group_id not in (select group_id from identity.group_ids where kind = $kind)",
        {"kind": kind},
    )
    con.execute("delete from identity.group_members where kind = ?", [kind])
    con.execute(
        "insert into identity.group_members select ?, member, group_id from grouped inner join given_groups "
        "using (part) order by member",
        [kind],
    )

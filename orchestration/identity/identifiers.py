"""Links that need no score: records that carry one system's id, and thin records that reach one person only.

A thin record says how somebody is reached (an e-mail, a browser, a device) but not who it is. Evidence that needs
weighing, as an e-mail on two named records, belongs to `link`.
"""

import duckdb
import pyarrow as pa

from orchestration.identity import model, records
from orchestration.identity.components import components
from orchestration.identity.scoring import veto

# By what a thin record joins a person, in this order.
_ATTACHING_TYPES = ("email", *model.DEVICE_TYPES, "phone")


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def prepare(con: duckdb.DuckDBPyConnection, identifiers: str) -> None:
    """Make tables `nodes` (i, record_id, is_contact, is_thin), `held` (identifier_type, identifier_value, i) and
    `skipped_identifiers`.

    Needs table `records`. `i` numbers all records from 0 in the order of their ids.
    """
    con.execute(
        "create or replace table nodes as select row_number() over (order by record_id) - 1 as i, record_id, "
        f"records.n is not null as is_contact, records.n is null or ({records.is_thin()}) as is_thin "
        f"from (select record_id from records union select record_id from {identifiers}) as every_record "
        "left join records using (record_id)"
    )
    con.execute(
        "create or replace table held as select distinct identifier_type, identifier_value, i from ("
        f"select identifier_type, identifier_value, record_id from {identifiers} where identifier_value is not null "
        "union all select 'email', email, record_id from records where email is not null "
        "union all select 'phone', phone, record_id from records where phone is not null) "
        "inner join nodes using (record_id)"
    )
    con.execute(
        "create or replace table skipped_identifiers (identifier_type varchar, identifier_value varchar, "
        "count_records bigint, count_people bigint, reason varchar)"
    )
    con.execute(
        "insert into skipped_identifiers select rule, block_key, count_records, null, 'too many records to compare' "
        "from skipped_blocks"
    )


def sure_links(con: duckdb.DuckDBPyConnection) -> pa.Table:
    """Each record and the smallest record that carries the same id: i_l, i_r, rule; ids on too many are skipped.

    A link between two records that cannot be one person (a veto) is left out: the id is wrong, or a family shares it.
    """
    con.execute(
        "create or replace temp table shared_ids as select identifier_type, identifier_value, min(i) as anchor, "
        f"count(*) as count_records from held where identifier_type in ({_listed(model.IDENTIFIER_TYPES)}) "
        "group by all having count(*) > 1"
    )
    con.execute(
        "insert into skipped_identifiers select identifier_type, identifier_value, count_records, null, "
        "'too many records' from shared_ids where count_records > ?",
        [model.MAX_RECORDS_PER_IDENTIFIER],
    )
    return con.execute(
        "select distinct on (anchor, held.i) anchor as i_l, held.i as i_r, identifier_type as rule "
        "from shared_ids inner join held using (identifier_type, identifier_value) "
        "inner join nodes as a on a.i = anchor inner join nodes as b on b.i = held.i "
        "left join records as l on l.record_id = a.record_id left join records as r on r.record_id = b.record_id "
        f"where held.i <> anchor and count_records <= ? and ({veto()}) is null order by anchor, held.i, "
        "identifier_type",
        [model.MAX_RECORDS_PER_IDENTIFIER],
    ).to_arrow_table()


def attach(con: duckdb.DuckDBPyConnection) -> pa.Table:
    """Give thin records the one person they reach: updates `clusters` (i, person), returns i_l, i_r, rule a join.

    `apart` (i_l, i_r) are pairs a steward keeps apart. An identifier of several people attaches nobody and is
    reported: a family's e-mail or a store terminal does not say who used it. Thin records that reach nobody else join
    each other, except by a shared device.
    """
    con.execute("create or replace table attached (i_l bigint, i_r bigint, rule varchar)")
    for identifier_type in _ATTACHING_TYPES:
        for among_thin in (False, True):
            _make_holders(con, identifier_type)
            if among_thin:
                _report_shared(con, identifier_type)
            _join_holders(con, identifier_type, among_thin=among_thin)
    return con.execute("select i_l, i_r, rule from attached order by i_l, i_r").to_arrow_table()


def _make_holders(con: duckdb.DuckDBPyConnection, identifier_type: str) -> None:
    """Temporary table `holders`: who holds each identifier (person, smallest record i, is_thin) and how many do."""
    con.execute(
        "create or replace temp table thin_people as select person, bool_and(is_thin) as is_thin, "
        "count(*) filter (is_contact) as count_contacts from clusters inner join nodes using (i) group by person"
    )
    con.execute(
        "create or replace temp table holders as "
        "with holding as (select identifier_value, person, min(i) as i from held inner join clusters using (i) "
        f"where identifier_type = '{identifier_type}' group by all), "
        "kept as (select * from holding anti join (select x.identifier_value, x.person from apart "
        "inner join clusters as l on l.i = apart.i_l inner join clusters as r on r.i = apart.i_r "
        "inner join holding as x on x.person in (l.person, r.person) "
        "inner join holding as y on y.identifier_value = x.identifier_value and y.person in (l.person, r.person) "
        "and y.person <> x.person) as parted using (identifier_value, person)) "
        "select kept.*, is_thin, count_contacts, count(*) over (partition by identifier_value) as count_holders, "
        "count(*) filter (not is_thin) over (partition by identifier_value) as count_known, "
        "sum(least(count_contacts, 1)) over (partition by identifier_value) as count_contact_holders "
        "from kept inner join thin_people using (person)"
    )


def _report_shared(con: duckdb.DuckDBPyConnection, identifier_type: str) -> None:
    con.execute(
        "insert into skipped_identifiers select ?, identifier_value, null, max(count_known), 'shared by several "
        "people' "
        "from holders where count_known > 1 group by identifier_value",
        [identifier_type],
    )


def _join_holders(con: duckdb.DuckDBPyConnection, identifier_type: str, *, among_thin: bool) -> None:
    """Join thin holders to the one known holder of their identifier, or to each other where nobody known holds it."""
    if among_thin:
        limit = "count_contact_holders <= 1" if identifier_type in model.DEVICE_TYPES else "true"
        target = f"count_known = 0 and count_holders between 2 and {model.MAX_RECORDS_PER_IDENTIFIER} and {limit}"
        chosen = "true"
    else:
        target, chosen = "count_known = 1", "not is_thin"
    con.execute(
        "create or replace temp table joins as with anchors as ("
        f"select identifier_value, min(person) filter ({chosen}) as target, arg_min(i, person) filter ({chosen}) "
        "as target_i "
        f"from holders where {target} group by identifier_value) "
        "select person, target, min(i) as i, min(target_i) as target_i from holders inner join anchors using "
        "(identifier_value) "
        "where is_thin and person <> target group by person, target "
        "qualify count(*) over (partition by person) = 1"
    )
    joins = con.execute("select person, target from joins order by person").fetchnumpy()
    count = con.execute("select count(*) from nodes").fetchall()[0][0]
    root = components(count, joins["person"], joins["target"])
    con.register("roots", pa.table({"person": pa.array(range(count)), "root": root}))
    con.execute(
        "create or replace table clusters as select i, root as person from clusters inner join roots using (person)"
    )
    con.unregister("roots")
    con.execute(
        f"insert into attached select least(i, target_i), greatest(i, target_i), '{identifier_type}' from joins"
    )

"""Links that need no score: records that carry one system's id, and thin records that reach one person only.

A thin record says how somebody is reached (an e-mail, a browser, a device) but not who it is. Evidence that needs
weighing, as an e-mail on two named records, belongs to `link`.
"""

import duckdb
import pyarrow as pa

from orchestration.identity import model
from orchestration.identity.components import components
from orchestration.identity.scoring import veto, veto_columns

# By what a thin record joins a person, in this order.
ATTACHING_TYPES = ("email", *model.DEVICE_TYPES, "phone")


def listed(names: tuple[str, ...]) -> str:
    """Texts as an SQL list."""
    return ", ".join(f"'{name}'" for name in names)


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Tables `nodes` (i, n, record_id, is_contact, is_thin) and `held` (identifier_type, identifier_value, i) of the
    `touched` records. `i` numbers these from 0 in the order of their ids.
    """
    con.execute(
        "create or replace temp table nodes as select row_number() over (order by record_id) - 1 as i, n, record_id, "
        "is_contact, is_thin from nodes_now semi join touched using (n)"
    )
    con.execute(
        "create or replace temp table held as select identifier_type, identifier_value, i "
        f"from ({held_sql('n in (from touched)')}) inner join nodes using (n)"
    )


def held_sql(where: str) -> str:
    """Who holds which identifier, as given or as a contact has it: identifier_type, identifier_value, n; each once."""
    where = f"where identifier_value is not null and {where}"
    own = "select n, {0} as identifier_value from records_now"
    return (
        f"select identifier_type, identifier_value, n from identifiers_now {where} "
        f"union select 'email', identifier_value, n from ({own.format('email')}) {where} "
        f"union select 'phone', identifier_value, n from ({own.format('phone')}) {where}"
    )


def holders_sql(values: str) -> str:
    """The same of all records, but only of the values in a table (identifier_type, identifier_value)."""
    return (
        "select identifier_type, identifier_value, n from identifiers_now "
        f"semi join {values} using (identifier_type, identifier_value)"
    ) + "".join(
        f" union select '{kind}', {kind}, n from records_now where {kind} in "
        f"(select identifier_value from {values} where identifier_type = '{kind}')"
        for kind in ("email", "phone")
    )


def sure_links(con: duckdb.DuckDBPyConnection) -> pa.Table:
    """Each record and the smallest record that carries the same id: i_l, i_r, rule; ids on too many are skipped.

    A link between two records that cannot be one person (a veto) is left out: the id is wrong, or a family shares it.
    """
    con.execute(
        "create or replace temp table shared_ids as select identifier_type, identifier_value, min(i) as anchor, "
        f"count(*) as count_records from held where identifier_type in ({listed(model.IDENTIFIER_TYPES)}) "
        "group by all having count(*) > 1"
    )
    con.execute(
        f"create or replace temp table carriers as select n, {', '.join(sorted(veto_columns()))} from records_now "
        "where n in (select n from nodes inner join held "
        "using (i) semi join shared_ids using (identifier_type, identifier_value))"
    )
    return con.execute(
        "select distinct on (anchor, held.i) anchor as i_l, held.i as i_r, identifier_type as rule "
        "from shared_ids inner join held using (identifier_type, identifier_value) "
        "inner join nodes as a on a.i = anchor inner join nodes as b on b.i = held.i "
        "left join carriers as l on l.n = a.n left join carriers as r on r.n = b.n "
        f"where held.i <> anchor and count_records <= ? and ({veto()}) is null order by anchor, held.i, "
        "identifier_type",
        [model.MAX_RECORDS_PER_IDENTIFIER],
    ).to_arrow_table()


def connections(con: duckdb.DuckDBPyConnection) -> pa.Table:
    """Pairs i_l, i_r that chain together all holders of an identifier that links them, or that a thin record has.

    What becomes of a record follows from those it is chained to, whatever becomes of the others.
    """
    return con.execute(
        "select anchor as i_l, held.i as i_r from held inner join (select identifier_type, identifier_value, "
        "min(i) as anchor, count(*) as count_records, bool_or(is_thin) as has_thin from held "
        "inner join nodes using (i) group by all "
        "having count(*) > 1) using (identifier_type, identifier_value) where held.i <> anchor and "
        f"((identifier_type in ({listed(model.IDENTIFIER_TYPES)}) and count_records <= ?) "
        f"or (identifier_type in ({listed(ATTACHING_TYPES)}) and has_thin))",
        [model.MAX_RECORDS_PER_IDENTIFIER],
    ).to_arrow_table()


def attach(con: duckdb.DuckDBPyConnection) -> pa.Table:
    """Give thin records the one person they reach: updates `clusters` (i, person), returns i_l, i_r, rule a join.

    `apart` (i_l, i_r) are pairs a steward keeps apart. An identifier of several people attaches nobody and is
    reported: a family's e-mail or a store terminal does not say who used it. Thin records that reach nobody else join
    each other, except by a shared device.
    """
    con.execute("create or replace temp table attached (i_l bigint, i_r bigint, rule varchar)")
    # Where nobody thin holds it, an identifier attaches nobody.
    con.execute(
        "create or replace temp table thinly_held as from held semi join (select identifier_type, identifier_value "
        "from held inner join nodes using (i) where is_thin) using (identifier_type, identifier_value)"
    )
    present = {kind for (kind,) in con.execute("select distinct identifier_type from thinly_held").fetchall()}
    for identifier_type in (kind for kind in ATTACHING_TYPES if kind in present):
        for among_thin in (False, True):
            _make_holders(con, identifier_type)
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
        "with holding as (select identifier_value, person, min(i) as i from thinly_held inner join clusters using (i) "
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
    if not len(joins["person"]):
        return
    count = con.execute("select count(*) from nodes").fetchall()[0][0]
    root = components(count, joins["person"], joins["target"])
    con.register("roots", pa.table({"person": pa.array(range(count)), "root": root}))
    con.execute(
        "create or replace temp table clusters as select i, root as person from clusters "
        "inner join roots using (person)"
    )
    con.unregister("roots")
    con.execute(
        f"insert into attached select least(i, target_i), greatest(i, target_i), '{identifier_type}' from joins"
    )


def report(con: duckdb.DuckDBPyConnection, *, is_whole: bool) -> None:
    """Table `common` (as linkage.common_identifiers) of identifiers that say nothing, among those of touched records.

    `reported` (identifier_type, identifier_value) is what was looked at. Needs `persons_now` (n, person, is_known).
    """
    con.execute(
        "create or replace temp table reported as select distinct identifier_type, identifier_value from held "
        "union select identifier_type, identifier_value from values_touched"
    )
    own = "select identifier_type, identifier_value, n from held inner join nodes using (i)"
    con.execute(f"create or replace temp table holding as {own if is_whole else holders_sql('reported')}")
    con.execute(
        # Few values have several people: the others' are not counted one by one.
        "create or replace temp table common as with held_by as (select identifier_type, identifier_value, person, "
        "is_known from holding inner join persons_now using (n)), "
        "counted as (select identifier_type, identifier_value, count(*) as count_records, "
        "min(person) filter (is_known) is distinct from max(person) filter (is_known) as is_shared "
        "from held_by group by all), "
        "shared as (select identifier_type, identifier_value, count(distinct person) as count_people from held_by "
        "semi join (from counted where is_shared) using (identifier_type, identifier_value) where is_known "
        "group by all) "
        "select identifier_type, identifier_value, count_records, null::bigint as count_people, "
        "'too many records' as reason "
        f"from counted where identifier_type in ({listed(model.IDENTIFIER_TYPES)}) and count_records > ? "
        "union all select identifier_type, identifier_value, null, count_people, 'shared by several people' "
        f"from shared where identifier_type in ({listed(ATTACHING_TYPES)})",
        [model.MAX_RECORDS_PER_IDENTIFIER],
    )

"""From scored pairs, shared ids and decisions to persons: components completed, cut into people, thin records attached.

Works on the `touched` records, which hold whole components; what a component is made of is decided here, how it is
cut in `people`.
"""

from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.identity import identifiers, incremental, model, people
from orchestration.identity.components import components
from orchestration.identity.links import kept_sql


def make_clusters(con: duckdb.DuckDBPyConnection, trained: dict[str, Any], duplicate_free: frozenset[str]) -> None:
    """Tables `clusters` (i, person), `pairs_touched` (as linkage.pairs; `is_kept`: from there) and links (i_l, i_r).

    Those are `attached`, `sure` and `together`.
    Also `solved_nodes`: linkage.nodes of the touched records. Needs `found`, the pairs scored anew.
    """
    identifiers.prepare(con)
    _make_decided(con)
    _take(con, "sure", identifiers.sure_links(con))
    _make_pairs(con, trained)
    count = con.execute("select count(*) from nodes").fetchall()[0][0]
    sure = _edges(con, "select i_l, i_r, 1 from sure union all select i_l, i_r, 2 from together order by all")
    apart = _edges(con, "select i_l, i_r, 0 from apart order by all")
    _, component = people.loose_components(count, _linking(con), sure, apart)
    _complete(con, trained, component)
    pairs = _edges(con, f"{_PAIRS} order by 1, 2")
    person = people.partition(
        count,
        pairs,
        sure,
        apart,
        only_one=_only_one(con, duplicate_free),
        join=trained["join"],
        join_leftovers=trained["join_leftovers"],
    )
    _take(con, "clusters", pa.table({"i": pa.array(range(count), pa.int64()), "person": person}))
    identifiers.attach(con)
    _label(con, count, component, sure)


# A veto outweighs what a pair weighs.
_PAIRS = (
    f"select l.i, r.i, if(has_veto, {model.VETO_WEIGHT}, match_weight) from pairs_touched "
    "inner join nodes as l on l.n = n_l inner join nodes as r on r.n = n_r"
)


def _linking(con: duckdb.DuckDBPyConnection) -> people.Edges:
    return _edges(con, f"{_PAIRS} where is_candidate order by 1, 2")


def _take(con: duckdb.DuckDBPyConnection, made: str, table: pa.Table) -> None:
    con.register("table_in", table)
    con.execute(f"create or replace temp table {made} as from table_in")
    con.unregister("table_in")


def _make_decided(con: duckdb.DuckDBPyConnection) -> None:
    """Tables `apart` and `together` (i_l, i_r): stewards' decisions on records that are there."""
    for table, decision in (("apart", "cannot"), ("together", "must")):
        con.execute(
            f"create or replace temp table {table} as select l.i as i_l, r.i as i_r from decisions_in "
            "inner join nodes as l on l.record_id = record_id_l inner join nodes as r on r.record_id = record_id_r "
            f"where decision = '{decision}' order by all"
        )


def _make_pairs(con: duckdb.DuckDBPyConnection, trained: dict[str, Any]) -> None:
    """Table `pairs_touched`: candidates that weigh enough, and what an earlier run found inside components."""
    con.execute(
        "create or replace temp table pairs_touched as select *, true as is_kept from linkage.pairs "
        "anti join parted using (n_l, n_r) where n_l in (from touched) "
        "and n_l not in (from dirty union all from stale) and n_r not in (from dirty union all from stale)"
    )
    con.execute(f"insert into pairs_touched by name {kept_sql(trained, 'found', is_candidate=True)}")


def _complete(con: duckdb.DuckDBPyConnection, trained: dict[str, Any], component: np.ndarray) -> None:
    """Score the pairs inside one component that no blocking key brought together; a large one keeps its candidates.

    A bridge made it, not a person. Table `completed` of what was scored.
    """
    _take(con, "members", pa.table({"i": pa.array(range(len(component)), pa.int64()), "component": component}))
    con.execute(
        "create or replace temp table members as select n, i, component from members inner join nodes using (i) "
        f"qualify count(*) over (partition by component) between 2 and {model.MAX_COMPLETED_COMPONENT}"
    )
    con.execute(
        "delete from pairs_touched where not is_candidate and not exists (select 1 from members as l inner join "
        "members as r using (component) where l.n = n_l and r.n = n_r)"
    )
    con.execute(
        "create or replace temp table missing as select l.n as n_l, r.n as n_r from members as l "
        "inner join members as r on l.component = r.component and l.i < r.i "
        "inner join nodes as a on a.n = l.n inner join nodes as b on b.n = r.n "
        "anti join pairs_touched as known on known.n_l = l.n and known.n_r = r.n where a.is_contact and b.is_contact"
    )
    incremental.score(con, trained, "missing", "completed", least=None)
    con.execute(f"insert into pairs_touched by name {kept_sql(trained, 'completed', is_candidate=False)}")


def _only_one(con: duckdb.DuckDBPyConnection, duplicate_free: frozenset[str]) -> np.ndarray | None:
    """A bit for each duplicate-free source, by record `i`; None where no source is."""
    if not duplicate_free:
        return None
    bits = pa.table({"source": sorted(duplicate_free), "bit": [1 << place for place in range(len(duplicate_free))]})
    con.register("only_one_in", bits)
    read = con.execute(
        "select cast(coalesce(bit, 0) as ubigint) as bit from nodes left join records_now using (n) "
        "left join only_one_in using (source) order by i"
    ).fetchnumpy()["bit"]
    con.unregister("only_one_in")
    return read.astype(np.uint64)


def _label(con: duckdb.DuckDBPyConnection, count: int, component: np.ndarray, sure: people.Edges) -> None:
    """Table `solved_nodes`: component and person of each touched record, by the number `n` of one of their records."""
    chained = identifiers.connections(con)
    left = np.concatenate([component, sure.left, chained["i_l"].to_numpy().astype(np.int64)])
    right = np.concatenate([np.arange(count), sure.right, chained["i_r"].to_numpy().astype(np.int64)])
    _take(con, "labels", pa.table({"i": pa.array(range(count), pa.int64()), "label": components(count, left, right)}))
    con.execute(
        "create or replace temp table solved_nodes as "
        "with known as (select person, not bool_and(is_thin) as is_known from clusters inner join nodes using (i) "
        "group by person) "
        "select nodes.n, nodes.record_id, now.content, nodes.is_contact, nodes.is_thin, known.is_known, "
        "c.n as component, p.n as person "
        "from nodes inner join nodes_now as now on now.n = nodes.n inner join labels on labels.i = nodes.i "
        "inner join nodes as c on c.i = label inner join clusters on clusters.i = nodes.i "
        "inner join nodes as p on p.i = clusters.person inner join known on known.person = clusters.person"
    )


def _edges(con: duckdb.DuckDBPyConnection, query: str) -> people.Edges:
    left, right, weight = con.execute(query).fetchnumpy().values()
    return people.Edges(left.astype(np.int64), right.astype(np.int64), weight.astype(np.float64))

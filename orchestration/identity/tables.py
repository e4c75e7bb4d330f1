"""The tables of schema `identity` as they are served: links, records with their person, people; and where they go.

Which record is whose is decided before; nothing here changes it.
"""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.identity import model
from orchestration.settings import Settings
from orchestration.warehouse import engine

TABLES = ("person_records", "links", "people", "skipped_identifiers")


def links_sql() -> str:
    """Edges inside people, smaller record first, with what made each."""
    agreed = ", ".join(f"case when weight_{field} > 1 then '{field}' end" for field in model.fields())
    return f"""
        with every_link as (
            select i_l, i_r, 'deterministic' as link_type, rule, null as match_weight, 1.0 as match_probability
            from sure
            union all select i_l, i_r, 'deterministic', 'steward', null, 1.0 from together
            union all select i_l, i_r, 'deterministic', rule, null, 1.0 from attached
            union all
            select l.i, r.i, 'probabilistic', concat_ws('+', {agreed}), match_weight, match_probability
            from scored
            inner join records as a on a.n = n_l inner join nodes as l on l.record_id = a.record_id
            inner join records as b on b.n = n_r inner join nodes as r on r.record_id = b.record_id
            where match_weight >= {model.COMPONENT_MATCH_WEIGHT} and veto is null
        )
        select l.record_id as record_id_l, r.record_id as record_id_r, link_type, rule,
            cast(match_weight as double) as match_weight, cast(match_probability as double) as match_probability
        from every_link
        inner join clusters as cl on cl.i = i_l inner join clusters as cr on cr.i = i_r and cl.person = cr.person
        inner join nodes as l on l.i = i_l inner join nodes as r on r.i = i_r
        order by i_l, i_r, link_type, rule
    """


def with_ids(
    con: duckdb.DuckDBPyConnection, solved: dict[str, pa.Table], ids: pa.Table, inputs: dict[str, pa.Table]
) -> dict[str, pa.Table]:
    """The tables of schema `identity`, as they are served."""
    for name, table in {
        "ids": ids,
        "links": solved["links"],
        **{n: inputs[n] for n in ("contacts", "identifiers")},
    }.items():
        con.register(name, table)
    con.execute(
        "create temp table person_records as select record_id, person_id, coalesce(max(match_probability), 1.0) "
        "as match_confidence "
        "from ids left join (select record_id_l as record_id, match_probability from links "
        "union all select record_id_r, match_probability from links) as ends using (record_id) group by "
        "record_id, person_id"
    )
    return {
        "person_records": con.execute("select * from person_records order by record_id").to_arrow_table(),
        "links": solved["links"],
        "people": con.execute(
            "with seen as (select record_id, min(seen_at) as first_seen_at from (select record_id, created_at as "
            "seen_at "
            "from contacts union all select record_id, first_seen_at from identifiers) as s group by record_id) "
            "select person_id, count(*) as count_records, count(distinct split_part(record_id, ':', 1)) as "
            "count_sources, "
            "min(first_seen_at) as first_seen_at, min(match_confidence) as match_confidence "
            "from person_records left join seen using (record_id) group by person_id order by person_id"
        ).to_arrow_table(),
        "skipped_identifiers": solved["skipped_identifiers"],
    }


def export(folder: Path, tables: dict[str, pa.Table]) -> None:
    """The same tables as Parquet, for engines that do not read the warehouse file; each is replaced at once."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        unfinished = folder / f"{name}.parquet.tmp"
        pq.write_table(table, unfinished)
        unfinished.replace(folder / f"{name}.parquet")


def write(settings: Settings, tables: dict[str, pa.Table], run_id: str, fingerprint: str) -> None:
    """Replace schema `identity` of the warehouse in one transaction; `current_run` says which run it shows."""
    with engine.writing(settings) as con:
        con.execute("begin transaction")
        con.execute("create schema if not exists identity")
        for name, table in tables.items():
            con.register("table_in", table)
            con.execute(f"create or replace table identity.{name} as select * from table_in")
            con.unregister("table_in")
        con.execute("create or replace table identity.current_run (run_id varchar, fingerprint varchar)")
        con.execute("insert into identity.current_run values (?, ?)", [run_id, fingerprint])
        con.execute("commit")

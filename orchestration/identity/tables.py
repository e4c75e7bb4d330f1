"""The tables of schema `identity` as they are served: links, records with their person, people; and where they go.

Which record is whose is decided before; nothing here changes it.
"""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.identity.confidence import confidence_sql
from orchestration.settings import Settings
from orchestration.warehouse import engine

# The first four are of people, the others are what state tells of their ids.
TABLES = ("person_records", "links", "people", "skipped_identifiers", "ledger", "aliases")
_LEDGER = (
    "select run_no, run_id, event, person_id, other_person_id, count_records, cause, record_id_l, record_id_r, rule, "
    "match_weight, model_version, as_of as as_of_date, recorded_at from identity.ledger"
)
_ALIASES = "select person_id, survivor_id, run_id from identity.aliases"


def with_ids(
    con: duckdb.DuckDBPyConnection, solved: dict[str, pa.Table], ids: pa.Table, inputs: dict[str, pa.Table]
) -> dict[str, pa.Table]:
    """The tables of people as they are served: of the whole partition, or of the part that `ids` are of."""
    for name, table in {
        "ids": ids,
        "links": solved["links"],
        **{n: inputs[n] for n in ("contacts", "identifiers")},
    }.items():
        con.register(name, table)
    con.execute(
        "create temp table person_records as select record_id, person_id, match_confidence from ids inner join "
        f"({confidence_sql('(select record_id, person_id as person from ids)', 'links')}) using (record_id)"
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
        **{name: solved[name] for name in ("skipped_identifiers",) if name in solved},
    }


def of_state(con: duckdb.DuckDBPyConnection, *, is_whole: bool) -> dict[str, pa.Table]:
    """What the state database tells of ids: everything, or what the run that was just applied changed.

    A part comes with `touched_records` and `touched_people`, whose rows it replaces.
    """
    if is_whole:
        return {"ledger": con.execute(_LEDGER).to_arrow_table(), "aliases": con.execute(_ALIASES).to_arrow_table()}
    touched = "select person_id from former union select person_id from given"
    return {
        "ledger": con.execute(f"{_LEDGER} where run_no = (select max(run_no) from identity.runs)").to_arrow_table(),
        "aliases": con.execute(
            f"{_ALIASES} where person_id in ({touched}) or survivor_id in ({touched})"
        ).to_arrow_table(),
        "touched_records": con.execute(
            "select record_id from parts union select record_id from leaving"
        ).to_arrow_table(),
        "touched_people": con.execute(touched).to_arrow_table(),
    }


def sightings(settings: Settings, partition: pa.Table) -> dict[str, pa.Table]:
    """When the records of a partition were made or seen, from the warehouse: contacts and identifiers."""
    with engine.reading(settings) as con:
        con.register("partition_in", partition)
        return {
            name: con.execute(
                f"select record_id, {column} from warehouse.conformed.{name} semi join partition_in using (record_id)"
            ).to_arrow_table()
            for name, column in (("contacts", "created_at"), ("identifiers", "first_seen_at"))
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


def write_part(settings: Settings, rows: dict[str, pa.Table], run_id: str, fingerprint: str) -> None:
    """Replace the rows of touched records and people, in the warehouse and in Parquet; the rest stays as it is.

    `rows` are what `with_ids` and `of_state` give for a part. One transaction of the warehouse, which ends last.
    """
    with engine.writing(settings) as con:
        con.execute("begin transaction")
        for name, table in rows.items():
            con.register(f"{name}_in", table)
        records, people = "(select record_id from touched_records_in)", "(select person_id from touched_people_in)"
        stale = {
            "person_records": f"record_id in {records}",
            "links": f"record_id_l in {records} or record_id_r in {records}",
            "people": f"person_id in {people}",
            "ledger": "run_no in (select run_no from ledger_in)",
            "aliases": f"person_id in {people} or survivor_id in {people}",
            "skipped_identifiers": "true",
        }
        changed = [name for name in stale if name in rows]
        for name in changed:
            con.execute(f"delete from identity.{name} where {stale[name]}")
            con.execute(f"insert into identity.{name} by name select * from {name}_in")
        con.execute("update identity.current_run set run_id = ?, fingerprint = ?", [run_id, fingerprint])
        _export_from(con, settings.root / "identity", changed)
        con.execute("commit")


def _export_from(con: duckdb.DuckDBPyConnection, folder: Path, names: list[str]) -> None:
    """Tables of the warehouse as Parquet; each file is replaced at once."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        unfinished = folder / f"{name}.parquet.tmp"
        con.execute(f"copy (select * from identity.{name}) to '{unfinished}' (format parquet)")
        unfinished.replace(folder / f"{name}.parquet")


def restore(settings: Settings, run_id: str, fingerprint: str) -> None:
    """Serve what was exported last to a warehouse that lost it."""
    folder = settings.root / "identity"
    if all((folder / f"{name}.parquet").exists() for name in TABLES):
        write(settings, {name: pq.read_table(folder / f"{name}.parquet") for name in TABLES}, run_id, fingerprint)

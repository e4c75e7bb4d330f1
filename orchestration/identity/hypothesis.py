"""People as they would be after a change of the partition: stand-ins for identity, profile, features and segments.

Lives in one reading connection and is gone with it. What of it differs is asked in `blast_radius`.
"""

from datetime import date

import duckdb
import pyarrow as pa

from orchestration.activation.document import SyncDocument
from orchestration.identity import proposal, tables
from orchestration.identity.apply import Change
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.warehouse import compiled, engine

# Some features rank a person among all others, whose features have to be computed too: 1 s for 11,000 people. Where
# there are more than these, ranks are among as many drawn by chance.
MOST_RANKED = 100_000
_PROFILES = ("profile__attributes", "profile__people")


def make(con: duckdb.DuckDBPyConnection, settings: Settings, change: Change) -> None:
    """Stand-ins for `identity.person_records` and `identity.people` of who is affected, on a reading connection.

    Leaves what `proposal.propose` leaves, and `affected` (person_id): everybody of before and after who differs.
    """
    con.execute("use state")
    proposal.propose(con, change.partition, gone=change.gone, wanted=change.wanted)
    con.execute(
        "create or replace temp table affected as select person_id from former union select person_id from given"
    )
    ids = con.execute("select record_id, person_id from parts inner join given using (part)").to_arrow_table()
    labelled = con.execute("select record_id, part as person from parts").to_arrow_table()
    compiled.stand_in(con)
    _put(con, settings, ids, labelled, change.links)


def make_as_served(con: duckdb.DuckDBPyConnection, people: pa.Table) -> None:
    """The same stand-ins of `people` (person_id) as the warehouse has them now: to rebuild what hangs on them."""
    con.register("affected_in", people)
    con.execute("create or replace temp table affected as select person_id from affected_in")
    con.unregister("affected_in")
    compiled.stand_in(con)
    for name in ("person_records", "people"):
        compiled.replace(
            con, f"identity.{name}", f"select * from warehouse.identity.{name} where person_id in (from affected)"
        )


def _put(
    con: duckdb.DuckDBPyConnection, settings: Settings, ids: pa.Table, labelled: pa.Table, links: pa.Table
) -> None:
    con.register("links_of", links)
    con.register("ids_of", ids)
    within = con.execute("select links_of.* from links_of semi join ids_of on record_id = record_id_l").to_arrow_table()
    con.unregister("links_of")
    con.unregister("ids_of")
    seen = {
        name: con.execute(
            f"select record_id, {column} from warehouse.conformed.{name} semi join parts using (record_id)"
        ).to_arrow_table()
        for name, column in (("contacts", "created_at"), ("identifiers", "first_seen_at"))
    }
    with engine.memory(settings) as aside:
        rows = tables.with_ids(aside, {"links": within}, ids, seen)
    for name in ("person_records", "people"):
        compiled.replace(con, f"identity.{name}", rows[name])


def rebuild_profiles(con: duckdb.DuckDBPyConnection, settings: Settings) -> bool:
    """Stand-ins for `profile.attributes` and `profile.people` of the affected; False before profiles were built."""
    for model in _PROFILES:
        query = compiled.query(settings, model)
        table = model.replace("__", ".")
        if query is None or not engine.table_exists(con, *table.split("."), "warehouse"):
            return False
        compiled.replace(con, table, query)
    return True


def rebuild_segments(con: duckdb.DuckDBPyConnection, settings: Settings) -> bool:
    """Stand-ins for features and for membership; False before features were built.

    After `rebuild_profiles`; from here on the stand-ins hold the affected and whom they are ranked among, which is
    everybody else or `MOST_RANKED` of them.
    """
    from orchestration.segments.document import load_documents
    from orchestration.segments.members import lacking, membership_query, prepare

    query = compiled.query(settings, "features__people")
    if query is None or not engine.table_exists(con, "features", "people", "warehouse"):
        return False
    _complete(con, count_people(con))
    day = con.execute("select max(as_of_date) from warehouse.features.people").fetchall()[0][0]
    compiled.replace(con, "features.people", query)
    documents = load_documents(PROJECT_ROOT / "orchestration" / "defs" / "segments")[0]
    active = [one for one in documents if one.status == "active" and not lacking(con, one, documents)]
    prepare(con, active, documents)
    _put_members(con, [document.name for document in active], membership_query(active, documents, day), day)
    return True


def count_people(con: duckdb.DuckDBPyConnection) -> int:
    """People that the warehouse has."""
    return con.execute("select count(*) from warehouse.identity.people").fetchall()[0][0]


def _complete(con: duckdb.DuckDBPyConnection, count: int) -> None:
    """Add those who are not affected, of so many people, to what stands in for the affected alone."""
    drawn = f"and md5_number_lower(person_id) % {count} < {MOST_RANKED}" if count > MOST_RANKED else ""
    for table in ("identity.person_records", "identity.people", "profile.attributes", "profile.people"):
        compiled.replace(
            con,
            table,
            f"from {table} union all by name (from warehouse.{table} where person_id not in (from affected) {drawn})",
        )


def _put_members(con: duckdb.DuckDBPyConnection, names: list[str], query: str, day: date) -> None:
    con.execute(f"create or replace temp table evaluated as select * from ({query}) where person_id in (from affected)")
    entered = [
        f"select '{name}' as segment, person_id, date '{day}' as entered_date, null::date as left_date "
        f"from evaluated where s{number}"
        for number, name in enumerate(names)
    ]
    others = "select * from warehouse.segments.membership where person_id not in (from affected)"
    if not engine.table_exists(con, "segments", "membership", "warehouse"):
        others = (
            "select null as segment, null as person_id, null::date as entered_date, null::date as left_date where false"
        )
    compiled.replace(con, "segments.membership", " union all by name ".join([*entered, f"({others})"]))


def rebuild_payload(con: duckdb.DuckDBPyConnection, settings: Settings, sync: SyncDocument) -> bool:
    """A stand-in for the payload of a sync, after `rebuild_segments`; False before it was built."""
    query = compiled.query(settings, f"sync_{sync.model.split('.')[1]}")
    if query is None or not engine.table_exists(con, *sync.model.split("."), "warehouse"):
        return False
    compiled.replace(con, sync.model, query)
    return True


def refresh_profiles(settings: Settings, people: pa.Table) -> bool:
    """Write the profiles of `people` (person_id) anew in the warehouse, as the next run would; False before any run.

    For a person who was taken apart and must be two at once; everybody else's stay as they are.
    """
    models = (*_PROFILES, "profile__contact_points")
    with engine.reading(settings) as con:
        make_as_served(con, people)
        rows = {}
        for model in models:
            query, table = compiled.query(settings, model), model.replace("__", ".")
            if query is None or not engine.table_exists(con, *table.split("."), "warehouse"):
                return False
            compiled.replace(con, table, query)
            rows[table] = con.execute(f"from {table}").to_arrow_table()
    with engine.writing(settings) as con:
        con.execute("begin transaction")
        con.register("people_in", people)
        for table, fresh in rows.items():
            con.register("fresh_in", fresh)
            con.execute(f"delete from {table} where person_id in (select person_id from people_in)")
            con.execute(f"insert into {table} by name select * from fresh_in")
            con.unregister("fresh_in")
        con.execute("commit")
    return True

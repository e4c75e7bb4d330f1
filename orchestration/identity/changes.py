"""What came, changed and went since the store was written: found by hashes of rows, without reading what is the same.

Works on relations `contacts_in`, `identifiers_in` and `decisions_in` and on catalog `linkage`. What follows from the
changes is in `incremental`.
"""

import duckdb


def find(con: duckdb.DuckDBPyConnection) -> None:
    """Temporary tables of the changes.

    `numbered` (record_id, n): records that came or changed, with the numbers they have or get; view `changed_contacts`:
    contacts among them; `stale` (n): contacts as they were and are no more; `new_identifiers`, `lost_identifiers`
    (content, identifier_type, identifier_value, n); `other_decisions` (record_id): records decided about otherwise.
    """
    con.execute("create or replace temp table hashed as select record_id, hash(c) as content from contacts_in as c")
    con.execute(
        "create or replace temp table changed as select record_id, content from hashed "
        "anti join (select content from linkage.nodes where is_contact) as known using (content)"
    )
    con.execute(
        "create or replace temp table stale as select n from linkage.nodes anti join hashed using (content) "
        "where is_contact"
    )
    con.execute(
        "create or replace temp table came as select distinct hash(i) as content, record_id, "
        "identifier_type, identifier_value from identifiers_in as i "
        "where hash(i) not in (select content from linkage.identifiers)"
    )
    con.execute(
        "create or replace temp table lost_identifiers as select known.* from linkage.identifiers as known "
        "anti join (select hash(i) as content from identifiers_in as i) as seen using (content)"
    )
    _number(con)
    con.execute(
        "create or replace temp table new_identifiers as select content, identifier_type, identifier_value, n "
        "from came inner join numbered using (record_id)"
    )
    con.execute(
        "create or replace temp view changed_contacts as select n, contacts_in.* from contacts_in "
        "inner join (from numbered semi join changed using (record_id)) using (record_id)"
    )
    _find_decisions(con)


def _number(con: duckdb.DuckDBPyConnection) -> None:
    """Table `numbered`: known records keep their number, others get the next ones in the order of their ids."""
    con.execute(
        "create or replace temp table affected as select record_id from changed union select record_id from came"
    )
    con.execute(
        "create or replace temp table numbered as select record_id, coalesce(nodes.n, "
        "(select coalesce(max(n), -1) from linkage.nodes) + row_number() over (partition by nodes.n is null "
        "order by record_id)) as n from affected left join linkage.nodes as nodes using (record_id)"
    )


def _find_decisions(con: duckdb.DuckDBPyConnection) -> None:
    columns = "record_id_l, record_id_r, decision"
    con.execute(
        "create or replace temp table other_decisions as with differing as ("
        f"(select {columns} from decisions_in except select {columns} from linkage.decisions) union all "
        f"(select {columns} from linkage.decisions except select {columns} from decisions_in)) "
        "select record_id_l as record_id from differing union select record_id_r from differing"
    )


def is_any(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether anything changed."""
    tables = ("numbered", "stale", "lost_identifiers", "other_decisions")
    return any(con.execute(f"select exists (from {table})").fetchall()[0][0] for table in tables)


def count_records(con: duckdb.DuckDBPyConnection) -> int:
    """Contacts that came or changed."""
    return con.execute("select count(*) from changed").fetchall()[0][0]

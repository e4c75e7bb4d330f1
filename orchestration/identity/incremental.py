"""What a batch of changes means for pairs and components: a run costs what changed and ends where a full one does.

A record is scored again when it changed, a pair also when a key of both passed its limit (`crossing`); a component is
solved again, whole, when one of its records changed sides, an identifier or a decision. A run over all records is the
same with an empty store. Reads catalog `linkage` and what `changes` left, and leaves temporary tables; `write` then
brings the store up to date. What is kept there is in `linkage_store`.
"""

from typing import Any

import duckdb

from orchestration.identity import blocking, crossing, frequencies, linkage_store, model, records, scoring, screening
from orchestration.identity.identifiers import ATTACHING_TYPES, held_sql, holders_sql, listed

# For fewer pairs it takes longer to plan the screening than to score them all.
_MANY_PAIRS = 20_000


def take_records(con: duckdb.DuckDBPyConnection, trained: dict[str, Any], *, is_first: bool) -> None:
    """Relation `fresh`, what is kept of a record, from table `records` of changed ones.

    In a store's first run it is the store's table, which then is written once; until the store is signed nobody reads
    it. Views `records_before`, `records_now` and `identifiers_now` are what the store's tables were, and will be after
    this run; `rated` has those of the records that take part in it: `fresh` and `near`.
    """
    kept = [f"records.{c}" for c in sorted({"source", "email", "phone"} | set(scoring.needed_columns(trained)))]
    told = [f"{records.is_thin()} as is_thin", *blocking.hashes(trained["keys"])]
    rated = frequencies.rated_sql(trained, "records", kept + told)
    if is_first:
        con.execute(f"create table linkage.records as {rated}")
        con.execute("create or replace temp view fresh as from linkage.records")
        con.execute("create or replace temp view records_before as from linkage.records limit 0")
        con.execute("create or replace temp view records_now as from fresh")
    else:
        con.execute(f"create or replace temp table fresh as {rated}")
        con.execute("create or replace temp view records_before as from linkage.records")
        con.execute(
            "create or replace temp view records_now as from records_before where n not in (from stale) "
            "union all by name from fresh"
        )
    compared = "select columns(lambda c: not starts_with(c, 'key_')) from"
    con.execute(f"create or replace temp table near as {compared} fresh limit 0")
    con.execute("drop table if exists rated")
    con.execute(f"create or replace temp view rated as {compared} fresh union all from near")
    con.execute(
        "create or replace temp view identifiers_now as from linkage.identifiers "
        "where content not in (select content from lost_identifiers) union all by name from new_identifiers"
    )


def find_candidates(con: duckdb.DuckDBPyConnection, trained: dict[str, Any], *, is_first: bool) -> None:
    """Tables `candidates` (n_l, n_r) to score, smaller record id first, `dirty` (n), whose pairs all are, and `parted`.

    `parted` (n_l, n_r) are other pairs of the store that do not hold as they are.
    """
    keys = trained["keys"]
    con.execute("create or replace temp table parted (n_l bigint, n_r bigint)")
    con.execute("create or replace temp table dirty as select n from fresh")
    if is_first:
        blocking.make_blocks(con, keys, "fresh", None)
        blocking.make_candidates(con)
        con.execute("create or replace temp table news (rule_no utinyint, block_key ubigint)")
        blocking.name_full_blocks(con, keys)
        return
    crossing.list_keys(con, keys, "stale_keys", "records_before where n in (from stale)")
    crossing.list_keys(con, keys, "fresh_keys", "fresh")
    con.execute(
        "create or replace temp table news as select rule_no, block_key from stale_keys union "
        "select rule_no, block_key from fresh_keys"
    )
    blocking.make_blocks(con, keys, "records_now", "news")
    crossing.find(con, keys)
    blocking.make_candidates(con, "dirty")
    con.execute("insert into candidates from regained")
    _put_in_order(con, "candidates")
    blocking.name_full_blocks(con, keys)


def _put_in_order(con: duckdb.DuckDBPyConnection, pairs: str) -> None:
    """Let the record with the smaller id be the left one: numbers follow ids in a store's first run only."""
    con.execute(f"create or replace temp table ends as select n_l as n from {pairs} union select n_r from {pairs}")
    con.execute(
        "create or replace temp table id_of as select n, record_id from numbered where n in (from ends) union all "
        "select n, record_id from linkage.nodes where n in (from ends) and n not in (select n from numbered)"
    )
    con.execute(
        f"create or replace temp table {pairs} as select distinct if(l.record_id < r.record_id, n_l, n_r) as n_l, "
        f"if(l.record_id < r.record_id, n_r, n_l) as n_r from {pairs} inner join id_of as l on l.n = n_l "
        "inner join id_of as r on r.n = n_r"
    )


def score(
    con: duckdb.DuckDBPyConnection, trained: dict[str, Any], pairs: str, made: str, *, least: float | None
) -> None:
    """Scores of a table of pairs."""
    _rate_ends(con, pairs)
    count = con.execute(f"select count(*) from {pairs}").fetchall()[0][0]
    if least is not None and count >= _MANY_PAIRS:
        screening.screen(con, trained, pairs, "screened", least=least)
        pairs = "screened"
    scoring.score(con, trained, pairs, made, least=least)


def _rate_ends(con: duckdb.DuckDBPyConnection, pairs: str) -> None:
    """Let `rated` have both ends of all pairs; in a store's first run it has all there are."""
    if not con.execute("select exists (from records_before)").fetchall()[0][0]:
        return
    con.execute(
        "create or replace temp table lacking as select n from "
        f"(select n_l as n from {pairs} union select n_r from {pairs}) anti join rated using (n)"
    )
    if con.execute("select exists (from lacking)").fetchall()[0][0]:
        con.execute(
            "insert into near by name select columns(lambda c: not starts_with(c, 'key_')) from records_before "
            "where n in (from lacking)"
        )


def find_touched(con: duckdb.DuckDBPyConnection, *, is_whole: bool) -> None:
    """Tables `nodes_now` of all records after this run, and `touched` (n): every record of a component to solve again.

    Also `replaced` (n): nodes of the store that changed or are gone, `renewed`: nodes as they are now, `gone`.
    """
    _renew_nodes(con)
    con.execute(
        "create or replace temp view nodes_now as from linkage.nodes where n not in (from replaced) "
        "union all by name from renewed"
    )
    if is_whole:
        con.execute("create or replace temp table touched as select n from nodes_now")
        con.execute("create or replace temp table values_touched (identifier_type varchar, identifier_value varchar)")
        con.execute(
            "insert into values_touched select identifier_type, identifier_value from linkage.common_identifiers"
        )
        return
    _find_holders(con)
    con.execute(
        "create or replace temp table reached as select n from replaced union select n from dirty union "
        "select n_l from found union select n_r from found union select n_l from parted union select n_r from parted "
        "union select n from holders union "
        "select n from linkage.nodes where record_id in (from other_decisions union all from linkage.unsettled)"
    )
    con.execute(
        "create or replace temp table touched as select n from nodes_now where n in (from reached) or component in "
        "(select component from linkage.nodes where n in (from reached))"
    )


def _renew_nodes(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "create or replace temp table replaced as select n from numbered union select n from stale "
        "union select n from lost_identifiers"
    )
    con.execute(
        "create or replace temp table renewed as "
        "with known as (from linkage.nodes where n in (from replaced)), "
        "prepared as (select n, is_thin from fresh), "
        "holding as (select distinct n from identifiers_now where n in (from replaced)) "
        "select replaced.n, coalesce(numbered.record_id, known.record_id) as record_id, "
        "if(prepared.n is not null, changed.content, known.content) as content, "
        "prepared.n is not null or (coalesce(known.is_contact, false) and stale.n is null) as is_contact, "
        "if(prepared.n is not null, prepared.is_thin, coalesce(known.is_thin, true) or stale.n is not null) "
        "as is_thin, "
        "true as is_known, known.component, known.person "
        "from replaced left join numbered using (n) left join known on known.n = replaced.n "
        "left join stale on stale.n = replaced.n left join prepared on prepared.n = replaced.n "
        "left join changed on changed.record_id = numbered.record_id left join holding on holding.n = replaced.n "
        "where prepared.n is not null or (coalesce(known.is_contact, false) and stale.n is null) "
        "or holding.n is not null"
    )
    con.execute(
        "create or replace temp table gone as select record_id from linkage.nodes where n in (from replaced) "
        "and n not in (select n from renewed)"
    )


def _find_holders(con: duckdb.DuckDBPyConnection) -> None:
    """Tables `values_touched` (identifier_type, identifier_value) and `holders` (n): who is connected by one of them.

    An identifier connects its holders when it links them, or may give a thin record to one of them.
    """
    con.execute(
        "create or replace temp table values_touched as "
        f"select distinct identifier_type, identifier_value from ({held_sql('n in (from replaced)')}) union "
        "select identifier_type, identifier_value from lost_identifiers union "
        "select unnest(['email', 'phone']), unnest([email, phone]) from records_before where n in (from stale)"
    )
    con.execute(f"create or replace temp table held_touched as {holders_sql('values_touched')}")
    con.execute(
        "create or replace temp table holders as with counted as (select identifier_type, identifier_value, "
        "count(*) - count(*) filter (h.n in (select n from new_identifiers)) as count_before, "
        "bool_or(is_thin) as has_thin "
        "from held_touched as h inner join (select n, is_thin from nodes_now where n in (select n from held_touched)) "
        "using (n) group by all) "
        "select distinct n from held_touched inner join counted using (identifier_type, identifier_value) "
        f"where (identifier_type in ({listed(model.IDENTIFIER_TYPES)}) and "
        f"count_before <= {model.MAX_RECORDS_PER_IDENTIFIER}) "
        f"or (identifier_type in ({listed(ATTACHING_TYPES)}) and has_thin)"
    )


def write(con: duckdb.DuckDBPyConnection, known_as: str) -> None:
    """Bring the store up to date with what this run found, in one transaction."""
    con.execute("begin transaction")
    if con.execute("select count(*) from linkage.about").fetchall()[0][0] == 0:
        linkage_store.sign(con, known_as)
    else:
        con.execute("delete from linkage.records where n in (from stale)")
        con.execute("insert into linkage.records by name from fresh")
    con.execute("delete from linkage.identifiers where content in (select content from lost_identifiers)")
    con.execute("insert into linkage.identifiers by name from new_identifiers")
    _write_solved(con)
    _write_reports(con)
    con.execute("delete from linkage.decisions")
    con.execute("insert into linkage.decisions select record_id_l, record_id_r, decision from decisions_in")
    con.execute(
        "insert into linkage.unsettled select record_id from (select record_id from solved_nodes union from gone) "
        "where record_id not in (from linkage.unsettled)"
    )
    con.execute("commit")


def _write_solved(con: duckdb.DuckDBPyConnection) -> None:
    """Nodes and pairs of the components that were solved again; those that came out as they were are not touched."""
    con.execute(
        "create or replace temp table other_nodes as from solved_nodes anti join linkage.nodes as known on "
        "known.n = solved_nodes.n and known.content is not distinct from solved_nodes.content "
        "and known.component = solved_nodes.component and known.person = solved_nodes.person "
        "and known.is_known = solved_nodes.is_known and known.n not in (from replaced)"
    )
    con.execute("delete from linkage.nodes where n in (select n from replaced union all select n from other_nodes)")
    con.execute("insert into linkage.nodes by name from other_nodes")
    con.execute("create or replace temp table kept_pairs as select n_l, n_r from pairs_touched where is_kept")
    con.execute(
        "delete from linkage.pairs where (n_l in (from replaced union all from touched) "
        "or n_r in (from replaced union all from touched)) and rowid not in (select known.rowid from linkage.pairs "
        "as known semi join kept_pairs using (n_l, n_r))"
    )
    con.execute("insert into linkage.pairs by name select * exclude (is_kept) from pairs_touched where is_kept is null")


def _write_reports(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("delete from linkage.full_blocks where (rule_no, block_key) in (select (rule_no, block_key) from news)")
    con.execute(
        "insert into linkage.full_blocks by name select rule_no, block_key, text, count_records from full_blocks"
    )
    con.execute(
        "delete from linkage.common_identifiers where (identifier_type, identifier_value) in "
        "(select (identifier_type, identifier_value) from reported)"
    )
    con.execute("insert into linkage.common_identifiers by name from common")

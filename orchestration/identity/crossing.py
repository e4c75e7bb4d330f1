"""Keys that pass their limit in a run: pairs of unchanged records that met by one no longer do, or do again.

Whether a key is full follows from how many records have it, so that one record more can part many that did not change.
Reads catalog `linkage` and the tables of `incremental`.
"""

from typing import Any

import duckdb

from orchestration.identity import blocking


def list_keys(con: duckdb.DuckDBPyConnection, keys: list[dict[str, Any]], made: str, picked: str) -> None:
    """Table (rule_no, block_key, n) of the keys of records in a relation, which may say `where`."""
    con.execute(f"create or replace temp table picked as select n, columns('^key_') from {picked}")
    con.execute(f"create or replace temp table {made} (rule_no utinyint, block_key ubigint, n bigint)")
    for place in range(len(keys)):
        con.execute(f"insert into {made} select {place}, key_{place}, n from picked where key_{place} is not null")


def find(con: duckdb.DuckDBPyConnection, keys: list[dict[str, Any]]) -> None:
    """Tables `parted` (n_l, n_r), pairs of the store by which a key passed its limit, and `regained`, those to score.

    A pair parted by one key may meet by another. Adds the keys it could meet by to `news` and makes `blocks` of them.
    """
    con.execute("create or replace temp table regained (n_l bigint, n_r bigint)")
    _find_keys(con, keys)
    if not con.execute("select exists (from crossing)").fetchall()[0][0]:
        return
    con.execute("create or replace temp table crossed (rule_no utinyint, block_key ubigint, n bigint)")
    for (place,) in con.execute("select distinct rule_no from crossing order by 1").fetchall():
        con.execute(
            f"insert into crossed select {place}, key_{place}, n from records_now where key_{place} in "
            f"(select block_key from crossing where rule_no = {place}) and n not in (select n from fresh)"
        )
    _find_parted(con)
    list_keys(
        con,
        keys,
        "parted_keys",
        "records_now where n in (select n_l from parted union select n_r from parted)",
    )
    con.execute(
        "create or replace temp table news as select rule_no, block_key from news union "
        "select rule_no, block_key from parted_keys"
    )
    blocking.make_blocks(con, keys, "records_now", "news")
    con.execute(
        "insert into regained select distinct n_l, n_r from parted inner join blocks as l on l.n = n_l inner join "
        "blocks as r on r.n = n_r and r.rule_no = l.rule_no and r.block_key = l.block_key union "
        "select l.n, r.n from crossed as l inner join crossed as r using (rule_no, block_key) "
        "inner join crossing using (rule_no, block_key) where not is_full and l.n < r.n"
    )


def _find_keys(con: duckdb.DuckDBPyConnection, keys: list[dict[str, Any]]) -> None:
    """Table `crossing` (rule_no, block_key, is_full): keys that became full, or are so no more."""
    con.execute("create or replace temp table limits (rule_no utinyint, most bigint)")
    con.executemany("insert into limits values (?, ?)", [[place, key["most"]] for place, key in enumerate(keys)])
    con.execute(
        "create or replace temp table crossing as with now as (select rule_no, block_key, count(*) as count_now "
        "from blocks group by all union all select rule_no, block_key, count_records from full_blocks), "
        "came as (select rule_no, block_key, count(*) as count_came from fresh_keys group by all), "
        "went as (select rule_no, block_key, count(*) as count_went from stale_keys group by all) "
        "select rule_no, block_key, count_now > most as is_full from now left join came using (rule_no, block_key) "
        "left join went using (rule_no, block_key) inner join limits using (rule_no) "
        "where (count_now > most) <> (count_now - coalesce(count_came, 0) + coalesce(count_went, 0) > most)"
    )


def _find_parted(con: duckdb.DuckDBPyConnection) -> None:
    """Kept pairs of which both have a key that passed its limit; a pair that still meets elsewhere is scored again."""
    con.execute("create or replace temp table crossed_records as select distinct n from crossed")
    con.execute(
        "create or replace temp table parted as with kept as (select n_l, n_r from linkage.pairs "
        "where n_l in (from crossed_records) and n_r in (from crossed_records)) "
        "select distinct n_l, n_r from kept inner join crossed as l on l.n = n_l inner join crossed as r "
        "on r.n = n_r and r.rule_no = l.rule_no and r.block_key = l.block_key"
    )

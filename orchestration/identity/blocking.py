"""Which pairs of records are compared: those that share a key that not too many records share.

Keys and how many records may share one are chosen once for a model: those of `model.BLOCKING_KEYS`, combinations of
columns that say little each, and of all these the ones that bring matches the others miss. Which pairs meet is then
decided by the hashes of keys that each record has in `linkage.records`.
"""

from itertools import combinations
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.identity import model, records

# Records that may share a key of a table that is small when the model is trained, and may grow.
_MOST_OF_SMALL = 50


def chosen_keys(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Keys for table `records`: `name`, `key` (SQL), `most` (records a block may have).

    The limit is the largest that keeps a key's pairs within its budget.
    """
    count = con.execute("select count(*) from records").fetchall()[0][0]
    if count <= model.MAX_RECORDS_ALL_PAIRS:
        # The table may grow under this model: then pairs have other keys to meet by.
        return [{"name": "every pair", "key": "'every pair'", "most": model.MAX_RECORDS_ALL_PAIRS}] + [
            {"name": name, "key": key, "most": _MOST_OF_SMALL} for name, key in model.BLOCKING_KEYS.items()
        ]
    budget = min(model.MAX_PAIRS_PER_RECORD_AND_KEY * count, model.MAX_PAIRS_PER_KEY)
    filled = set(records.filled_columns(con))
    plain = [column for column in records.plain_columns(con, "records") if column in filled]
    keys = model.BLOCKING_KEYS | {
        rule.format(column): key.format(column) for column in plain for rule, key in model.PLAIN_BLOCKING_KEYS.items()
    }
    chosen = []
    for name, key in keys.items():
        most = _limit(con, key, budget)
        if most:
            chosen.append({"name": name, "key": key, "most": most})
    return chosen + _combined_keys(con, plain, budget)


def _limit(con: duckdb.DuckDBPyConnection, key: str, budget: int) -> int | None:
    """The size of the largest block that may be compared; None where no two records share a key."""
    return con.execute(
        "select max(size) from (select size, sum(sum(size * (size - 1) / 2)) over (order by size) as pairs from "
        f"(select count(*) as size from records where {key} is not null group by {key} having count(*) > 1) "
        "group by size) where pairs <= ? and size <= ?",
        [budget, model.MAX_RECORDS_PER_BLOCK],
    ).fetchall()[0][0]


def _combined_keys(con: duckdb.DuckDBPyConnection, plain: list[str], budget: int) -> list[dict[str, Any]]:
    """Combinations of two, then three columns whose pairs fit into the budget as a whole, none part of another."""
    parts = {
        column: sql
        for column, sql in (model.COMBINED_BLOCKING_PARTS | {column: column for column in plain}).items()
        if con.execute(f"select count(distinct {sql}) > 1 from records").fetchall()[0][0]
    }
    chosen: dict[tuple[str, ...], dict[str, Any]] = {}
    for width in (2, 3):
        for columns in combinations(parts, width):
            if any(set(part) <= set(columns) for part in chosen):
                continue
            key = " || '|' || ".join(parts[column] for column in columns)
            sizes = f"select count(*) as size from records where {key} is not null group by {key}"
            pairs, most = con.execute(f"select sum(size * (size - 1) / 2), max(size) from ({sizes})").fetchall()[0]
            if pairs and pairs <= budget and most <= model.MAX_RECORDS_PER_BLOCK:
                chosen[columns] = {"name": ", ".join(columns), "key": key, "most": most}
    return list(chosen.values())


def hashes(keys: list[dict[str, Any]]) -> list[str]:
    """Columns key_0, key_1 .. of a relation of records: the hash of each key, null where a record has none."""
    return [
        f"case when ({rule['key']}) is not null then hash({rule['key']}) end as key_{place}"
        for place, rule in enumerate(keys)
    ]


def make_blocks(con: duckdb.DuckDBPyConnection, keys: list[dict[str, Any]], relation: str, news: str | None) -> None:
    """Tables `blocks` (rule_no, block_key, n), of keys that not too many share, and `full_blocks` of the others.

    `relation` has all records with the hashes of their keys; with `news` (rule_no, block_key) only those keys are
    looked at, without it all.
    """
    con.execute("create or replace temp table blocks (rule_no utinyint, block_key ubigint, n bigint)")
    con.execute("create or replace temp table full_blocks (rule_no utinyint, block_key ubigint, count_records bigint)")
    for rule_no, rule in enumerate(keys):
        looked = f"select n, key_{rule_no} as block_key from {relation} where key_{rule_no} is not null"
        if news:
            con.execute(
                f"create or replace temp table looked as {looked} and key_{rule_no} in "
                f"(select block_key from {news} where rule_no = {rule_no})"
            )
            looked = "select n, block_key from looked"
        con.execute(
            f"create or replace temp table met as select block_key, count(*) as count_records "
            f"from ({looked}) group by block_key having count(*) > 1"
        )
        con.execute(
            f"insert into blocks select {rule_no}, block_key, looked.n from ({looked}) as looked "
            f"semi join (select block_key from met where count_records <= {rule['most']}) as few using (block_key)"
        )
        con.execute(
            f"insert into full_blocks select {rule_no}, block_key, count_records from met "
            f"where count_records > {rule['most']}"
        )


def name_full_blocks(con: duckdb.DuckDBPyConnection, keys: list[dict[str, Any]]) -> None:
    """Give `full_blocks` the text of their keys, and make `skipped_blocks` (rule, block_key, count_records) of all.

    The text comes from `records`, the changed ones, or is known from the run in which the block became full.
    """
    con.execute("create or replace temp table texts_of (rule_no utinyint, block_key ubigint, text varchar)")
    con.execute("insert into texts_of select rule_no, block_key, text from linkage.full_blocks")
    for (rule_no,) in con.execute("select distinct rule_no from full_blocks").fetchall():
        con.execute(
            f"insert into texts_of select {rule_no}, key_{rule_no}, any_value({keys[rule_no]['key']}) "
            f"from (select n, key_{rule_no} from fresh where key_{rule_no} in (select block_key from full_blocks where "
            f"rule_no = {rule_no})) inner join records using (n) group by key_{rule_no}"
        )
    con.execute(
        "create or replace temp table full_blocks as select rule_no, block_key, any_value(text) as text, "
        "any_value(count_records) as count_records from full_blocks inner join texts_of using (rule_no, block_key) "
        "group by all"
    )
    con.register("rules_in", pa.table({"rule_no": range(len(keys)), "rule": [key["name"] for key in keys]}))
    con.execute(
        "create or replace temp table skipped_blocks as select rule, text as block_key, count_records from "
        "(select rule_no, text, count_records from full_blocks union all select rule_no, text, count_records "
        "from linkage.full_blocks anti join news using (rule_no, block_key)) inner join rules_in using (rule_no)"
    )
    con.unregister("rules_in")


def make_candidates(con: duckdb.DuckDBPyConnection, news: str | None = None) -> None:
    """Table `candidates` (n_l, n_r): pairs that share a block, each once, the smaller number first.

    With `news` (n) only pairs of which one record is among these.
    """
    if news:
        con.execute(
            "create or replace temp table candidates as select distinct least(l.n, r.n) as n_l, "
            f"greatest(l.n, r.n) as n_r from blocks as l semi join {news} as news on news.n = l.n "
            "inner join blocks as r on l.rule_no = r.rule_no and l.block_key = r.block_key and l.n <> r.n"
        )
    else:
        con.execute(
            "create or replace temp table candidates as select distinct l.n as n_l, r.n as n_r from blocks as l "
            "inner join blocks as r on l.rule_no = r.rule_no and l.block_key = r.block_key and l.n < r.n"
        )


def _pairs_by_key(con: duckdb.DuckDBPyConnection, count: int) -> np.ndarray:
    """How many pairs each key brings, alone."""
    cost = np.ones(count)
    for rule_no, pairs in con.execute(
        "select rule_no, sum(size * (size - 1) / 2) from (select rule_no, count(*) as size from blocks "
        "group by rule_no, block_key) group by rule_no"
    ).fetchall():
        cost[rule_no] = max(pairs, 1)
    return cost


def useful_keys(con: duckdb.DuckDBPyConnection, keys: list[dict[str, Any]], least: float) -> list[dict[str, Any]]:
    """The keys that together bring (nearly) all likely matches among the pairs of `scored`, those that
    weigh `least` or more; greedy, cheapest first.

    A key that brings hardly any match for all its pairs is not worth them. Those that are sure to matter for records to
    come stay whatever they bring today; where every pair is compared, all.
    """
    if not keys or keys[0]["name"] == "every pair":
        return keys
    found = con.execute(
        "with likely as (select n_l, n_r, row_number() over (order by n_l, n_r) - 1 as pair from scored "
        "where match_weight >= ? and veto is null) "
        "select l.rule_no, pair from likely inner join blocks as l on l.n = n_l "
        "inner join blocks as r on r.n = n_r and r.rule_no = l.rule_no and r.block_key = l.block_key",
        [least],
    ).fetchnumpy()
    rule, pair = found["rule_no"], found["pair"]
    if not len(pair):
        return keys
    open_pairs = np.ones(int(pair.max()) + 1, dtype=bool)
    least = model.LEAST_SHARE_OF_MATCHES * len(np.unique(pair))
    kept = [place for place, key in enumerate(keys) if key["name"] in model.SURE_BLOCKING_KEYS]
    for place in kept:
        open_pairs[pair[rule == place]] = False
    cost = _pairs_by_key(con, len(keys))
    count = con.execute("select count(*) from records").fetchall()[0][0]
    least_worth = model.LEAST_MATCHES_PER_PAIR * min(max(count / model.FEW_RECORDS, 1), model.MOST_TIMES_DEARER)
    while True:
        brought = np.bincount(rule[open_pairs[pair]], minlength=len(keys))
        worth = np.where(brought >= max(least, 1), brought / cost, 0.0)
        best = int(worth.argmax())
        if worth[best] < least_worth:
            break
        kept.append(best)
        open_pairs[pair[rule == best]] = False
    return [keys[place] for place in sorted(kept)]

"""Which pairs of records are compared: those that share a key that not too many records share.

Keys are chosen once for a model: those of `model.BLOCKING_KEYS`, combinations of columns that say little each, and of
all these the ones that bring matches the others miss.
"""

from itertools import combinations
from typing import Any

import duckdb
import numpy as np

from orchestration.identity import model, records


def chosen_keys(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Keys for table `records`: `name`, `key` (SQL), `most` (records a block may have).

    The limit is the largest that keeps a key's pairs within its budget.
    """
    count = con.execute("select count(*) from records").fetchall()[0][0]
    if count <= model.MAX_RECORDS_ALL_PAIRS:
        return [{"name": "every pair", "key": "'every pair'", "most": model.MAX_RECORDS_ALL_PAIRS}]
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


def make_blocks(con: duckdb.DuckDBPyConnection, keys: list[dict[str, Any]]) -> None:
    """Tables `blocks` (rule_no, block_key, n), without keys that too many share, and `skipped_blocks` of those."""
    con.execute("create or replace table blocks (rule_no integer, block_key ubigint, n bigint)")
    con.execute("create or replace table skipped_blocks (rule varchar, block_key varchar, count_records bigint)")
    for rule_no, rule in enumerate(keys):
        con.execute(
            f"create or replace temp table keyed as select n, {rule['key']} as block_key, "
            f"count(*) over (partition by {rule['key']}) as count_records from records where {rule['key']} is not null"
        )
        con.execute(
            "insert into blocks select ?, hash(block_key), n from keyed where count_records between 2 and ?",
            [rule_no, rule["most"]],
        )
        con.execute(
            "insert into skipped_blocks select ?, block_key, count(*) from keyed where count_records > ? group by all",
            [rule["name"], rule["most"]],
        )


def make_candidates(con: duckdb.DuckDBPyConnection) -> None:
    """Table `candidates`: pairs that share a blocking key, each once, in Splink's form."""
    con.execute(
        "create or replace table candidates as "
        "select distinct '0' as match_key, l.n as join_key_l, r.n as join_key_r from blocks as l "
        "join blocks as r on l.rule_no = r.rule_no and l.block_key = r.block_key and l.n < r.n"
    )


def useful_keys(con: duckdb.DuckDBPyConnection, keys: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The keys that together bring (nearly) all pairs of `scored` that are likely matches; greedy, best first.

    Those that are sure to matter for records to come stay whatever they bring today.
    """
    found = con.execute(
        "with likely as (select n_l, n_r, row_number() over (order by n_l, n_r) - 1 as pair from scored "
        "where match_weight >= ? and veto is null) "
        "select l.rule_no, pair from likely inner join blocks as l on l.n = n_l "
        "inner join blocks as r on r.n = n_r and r.rule_no = l.rule_no and r.block_key = l.block_key",
        [model.COMPONENT_MATCH_WEIGHT],
    ).fetchnumpy()
    rule, pair = found["rule_no"], found["pair"]
    if not len(pair):
        return keys
    open_pairs = np.ones(int(pair.max()) + 1, dtype=bool)
    least = model.LEAST_SHARE_OF_MATCHES * len(np.unique(pair))
    kept = [place for place, key in enumerate(keys) if key["name"] in model.SURE_BLOCKING_KEYS]
    for place in kept:
        open_pairs[pair[rule == place]] = False
    while True:
        brought = np.bincount(rule[open_pairs[pair]], minlength=len(keys))
        best = int(brought.argmax())
        if brought[best] < max(least, 1):
            break
        kept.append(best)
        open_pairs[pair[rule == best]] = False
    return [keys[place] for place in sorted(kept)]

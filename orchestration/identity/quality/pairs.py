"""The pairs that a run compares, weighed anew by the model in use, beside the people that were served.

The run itself keeps only the pairs inside people; what was nearly joined, or nearly not, is asked here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from orchestration.identity import blocking, model, scoring
from orchestration.identity.explain import evidence
from orchestration.settings import Settings
from orchestration.warehouse import engine

# Pairs of more records than this say the same and cost what a run does: of more, a sample is looked at.
MOST_RECORDS = 20_000
_LARGEST_COMPLETED = model.MAX_COMPLETED_COMPONENT
_SERVED = {
    "persons": "select record_id, person_id, match_confidence from identity.person_records",
    "links": "select record_id_l, record_id_r, link_type, rule, match_weight from identity.links",
    "identifiers": "select distinct record_id, identifier_type, identifier_value from conformed.identifiers",
}


@contextmanager
def judged(settings: Settings) -> Iterator[tuple[duckdb.DuckDBPyConnection, dict[str, Any], float]]:
    """A connection with `records`, `persons`, `links`, `identifiers`, `judged`; the model in use; the share of pairs.

    `judged`: record_id_l, record_id_r, person_l, person_r, match_weight, match_probability, veto, pattern (levels of
    agreement); one row per pair that shares a blocking key or a person, of a sample. Raises NothingResolvedError.
    """
    with engine.reading(settings) as con:
        if not engine.table_exists(con, "identity", "person_records", "warehouse"):
            raise evidence.NothingResolvedError("nobody was resolved yet: run `tessera run daily` first")
        served = {name: con.execute(query).to_arrow_table() for name, query in _SERVED.items()}
    with evidence.bench(settings) as (con, trained):
        for name, table in served.items():
            con.register(f"{name}_in", table)
            con.execute(f"create table {name} as from {name}_in")
            con.unregister(f"{name}_in")
        share = _sample(con)
        con.execute(f"create table keyed as select n, {', '.join(blocking.hashes(trained['keys']))} from records")
        _find_candidates(con, trained["keys"], is_whole=share == 1)
        scoring.score(con, trained, "candidates", "scored")
        _add_pairs_inside_people(con, trained)
        gammas = [f"gamma_{comparison['output_column_name']}" for comparison in trained["splink"]["comparisons"]]
        con.execute(
            "create table judged as select l.record_id as record_id_l, r.record_id as record_id_r, "
            "p.person_id as person_l, q.person_id as person_r, match_weight, match_probability, veto, "
            f"concat_ws(' ', {', '.join(gammas)}) as pattern from scored "
            "inner join records as l on l.n = n_l inner join records as r on r.n = n_r "
            "inner join persons as p on p.record_id = l.record_id inner join persons as q on q.record_id = r.record_id"
        )
        # A pair is there when one of its two records is in the sample.
        yield con, trained, 1 - (1 - share) ** 2


def _sample(con: duckdb.DuckDBPyConnection) -> float:
    """Table `sampled` (n): the same records run after run; returns their share, 1 where all are looked at."""
    count = con.execute("select count(*) from records").fetchall()[0][0]
    share = min(1.0, MOST_RECORDS / max(count, 1))
    con.execute(
        "create table sampled as select n from records "
        "where ('0x' || left(md5(record_id), 8))::ubigint < ? * pow(2, 32)",
        [share],
    )
    return share


def _find_candidates(con: duckdb.DuckDBPyConnection, keys: list[dict[str, Any]], *, is_whole: bool) -> None:
    if is_whole:
        blocking.make_blocks(con, keys, "keyed", None)
        blocking.make_candidates(con)
        return
    con.execute("create table looked_at (rule_no utinyint, block_key ubigint)")
    for place in range(len(keys)):
        con.execute(
            f"insert into looked_at select distinct {place}, key_{place} from keyed semi join sampled using (n) "
            f"where key_{place} is not null"
        )
    blocking.make_blocks(con, keys, "keyed", "looked_at")
    blocking.make_candidates(con, "sampled")


def _add_pairs_inside_people(con: duckdb.DuckDBPyConnection, trained: dict[str, Any]) -> None:
    """Pairs of one person that no key brings together belong to it all the same."""
    con.execute(
        "create table inside as with own as (select n, person_id from records inner join persons using (record_id) "
        "qualify count(*) over (partition by person_id) between 2 and ?) "
        "select l.n as n_l, r.n as n_r from own as l inner join own as r on l.person_id = r.person_id and l.n < r.n "
        "and (l.n in (from sampled) or r.n in (from sampled)) "
        "anti join candidates as c on c.n_l = l.n and c.n_r = r.n",
        [_LARGEST_COMPLETED],
    )
    scoring.score(con, trained, "inside", "scored_inside")
    con.execute("insert into scored from scored_inside")

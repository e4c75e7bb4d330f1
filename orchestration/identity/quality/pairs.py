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

_LARGEST_COMPLETED = model.MAX_COMPLETED_COMPONENT
_SERVED = {
    "persons": "select record_id, person_id, match_confidence from identity.person_records",
    "links": "select record_id_l, record_id_r, link_type, rule, match_weight from identity.links",
    "identifiers": "select distinct record_id, identifier_type, identifier_value from conformed.identifiers",
}


@contextmanager
def judged(settings: Settings) -> Iterator[tuple[duckdb.DuckDBPyConnection, dict[str, Any]]]:
    """A connection with `records`, `persons`, `links`, `identifiers` and `judged`, and the model in use.

    `judged`: record_id_l, record_id_r, person_l, person_r, match_weight, match_probability, veto, pattern (levels of
    agreement); one row per pair that shares a blocking key or a person. Raises NothingResolvedError.
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
        blocking.make_blocks(con, trained["keys"])
        blocking.make_candidates(con)
        scoring.score(con, trained, "candidates", is_new=True)
        _add_pairs_inside_people(con, trained)
        gammas = [f"gamma_{comparison['output_column_name']}" for comparison in trained["splink"]["comparisons"]]
        con.execute(
            "create table judged as select l.record_id as record_id_l, r.record_id as record_id_r, "
            "p.person_id as person_l, q.person_id as person_r, match_weight, match_probability, veto, "
            f"concat_ws(' ', {', '.join(gammas)}) as pattern from scored "
            "inner join records as l on l.n = n_l inner join records as r on r.n = n_r "
            "inner join persons as p on p.record_id = l.record_id inner join persons as q on q.record_id = r.record_id"
        )
        yield con, trained


def _add_pairs_inside_people(con: duckdb.DuckDBPyConnection, trained: dict[str, Any]) -> None:
    """Pairs of one person that no key brings together belong to it all the same."""
    con.execute(
        "create table inside as with own as (select n, person_id from records inner join persons using (record_id) "
        "qualify count(*) over (partition by person_id) between 2 and ?) "
        "select '0' as match_key, l.n as join_key_l, r.n as join_key_r from own as l inner join own as r "
        "on l.person_id = r.person_id and l.n < r.n "
        "anti join candidates as c on c.join_key_l = l.n and c.join_key_r = r.n",
        [_LARGEST_COMPLETED],
    )
    scoring.score(con, trained, "inside")

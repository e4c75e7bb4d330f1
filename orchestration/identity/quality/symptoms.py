"""Signs that people were merged too much or too little, as shares of the people with contact data; no labels needed."""

from typing import Any

import duckdb
import numpy as np

from orchestration.identity import model, thresholds
from orchestration.identity.components import components
from orchestration.identity.quality import limits
from orchestration.identity.quality.measures import Figure, figures

_SPREAD = {
    "share_many_given_names": ("first_root", limits.MOST_GIVEN_NAMES),
    "share_many_birth_dates": ("birth_date", limits.MOST_BIRTH_DATES),
    "share_many_emails": ("email", limits.MOST_EMAILS),
    "share_many_phones": ("phone", limits.MOST_PHONES),
    "share_many_streets": ("street", limits.MOST_STREETS),
    "share_suffixes_differ": ("name_suffix", 1),
}


def estimated(trained: dict[str, Any]) -> list[Figure]:
    """What the model said of itself when it was trained; nothing where no field could judge."""
    told = thresholds.estimates(trained)
    return figures({"estimated_pair_f1": told[0][1] if told else None})


def symptoms(con: duckdb.DuckDBPyConnection, join_weight: float, share_of_pairs: float = 1.0) -> list[Figure]:
    """Figures of tables `records`, `persons`, `links`, `identifiers`, `judged` and `known`."""
    people = con.execute("select count(*) from known").fetchall()[0][0]
    if not people:
        return []
    counted = _spread(con) | {
        "share_many_ids": _many_ids(con),
        "share_birth_dates_contradict": _contradicting(con),
        "share_two_of_one_source": _two_of_one_source(con),
        "share_weak_bridge": _weak_bridges(con),
        "share_same_email_and_name_apart": _same_but_apart(con),
    }
    return figures({name: count / people for name, count in counted.items()}) + _pairs(con, join_weight, share_of_pairs)


def _count(con: duckdb.DuckDBPyConnection, query: str, *values: object) -> int:
    return con.execute(query, list(values)).fetchall()[0][0]


def _spread(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """People with too many values of a field."""
    columns = ", ".join(f"count(*) filter (n_{column} > {most}) as {name}" for name, (column, most) in _SPREAD.items())
    counts = ", ".join(f"count(distinct {column}) as n_{column}" for column, _ in _SPREAD.values())
    row = con.execute(
        f"select {columns} from (select person_id, {counts} from records inner join persons using (record_id) "
        "group by person_id)"
    ).fetchall()[0]
    return dict(zip(_SPREAD, row, strict=True))


def _many_ids(con: duckdb.DuckDBPyConnection) -> int:
    return _count(
        con,
        "select count(distinct person_id) from (select person_id from identifiers inner join persons using (record_id) "
        "semi join known using (person_id) where list_contains(?, identifier_type) group by person_id, identifier_type "
        "having count(distinct identifier_value) > ?)",
        list(limits.EXCLUSIVE_TYPES),
        limits.MOST_IDS_OF_A_KIND,
    )


def _contradicting(con: duckdb.DuckDBPyConnection) -> int:
    """Full birth dates that differ by more than two strokes, and are not day and month exchanged."""
    return _count(
        con,
        "with dates as (select distinct person_id, birth_date, birth_date_swapped from records "
        "inner join persons using (record_id) where length(birth_date) = 10) "
        "select count(distinct a.person_id) from dates as a inner join dates as b "
        "on a.person_id = b.person_id and a.birth_date < b.birth_date "
        "where damerau_levenshtein(a.birth_date, b.birth_date) > 2 "
        "and a.birth_date is distinct from b.birth_date_swapped",
    )


def _two_of_one_source(con: duckdb.DuckDBPyConnection) -> int:
    return _count(
        con,
        "select count(distinct person_id) from (select person_id from records inner join persons using (record_id) "
        "where list_contains(?, source) group by person_id, source having count(*) > 1)",
        list(limits.DUPLICATE_FREE_SOURCES),
    )


def _weak_bridges(con: duckdb.DuckDBPyConnection) -> int:
    """People of whom several parts are left once links below even odds are taken away."""
    con.execute("create or replace temp table numbered as select *, row_number() over () - 1 as i from persons")
    edges = con.execute(
        "select l.i as low, r.i as high from links inner join numbered as l on l.record_id = record_id_l "
        "inner join numbered as r on r.record_id = record_id_r where match_weight is null or match_weight >= ?",
        [limits.WEAK_WEIGHT],
    ).fetchnumpy()
    person = con.execute(
        "select dense_rank() over (order by person_id) - 1 as person from numbered order by i"
    ).fetchnumpy()["person"]
    label = components(len(person), edges["low"].astype(np.int64), edges["high"].astype(np.int64))
    parts = np.unique(np.stack([person, label]), axis=1)
    return int((np.bincount(parts[0]) > 1).sum())


def _same_but_apart(con: duckdb.DuckDBPyConnection) -> int:
    return _count(
        con,
        "with named as (select distinct email, first_root, last_name, person_id from records "
        "inner join persons using (record_id) "
        "where email is not null and first_root is not null and last_name is not null) "
        "select count(distinct person_id) from named semi join (select email, first_root, last_name from named "
        "group by all having count(*) > 1) using (email, first_root, last_name)",
    )


def _pairs(con: duckdb.DuckDBPyConnection, join_weight: float, share: float) -> list[Figure]:
    """Near misses, and what the model itself expects of the partition."""
    near, likely, precision, inside, outside = con.execute(
        "with told as (select match_weight, match_probability, person_l = person_r as is_inside, "
        "person_l <> person_r and veto is null as is_open from judged) "
        "select count(*) filter (is_open and match_weight >= $join - $near and match_weight < $join), "
        "count(*) filter (is_open and match_weight >= $join), avg(match_probability) filter (is_inside), "
        "sum(match_probability) filter (is_inside), "
        "sum(match_probability) filter (is_open and match_weight >= $least) from told",
        {"join": join_weight, "near": limits.NEAR_WEIGHT, "least": model.LEAST_LINK_WEIGHT},
    ).fetchall()[0]
    expected = (inside or 0) + (outside or 0)
    return figures(
        {
            "near_misses": round(near / share),
            "likely_apart": round(likely / share),
            "expected_precision": precision,
            "expected_recall": (inside or 0) / expected if expected else None,
        }
    )

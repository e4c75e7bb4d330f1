"""Sizes, spread, confidence and change of the people found. Symptoms of a wrong partition are in `symptoms`."""

from typing import Any

import duckdb

from orchestration.identity.quality import limits

# Measure, bucket (of a histogram, else None), value.
Figure = tuple[str, str | None, float]

_SIZES = ((1, "1"), (2, "2"), (3, "3"), (4, "4"), (5, "5"), (9, "6-9"), (19, "10-19"), (49, "20-49"), (None, "50+"))
_EDGES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999)
_LOWEST, _HIGHEST, _STEP = -20, 40, 4


def measured(con: duckdb.DuckDBPyConnection, share_of_pairs: float = 1.0) -> list[Figure]:
    """Figures of tables `records`, `persons` and `judged`; makes `known`: people with contact data, by records."""
    con.execute(
        "create or replace table known as select person_id, count(*) as size from persons "
        "semi join records using (record_id) group by person_id"
    )
    people, records, largest = con.execute(
        "select count(distinct person_id), count(*), (select max(n) from (select count(*) as n from persons "
        "group by person_id)) from persons"
    ).fetchall()[0]
    singletons = con.execute("select avg((size = 1)::int) from known").fetchall()[0][0]
    confident = con.execute(
        "select avg((match_confidence >= 0.95)::int) from persons semi join records using (record_id) "
        "semi join (from known where size > 1) using (person_id)"
    ).fetchall()[0][0]
    found = {
        "people": people,
        "records": records,
        "records_per_person": records / people if people else None,
        "largest_person": largest,
        "share_singletons": singletons,
        "share_confident": confident,
    }
    return [*figures(found), *_sizes(con), *_confidence(con), *_weights(con, share_of_pairs)]


def figures(found: dict[str, Any]) -> list[Figure]:
    """The figures that are known: what nobody has values for is not measured."""
    return [(name, None, float(value)) for name, value in found.items() if value is not None]


def _sizes(con: duckdb.DuckDBPyConnection) -> list[Figure]:
    cases = " ".join(f"when size <= {most} then '{name}'" for most, name in _SIZES if most)
    rows = con.execute(f"select case {cases} else '{_SIZES[-1][1]}' end, count(*) from known group by 1").fetchall()
    return _histogram("cluster_size", [name for _, name in _SIZES], rows)


def _confidence(con: duckdb.DuckDBPyConnection) -> list[Figure]:
    cases = " ".join(f"when match_confidence >= {edge} then '{edge:g}'" for edge in reversed(_EDGES))
    rows = con.execute(
        f"select case {cases} end, count(*) from persons semi join records using (record_id) "
        "semi join (from known where size > 1) using (person_id) group by 1"
    ).fetchall()
    return _histogram("confidence", [f"{edge:g}" for edge in _EDGES], rows)


def _weights(con: duckdb.DuckDBPyConnection, share: float) -> list[Figure]:
    rows = con.execute(
        "select (least(greatest(floor(match_weight / $step) * $step, $low), $high))::integer::varchar, "
        "round(count(*) / $share) "
        "from judged where veto is null group by 1",
        {"step": _STEP, "low": _LOWEST, "high": _HIGHEST - _STEP, "share": share},
    ).fetchall()
    return _histogram("pair_weight", [str(edge) for edge in range(_LOWEST, _HIGHEST, _STEP)], rows)


def _histogram(name: str, buckets: list[str], rows: list[tuple[str, int]]) -> list[Figure]:
    """Every bucket, empty ones too, so that runs can be laid beside each other."""
    counts = dict(rows)
    return [(name, bucket, float(counts.get(bucket, 0))) for bucket in buckets]


def changed(con: duckdb.DuckDBPyConnection, run_id: str) -> list[Figure]:
    """What the run did to people who were there before; `con` reads both files."""
    row = con.execute(
        "select count(*) filter (event in ('created', 'restored')), "
        "count(distinct person_id) filter (event = 'merged'), "
        "count(distinct person_id) filter (event in ('split', 'moved')), count(*) filter (event = 'retired') "
        "from warehouse.identity.ledger where run_id = ?",
        [run_id],
    ).fetchall()[0]
    now = con.execute("select count(*) from warehouse.identity.people").fetchall()[0][0]
    before = now - row[0] + row[1] + row[3]
    names = ("share_created", "share_merged", "share_parted", "share_retired")
    return figures({name: count / before if before else None for name, count in zip(names, row, strict=True)})


def judgement(found: list[Figure], measure: str, bucket: str | None, value: float) -> bool | None:
    """Whether a figure is within its limits; None where there are none, or too little to judge by.

    A few people may always break a benchmark: shares say nothing about a handful.
    """
    limit = limits.MEASURES[measure]
    if bucket is not None or not limit.is_judged:
        return None
    totals = {name: figure for name, place, figure in found if place is None}
    if measure.startswith("label_") and totals.get("labels", 0) < limits.LEAST_LABELS:
        return None
    people = sum(figure for name, _, figure in found if name == "cluster_size")
    slack = limits.ALWAYS_ALLOWED_PEOPLE / people if measure.startswith("share_") and people else 0.0
    return limit.allows(value) or limit.allows(value - slack) or limit.allows(value + slack)

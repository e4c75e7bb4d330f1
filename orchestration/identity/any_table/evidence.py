"""What a run found, read from the engine's tables for the report: sizes, weights, blocks, confidence, pairs to look at.

Only queries; how it looks is in `report`. Needs the connection in which `solve` has just run.
"""

from typing import Any

import duckdb

# Weights beyond these are drawn at the ends.
LOWEST, HIGHEST, STEP = -20, 40, 2
GATES = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999)
_LARGEST, _RECORDS_SHOWN, _UNCERTAIN = 6, 5, 4
_SIZES = 40
_EDGES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1.001)


def sizes(con: duckdb.DuckDBPyConnection) -> list[tuple[int, int]]:
    """Number of people by number of records; beyond forty sizes, by the beginnings of ranges."""
    found = con.execute(
        "select size, count(*) from (select count(*) as size from own.answer group by person_id) group by 1 order by 1"
    ).fetchall()
    if len(found) <= _SIZES:
        return found
    bins: dict[int, int] = {}
    for size, count in found:
        start = size if size < 10 else 10 ** (len(str(size)) - 1) * int(str(size)[0])
        bins[start] = bins.get(start, 0) + count
    return sorted(bins.items())


def weights(con: duckdb.DuckDBPyConnection) -> dict[int, tuple[int, int, int]]:
    """For each bin of match weight (by its lower end): pairs that are one person, that are not, that a veto parts."""
    rows = con.execute(
        "select least(greatest(floor(match_weight / ?) * ?, ?), ?)::integer as bin, "
        "count(*) filter (where veto is null and a.person = b.person), "
        "count(*) filter (where veto is null and a.person <> b.person), count(*) filter (where veto is not null) "
        "from scored inner join nodes as l on l.n = n_l inner join nodes as r on r.n = n_r "
        "inner join own.ids as a on a.record_id = l.record_id inner join own.ids as b on b.record_id = r.record_id "
        "group by 1 order by 1",
        [STEP, STEP, LOWEST, HIGHEST - STEP],
    ).fetchall()
    found = {row[0]: tuple(row[1:]) for row in rows}
    return {low: found.get(low, (0, 0, 0)) for low in range(LOWEST, HIGHEST, STEP)}


def levels(trained: dict[str, Any]) -> list[tuple[str, list[tuple[str, float, float]]]]:
    """For each field its levels of agreement: what it is, share among pairs of one person, share among strangers."""
    found = []
    for comparison in trained.get("splink", {}).get("comparisons", []):
        known = [
            (level.get("label_for_charts", ""), level["m_probability"], level["u_probability"])
            for level in comparison["comparison_levels"]
            if not level.get("is_null_level")
        ]
        found.append((comparison["output_column_name"], known))
    return found


def blocks(con: duckdb.DuckDBPyConnection, trained: dict[str, Any]) -> list[tuple[str, int, int, int, str | None]]:
    """For each blocking key that met: pairs it brings, values skipped, records in them, the commonest skipped value."""
    names = [key["name"] for key in trained.get("keys", [])]
    pairs = dict(
        con.execute(
            "select rule_no, sum(n * (n - 1) / 2)::bigint from (select rule_no, block_key, count(*) as n from blocks "
            "group by all) group by rule_no"
        ).fetchall()
    )
    skipped = {
        row[0]: row[1:]
        for row in con.execute(
            "select rule, count(*), sum(count_records)::bigint, arg_max(block_key, count_records) from skipped_blocks "
            "group by rule"
        ).fetchall()
    }
    found = [(name, pairs.get(place, 0), *skipped.get(name, (0, 0, None))) for place, name in enumerate(names)]
    return sorted((row for row in found if row[1] or row[2]), key=lambda row: -row[1])


def confidence_bins(con: duckdb.DuckDBPyConnection) -> list[tuple[str, int]]:
    """Records of people with several records, by their confidence: finer where it matters."""
    cases = " ".join(f"when match_confidence < {high} then {place}" for place, high in enumerate(_EDGES[1:]))
    counts = dict(
        con.execute(
            f"select case {cases} end, count(*) from own.answer where person_id in (select person_id from own.answer "
            "group by person_id having count(*) > 1) group by 1"
        ).fetchall()
    )
    return [(f"{low:g}", counts.get(place, 0)) for place, low in enumerate(_EDGES[:-1])]


def gates(con: duckdb.DuckDBPyConnection) -> list[tuple[float, int, int, int]]:
    """For each gate: records that pass it, people all of whose records do, and people of several records among them."""
    found = []
    for gate in GATES:
        row = con.execute(
            "select (select count(*) from own.answer where match_confidence >= ?), count(*), "
            "count(*) filter (where size > 1) from (select count(*) as size, min(match_confidence) as lowest "
            "from own.answer group by person_id) where lowest >= ?",
            [gate, gate],
        ).fetchall()[0]
        found.append((gate, *row))
    return found


def largest(con: duckdb.DuckDBPyConnection, columns: list[str]) -> list[tuple[str, int, list[tuple[Any, ...]]]]:
    """The people with most records: id, number of records, and the values of the first ones."""
    people = con.execute(
        "select person_id, count(*) from own.answer group by person_id having count(*) > 1 "
        "order by count(*) desc, person_id limit ?",
        [_LARGEST],
    ).fetchall()
    shown = ", ".join(columns)
    return [
        (
            person_id,
            count,
            con.execute(
                f"select record_id, {shown} from own.answer inner join own.contacts using (row_no, record_id) "
                "where person_id = ? order by row_no limit ?",
                [person_id, _RECORDS_SHOWN],
            ).fetchall(),
        )
        for person_id, count in people
    ]


def uncertain(con: duckdb.DuckDBPyConnection, columns: list[str], join: float) -> list[dict[str, Any]]:
    """Pairs that nearly were decided otherwise, of both kinds; one for each record at most. `join` is the threshold.

    For each: the two records, weight, probability, weights of fields, verdict, values side by side.
    """
    fields = [name for name in con.table("scored").columns if name.startswith("weight_") and "against" not in name]
    weights = ", ".join(fields)
    query = (
        f"with near as (select l.record_id as left_id, r.record_id as right_id, match_weight, {weights}, "
        "abs(match_weight - ?) as distance from scored inner join nodes as l on l.n = n_l "
        "inner join nodes as r on r.n = n_r inner join own.ids as a on a.record_id = l.record_id "
        "inner join own.ids as b on b.record_id = r.record_id "
        "where veto is null and (a.person = b.person) = ? order by distance, left_id, right_id limit 1000), "
        "once as (select * from near qualify row_number() over (partition by left_id order by distance, right_id) = 1) "
        f"select left_id, right_id, match_weight, {weights} from once "
        "qualify row_number() over (partition by right_id order by distance, left_id) = 1 order by distance, 1, 2 "
        "limit ?"
    )
    rows = [row for is_one in (True, False) for row in con.execute(query, [join, is_one, _UNCERTAIN]).fetchall()]
    return [_side_by_side(con, row, fields, columns) for row in rows]


def _side_by_side(
    con: duckdb.DuckDBPyConnection, row: tuple[Any, ...], fields: list[str], columns: list[str]
) -> dict[str, Any]:
    values = {
        record[0]: record[1:]
        for record in con.execute(
            f"select record_id, person_id, {', '.join(columns)} from own.contacts inner join own.answer "
            "using (row_no, record_id) where record_id in (?, ?)",
            [row[0], row[1]],
        ).fetchall()
    }
    weighed = {name.removeprefix("weight_"): weight for name, weight in zip(fields, row[3:], strict=True) if weight}
    left, right = values[row[0]], values[row[1]]
    return {
        "records": (row[0], row[1]), "weight": row[2], "fields": {"prior": row[2] - sum(weighed.values()), **weighed},
        "is_one": left[0] == right[0],
        "values": list(zip(columns, left[1:], right[1:], strict=True)),
    }  # fmt: skip

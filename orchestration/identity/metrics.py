"""How well a grouping of records into people fits the truth: pure SQL over two tables, no labels needed but the truth's.

Where truth comes from, and which grouping is judged, belongs to the caller.
"""

import duckdb


def partition_metrics(con: duckdb.DuckDBPyConnection, predicted: str, truth: str) -> dict[str, float]:
    """Scores over the records that both relations (record_id, person_id) hold; over all pairs, by cluster sizes, never pair by pair.

    `pair_*`: pairs of records of one person; `b_cubed_*`: mean over records; `cluster_*`: people found exactly;
    `share_over_merged`: predicted people that hold records of two true persons. Empty input scores 1.
    """
    row = con.execute(
        f"""
        with records as (
            select predicted.person_id as predicted_id, truth.person_id as true_id
            from {predicted} as predicted
            inner join {truth} as truth using (record_id)
        ),
        cells as (
            select
                predicted_id,
                true_id,
                count(*) as n,
                sum(count(*)) over (partition by predicted_id) as n_predicted,
                sum(count(*)) over (partition by true_id) as n_true,
                count(*) over (partition by predicted_id) as count_true_ids
            from records
            group by predicted_id, true_id
        )
        select
            coalesce(sum(n), 0) as count_records,
            count(distinct predicted_id) as count_predicted,
            count(distinct true_id) as count_true,
            coalesce(sum(n * (n - 1) / 2), 0) as pairs_found,
            coalesce(sum(n * (n_predicted - 1) / 2), 0) as pairs_predicted,
            coalesce(sum(n * (n_true - 1) / 2), 0) as pairs_true,
            coalesce(sum(n * n / n_predicted) / sum(n), 1) as b_cubed_precision,
            coalesce(sum(n * n / n_true) / sum(n), 1) as b_cubed_recall,
            count(*) filter (where n = n_predicted and n = n_true) as count_exact,
            count(distinct predicted_id) filter (where count_true_ids > 1) as count_over_merged
        from cells
        """
    ).fetchall()[0]
    records, people, true_people, found, guessed, real, b_precision, b_recall, exact, merged = (float(value) for value in row)
    scores = {"count_records": records, "count_people_predicted": people, "count_people_true": true_people}
    scores |= _scores("pair", _share(found, guessed), _share(found, real))
    scores |= _scores("b_cubed", b_precision, b_recall)
    scores |= _scores("cluster", _share(exact, people), _share(exact, true_people))
    return scores | {"share_over_merged": _share(merged, people, empty=0.0)}


def trap_metrics(con: duckdb.DuckDBPyConnection, predicted: str, truth: str, traps: str) -> list[dict[str, object]]:
    """One dict per trap of relation `traps` (trap, person_id, other_person_id), by name.

    `count_cases`; `count_fused`: cases whose two persons share a predicted one; `record_pairs_wrong`: pairs of records across two persons
    merged; `record_pairs_true`, `record_pairs_right`: pairs within the persons of the trap, and how many of them were found.
    """
    rows = con.execute(
        f"""
        with cells as (
            select truth.person_id as true_id, predicted.person_id as predicted_id, count(*) as n
            from {predicted} as predicted
            inner join {truth} as truth using (record_id)
            group by all
        ),
        cases as (
            select distinct trap, person_id, other_person_id from {traps}
            where person_id in (select true_id from cells)
                and (other_person_id is null or other_person_id in (select true_id from cells))
        ),
        across as (
            select cases.trap, cases.person_id, cases.other_person_id, sum(one.n * other.n) as record_pairs
            from cases
            inner join cells as one on one.true_id = cases.person_id
            inner join cells as other on other.true_id = cases.other_person_id and other.predicted_id = one.predicted_id
            group by all
        ),
        involved as (
            select trap, person_id from cases union select trap, other_person_id from cases where other_person_id is not null
        ),
        per_person as (
            select true_id, sum(n) * (sum(n) - 1) / 2 as pairs_true, sum(n * (n - 1) / 2) as pairs_right from cells group by true_id
        ),
        within as (
            select involved.trap, sum(pairs_true) as pairs_true, sum(pairs_right) as pairs_right
            from involved inner join per_person on per_person.true_id = involved.person_id
            group by involved.trap
        )
        select
            cases.trap,
            count(*),
            count(across.record_pairs),
            coalesce(sum(across.record_pairs), 0),
            any_value(within.pairs_true),
            any_value(within.pairs_right)
        from cases
        left join across
            on across.trap = cases.trap and across.person_id = cases.person_id and across.other_person_id = cases.other_person_id
        inner join within on within.trap = cases.trap
        group by cases.trap
        order by cases.trap
        """
    ).fetchall()
    names = ("trap", "count_cases", "count_fused", "record_pairs_wrong", "record_pairs_true", "record_pairs_right")
    return [dict(zip(names, (row[0], *map(int, row[1:])), strict=True)) for row in rows]


def _share(part: float, whole: float, empty: float = 1.0) -> float:
    return part / whole if whole else empty


def _scores(name: str, precision: float, recall: float) -> dict[str, float]:
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {f"{name}_precision": precision, f"{name}_recall": recall, f"{name}_f1": f1}

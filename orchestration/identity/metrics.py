"""How well a grouping of records into people fits the truth: pure SQL, by sizes of clusters, never pair by pair.

Where the truth comes from, and which grouping is judged, belongs to the caller.
"""

import duckdb


def partition_metrics(con: duckdb.DuckDBPyConnection, predicted: str, truth: str) -> dict[str, float]:
    """Scores over the records that both relations (record_id, person_id) hold.

    `precision`, `recall`, `pair_f1`: pairs of records of one person, all of them; `bcubed_*`: mean over records;
    `cluster_*`: people found exactly, singletons included; `share_over_merged`: predicted people that hold records of
    two true persons; counts of records and people. Nothing to find, or nothing guessed, scores 1.
    """
    row = con.execute(
        f"""
        with cells as (
            select
                predicted.person_id as predicted_id,
                truth.person_id as true_id,
                count(*) as n,
                sum(count(*)) over (partition by predicted.person_id) as n_predicted,
                sum(count(*)) over (partition by truth.person_id) as n_true,
                count(*) over (partition by predicted.person_id) as count_true_ids
            from {predicted} as predicted
            inner join {truth} as truth on truth.record_id = predicted.record_id
            group by predicted.person_id, truth.person_id
        )
        select
            coalesce(sum(n), 0) as count_records,
            count(distinct predicted_id) as count_people,
            count(distinct true_id) as count_people_true,
            coalesce(sum(n * (n - 1) / 2), 0) as pairs_found,
            coalesce(sum(n * (n_predicted - 1) / 2), 0) as pairs_predicted,
            coalesce(sum(n * (n_true - 1) / 2), 0) as pairs_true,
            coalesce(sum(n * n / n_predicted) / sum(n), 1) as bcubed_precision,
            coalesce(sum(n * n / n_true) / sum(n), 1) as bcubed_recall,
            count(*) filter (where n = n_predicted and n = n_true) as count_exact,
            count(distinct predicted_id) filter (where count_true_ids > 1) as count_over_merged
        from cells
        """
    ).fetchall()[0]
    records, people, true_people, found, guessed, real, b_precision, b_recall, exact, merged = map(float, row)
    precision, recall = _share(found, guessed), _share(found, real)
    cluster_precision, cluster_recall = _share(exact, people), _share(exact, true_people)
    return {
        "precision": precision,
        "recall": recall,
        "pair_f1": _f1(precision, recall),
        "bcubed_precision": b_precision,
        "bcubed_recall": b_recall,
        "bcubed_f1": _f1(b_precision, b_recall),
        "cluster_precision": cluster_precision,
        "cluster_recall": cluster_recall,
        "cluster_f1": _f1(cluster_precision, cluster_recall),
        "share_over_merged": _share(merged, people, empty=0.0),
        "count_records": int(records),
        "count_people": int(people),
        "count_people_true": int(true_people),
    }


def trap_metrics(con: duckdb.DuckDBPyConnection, predicted: str, truth: str, traps: str) -> dict[str, dict[str, int]]:
    """By trap of relation `traps` (trap, person_id, other_person_id, record_ids): cases, and how they ended.

    A case names two persons that must stay apart, or (`other_person_id` null) one whose `record_ids` must come
    together. `count_cases`, `count_right`; `record_pairs_wrong`: pairs of records merged across the two persons;
    `record_pairs_true`, `record_pairs_right`: pairs within the persons of the trap, and those found. Cases with a
    person of whom no record is known are left out.
    """
    rows = con.execute(
        f"""
        with records as (
            select truth.record_id, truth.person_id as true_id, predicted.person_id as predicted_id
            from {predicted} as predicted
            inner join {truth} as truth on truth.record_id = predicted.record_id
        ),
        cells as (select true_id, predicted_id, count(*) as n from records group by all),
        persons as (
            select true_id, sum(n) * (sum(n) - 1) / 2 as pairs_true, sum(n * (n - 1) / 2) as pairs_right
            from cells
            group by true_id
        ),
        cases as (
            select trap, person_id, other_person_id, any_value(record_ids) as record_ids
            from {traps}
            where
                person_id in (select true_id from persons)
                and (other_person_id is null or other_person_id in (select true_id from persons))
            group by trap, person_id, other_person_id
        ),
        across as (
            select cases.trap, cases.person_id, cases.other_person_id, sum(one.n * other.n) as record_pairs
            from cases
            inner join cells as one on one.true_id = cases.person_id
            inner join cells as other on other.true_id = cases.other_person_id and other.predicted_id = one.predicted_id
            group by all
        ),
        together as (
            select listed.trap, listed.person_id, count(distinct records.predicted_id) = 1 as is_joined
            from (
                select trap, person_id, unnest(record_ids) as record_id from cases where other_person_id is null
            ) as listed
            inner join records on records.record_id = listed.record_id
            group by all
        ),
        involved as (
            select trap, person_id from cases
            union
            select trap, other_person_id from cases where other_person_id is not null
        ),
        within as (
            select involved.trap, sum(persons.pairs_true) as pairs_true, sum(persons.pairs_right) as pairs_right
            from involved
            inner join persons on persons.true_id = involved.person_id
            group by involved.trap
        )
        select
            cases.trap,
            count(*),
            count(*) filter (
                where (cases.other_person_id is not null and across.trap is null)
                or (cases.other_person_id is null and together.is_joined)
            ),
            coalesce(sum(across.record_pairs), 0),
            any_value(within.pairs_true),
            any_value(within.pairs_right)
        from cases
        left join across
            on across.trap = cases.trap and across.person_id = cases.person_id
            and across.other_person_id = cases.other_person_id
        left join together on together.trap = cases.trap and together.person_id = cases.person_id
        inner join within on within.trap = cases.trap
        group by cases.trap
        order by cases.trap
        """
    ).fetchall()
    names = ("count_cases", "count_right", "record_pairs_wrong", "record_pairs_true", "record_pairs_right")
    return {row[0]: dict(zip(names, map(int, row[1:]), strict=True)) for row in rows}


def _share(part: float, whole: float, empty: float = 1.0) -> float:
    return part / whole if whole else empty


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0

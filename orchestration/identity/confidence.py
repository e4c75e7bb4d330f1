"""How likely each record is its person's, from the links inside people; destinations gate on it.

The partition and its links are made elsewhere, and are the same whatever is said here.
"""

from orchestration.identity import model


def confidence_sql(persons: str, links: str) -> str:
    """Query (record_id, match_confidence 0 to 1) over relations (record_id, person) and links inside persons.

    A record's log2 odds are the mean clipped weight to the others that were compared, beyond the threshold at which
    groups joined, less a caution and with a gain with their number: fitted once over sets with truth, and no more
    certain than fields allow that say the same thing twice (expected calibration error: docs/identity.md). A record
    alone is its person's for certain. An identifier or a steward's word makes a record nearly as sure as the one it
    leads to, and says nothing of the others.
    """
    low, high = model.CLIP_LOW_WEIGHT, model.CLIP_HIGH_WEIGHT
    return f"""
        with ends as (
            select record_id_l as record_id, record_id_r as other_id, link_type, match_weight, join_weight from {links}
            union all select record_id_r, record_id_l, link_type, match_weight, join_weight from {links}
        ),
        told as (
            select
                record_id,
                sum(least(greatest(match_weight, {low}), {high})) filter (where link_type = 'probabilistic') as weight,
                max(join_weight) as join_weight,
                count(*) filter (where link_type = 'probabilistic') as count_compared,
                bool_or(link_type = 'deterministic') as is_sure
            from ends
            group by record_id
        ),
        sized as (
            select
                record_id,
                weight,
                coalesce(join_weight, {model.JOIN_MEAN_WEIGHT}) as join_weight,
                count_compared,
                coalesce(is_sure, false) as is_sure,
                count(*) over (partition by person) as size,
                count(*) filter (where count_compared > 0) over (partition by person) as compared_size
            from {persons} left join told using (record_id)
        ),
        judged as (
            select
                *,
                1 / (1 + pow(2, -(
                    (weight + (compared_size - 1 - count_compared) * {low}) / nullif(compared_size - 1, 0)
                    - join_weight - {model.CONFIDENCE_CAUTION}
                    + log2(least(greatest(compared_size, 1), {model.CONFIDENCE_MOST_RECORDS}))
                ))) as own
            from sized
        ),
        vouched as (
            select ends.record_id, max(judged.own) as best
            from ends inner join judged on judged.record_id = ends.other_id
            where ends.link_type = 'deterministic'
            group by ends.record_id
        )
        select
            record_id,
            case
                when size = 1 then 1.0
                when own is not null or best is not null
                    then greatest(coalesce(own, 0), {model.SURE_CONFIDENCE} * coalesce(best, 0))
                when is_sure then {model.SURE_CONFIDENCE}
                else 1 / (1 + pow(2, join_weight + {model.CONFIDENCE_CAUTION} - {low}))
            end as match_confidence
        from judged left join vouched using (record_id)
    """

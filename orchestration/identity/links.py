"""Links inside people with what made each, as they are served. Which records are one person is decided before."""

from typing import Any

from orchestration.identity import model


def links_sql(join: float) -> str:
    """The links of the touched records' people, smaller record first; needs what `clustering` leaves.

    `join` is the least mean weight at which groups joined.
    """
    return f"""
        with placed as (select i, n, record_id, person from nodes inner join clusters using (i)),
        known as (
            select i_l, i_r, rule from sure
            union all select i_l, i_r, 'steward' from together
            union all select i_l, i_r, rule from attached
        ),
        every_link as (
            select l, r, 'deterministic' as link_type, rule, null as match_weight, 1.0 as match_probability,
                null as evidence
            from known inner join placed as l on l.i = i_l inner join placed as r on r.i = i_r
            union all
            select l, r, 'probabilistic', rule, match_weight, match_probability, evidence
            from pairs_touched inner join placed as l on l.n = n_l inner join placed as r on r.n = n_r
            where match_weight >= {model.LEAST_LINK_WEIGHT} and not has_veto and l.person = r.person
        )
        select l.record_id as record_id_l, r.record_id as record_id_r, link_type, rule,
            cast(match_weight as double) as match_weight, cast(match_probability as double) as match_probability,
            case when link_type = 'probabilistic' then cast({join} as double) end as join_weight, evidence
        from every_link
        where l.person = r.person
        order by l.i, r.i, link_type, rule
    """


def kept_sql(trained: dict[str, Any], scored: str, *, is_candidate: bool) -> str:
    """Scored pairs as `linkage.pairs` has them, with what made each.

    `rule` names the fields that speak for it. `evidence` is JSON: what each field adds to a score, in log2 odds, with
    the `prior` and what a `household` takes off; together they are the match weight.
    """
    names = [comparison["output_column_name"] for comparison in trained["splink"]["comparisons"]]
    agreed = ", ".join(f"case when weight_{name} > 1 then '{name}' end" for name in names)
    parts = {
        "prior": " - ".join(["weight_against_strangers", *(f"weight_{name}" for name in names)]),
        **{name: f"weight_{name}" for name in names},
        "household": "match_weight - weight_against_strangers",
    }
    told = ", ".join(
        f"case when abs({weight}) >= 0.005 then printf('\"{name}\":%.2f', cast({weight} as double)) end"
        for name, weight in parts.items()
    )
    return (
        "select n_l, n_r, match_weight, match_probability, veto is not null as has_veto, "
        f"concat_ws('+', {agreed or 'null'}) as rule, "
        f"case when match_weight >= {model.LEAST_LINK_WEIGHT} and veto is null "
        f"then '{{' || concat_ws(',', {told}) || '}}' end as evidence, {is_candidate} as is_candidate from {scored}"
    )

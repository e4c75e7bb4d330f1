{{ config(**incremental_by_group('contact_point')) }}

with

consents as (

    select * from {{ ref('conformed__consents') }}

    where contact_point is not null

),

ranked as (

    select
        *,
        -- The last decision holds; of decisions at the same moment, the refusal.
        row_number() over (
            partition by brand, contact_point_type, contact_point, channel, purpose
            order by occurred_at desc, case when state = 'denied' then 0 else 1 end asc, consent_id asc
        ) as place,
        count(*) over (partition by brand, contact_point_type, contact_point, channel, purpose) as count_decisions

    from consents

)

select
    brand,
    contact_point_type,
    contact_point,
    channel,
    purpose,
    state,
    occurred_at as decided_at,
    source as decided_in,
    consent_id,
    cast(count_decisions as bigint) as count_decisions

from ranked

where place = 1

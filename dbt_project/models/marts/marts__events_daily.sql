{{ config(**incremental_by_group('event_date', held=false)) }}

with

person_records as (

    select * from {{ source('identity', 'person_records') }}

),

activities as (

    select
        record_id,
        brand,
        source,
        channel,
        event_type as activity_type,
        event_date

    from {{ ref('conformed__events') }}

    union all

    select
        record_id,
        brand,
        source,
        channel,
        interaction_type as activity_type,
        event_date

    from {{ ref('conformed__interactions') }}

)

select
    person_records.person_id,
    activities.brand,
    activities.source,
    activities.channel,
    activities.activity_type,
    count(*) as count_events,
    activities.event_date

from activities

left join person_records on activities.record_id = person_records.record_id

where activities.event_date is not null

group by 1, 2, 3, 4, 5, 7

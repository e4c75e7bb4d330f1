{{ config(**incremental_by_group('call_id')) }}

with

calls as (

    select * from {{ ref('conformed__calls') }}

),

person_records as (

    select * from {{ source('identity', 'person_records') }}

)

select
    calls.call_id,
    person_records.person_id,
    calls.source,
    calls.brand,
    calls.direction,
    calls.duration_seconds,
    calls.call_date,
    calls.started_at,
    calls.ended_at

from calls

left join person_records on calls.record_id = person_records.record_id

{{ config(**incremental_by_group('person_id', held=false)) }}

with

identifiers as (

    select * from {{ ref('conformed__identifiers') }}

),

person_records as (

    select * from {{ source('identity', 'person_records') }}

)

select
    person_records.person_id,
    identifiers.record_id,
    identifiers.source,
    identifiers.brand,
    identifiers.identifier_type,
    identifiers.identifier_value,
    person_records.match_confidence,
    identifiers.first_seen_at,
    identifiers.last_seen_at

from identifiers

inner join person_records on identifiers.record_id = person_records.record_id

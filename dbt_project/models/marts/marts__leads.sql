{{ config(**incremental_by_group('lead_id')) }}

with

leads as (

    select * from {{ ref('conformed__leads') }}

),

person_records as (

    select * from {{ source('identity', 'person_records') }}

),

features as (

    select * from {{ ref('features__people') }}

)

select
    leads.record_id as lead_id,
    person_records.person_id,
    leads.company_id,
    leads.owner_id,
    leads.source,
    leads.brand,
    leads.lifecycle_stage,
    leads.lead_status,
    features.first_order_date is not null as has_bought,
    features.first_order_date,
    leads.created_at,
    leads.updated_at as changed_at

from leads

left join person_records on leads.record_id = person_records.record_id

left join features on person_records.person_id = features.person_id

where not leads.is_deleted

{{ config(**incremental_by_group(key='record_id')) }}

with

hubspot_contacts as (

    select * from {{ ref('stg_hubspot__contacts') }}

),

leads as (

    select
        record_id,
        'hubspot' as source,
        '{{ var("brand") }}' as brand,
        company_id,
        owner_id,
        {{ trimmed('lifecycle_stage') }} as lifecycle_stage,
        {{ trimmed('lead_status') }} as lead_status,
        is_deleted,
        created_at,
        updated_at,
        _batch_id,
        _load_id

    from hubspot_contacts

    where {{ trimmed('lifecycle_stage') }} is not null or {{ trimmed('lead_status') }} is not null

)

select * from leads

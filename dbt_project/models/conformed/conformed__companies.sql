{{ config(**incremental_by_group(key='company_id')) }}

with

hubspot_companies as (

    select * from {{ ref('stg_hubspot__companies') }}

),

companies as (

    select
        company_id,
        'hubspot' as source,
        '{{ var("brand") }}' as brand,
        name,
        domain,
        industry,
        phone_std,
        city,
        state,
        postal_code,
        country,
        is_deleted,
        created_at,
        updated_at,
        _batch_id,
        _load_id

    from hubspot_companies

)

select * from companies

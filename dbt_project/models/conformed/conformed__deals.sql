{{ config(**incremental_by_group(key='deal_id')) }}

with

hubspot_deals as (

    select * from {{ ref('stg_hubspot__deals') }}

),

deals as (

    select
        deal_id,
        'hubspot' as source,
        '{{ var("brand") }}' as brand,
        'hubspot:contacts:' || contact_id as record_id,
        company_id,
        name,
        amount,
        currency,
        pipeline,
        stage,
        owner_id,
        is_deleted,
        opened_at,
        closed_at,
        updated_at,
        _batch_id,
        _load_id

    from hubspot_deals

)

select * from deals

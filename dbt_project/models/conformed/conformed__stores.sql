{{ config(**incremental_by_group(key='store_id')) }}

with

receipts_stores as (

    select * from {{ ref('stg_receipts__stores') }}

),

stores as (

    select
        store_id,
        'receipts' as source,
        '{{ var("brand") }}' as brand,
        name,
        city,
        state,
        postal_code,
        timezone,
        _batch_id,
        _load_id

    from receipts_stores

)

select * from stores

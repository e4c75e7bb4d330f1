{{ config(**incremental_by_group(key='product_id')) }}

with

receipts_products as (

    select * from {{ ref('stg_receipts__products') }}

),

products as (

    select
        product_id,
        'receipts' as source,
        '{{ var("brand") }}' as brand,
        department,
        category,
        product_type,
        brand_type,
        manufacturer_id,
        package_size,
        _batch_id,
        _load_id

    from receipts_products

)

select * from products

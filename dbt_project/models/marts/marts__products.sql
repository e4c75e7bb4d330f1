{{ config(**incremental_by_group('product_id', held=false)) }}

with

products as (

    select * from {{ ref('conformed__products') }}

)

select
    product_id,
    department,
    category,
    product_type,
    brand_type,
    manufacturer_id,
    package_size

from products

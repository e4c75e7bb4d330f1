{%- set table = {'system': 'receipts', 'resource': 'products', 'key': ['product_id']} -%}
{{ config(**incremental_by_key(**table)) }}

with

source as (

    select * from {{ last_version(**table) }} as landed_rows

),

renamed as (

    select
        product_id,
        manufacturer_id,
        {{ trimmed('department') }} as department,
        {{ trimmed('category') }} as category,
        {{ trimmed('type') }} as product_type,
        brand_type,
        {{ trimmed('package_size') }} as package_size,
        _part_id as _batch_id,
        _line,
        _dlt_load_id as _load_id

    from source

)

select * from renamed

{%- set table = {'system': 'receipts', 'resource': 'stores', 'key': ['store_id']} -%}
{{ config(**incremental_by_key(**table)) }}

with

source as (

    select * from {{ last_version(**table) }} as landed_rows

),

renamed as (

    select
        store_id,
        {{ trimmed('name') }} as name,
        {{ trimmed('city') }} as city,
        {{ state_code('state') }} as state,
        {{ trimmed('postal_code') }} as postal_code,
        coalesce(timezone, '{{ var("store_timezone") }}') as timezone,
        _part_id as _batch_id,
        _line,
        _dlt_load_id as _load_id

    from source

)

select * from renamed

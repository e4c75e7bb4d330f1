{{ config(**incremental_by_group('store_id')) }}

with

stores as (

    select * from {{ ref('conformed__stores') }}

)

select
    store_id,
    name as store_name,
    city,
    state,
    postal_code,
    timezone

from stores

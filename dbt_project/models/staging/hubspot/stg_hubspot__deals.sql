{%- set table = {'system': 'hubspot', 'resource': 'deals', 'key': ['id'], 'updated_at': 'updated_at'} -%}
{{ config(**incremental_by_key(**table)) }}

with

source as (

    select * from {{ last_version(**table) }} as landed_rows

),

renamed as (

    select
        id as deal_id,
        contact_id,
        company_id,
        owner_id,
        {{ trimmed('name') }} as name,
        pipeline,
        stage,
        {{ currency_code('currency') }} as currency,
        amount,
        coalesce(is_archived, false) as is_deleted,
        created_at as opened_at,
        closed_at,
        updated_at,
        _part_id as _batch_id,
        _line,
        _dlt_load_id as _load_id

    from source

)

select * from renamed

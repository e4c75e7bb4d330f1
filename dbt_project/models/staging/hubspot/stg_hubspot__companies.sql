{%- set table = {'system': 'hubspot', 'resource': 'companies', 'key': ['id'], 'updated_at': 'updated_at'} -%}
{{ config(**incremental_by_key(**table)) }}

with

source as (

    select * from {{ last_version(**table) }} as landed_rows

),

renamed as (

    select
        id as company_id,
        {{ trimmed('name') }} as name,
        lower({{ trimmed('domain') }}) as domain,
        {{ trimmed('industry') }} as industry,
        {{ phone_e164('phone', country_code('country')) }} as phone_std,
        {{ trimmed('city') }} as city,
        {{ state_code('state') }} as state,
        {{ trimmed('zip') }} as postal_code,
        {{ country_code('country') }} as country,
        coalesce(is_archived, false) as is_deleted,
        created_at,
        updated_at,
        _part_id as _batch_id,
        _line,
        _dlt_load_id as _load_id

    from source

)

select * from renamed

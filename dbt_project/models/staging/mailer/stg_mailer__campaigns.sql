{%- set table = {'system': 'mailer', 'resource': 'campaigns', 'key': ['campaign_id']} -%}
{{ config(**incremental_by_key(**table)) }}

with

source as (

    select * from {{ last_version(**table) }} as landed_rows

),

renamed as (

    select
        campaign_id,
        {{ trimmed('name') }} as name,
        {{ trimmed('campaign_type') }} as campaign_type,
        start_date,
        end_date,
        _part_id as _batch_id,
        _line,
        _dlt_load_id as _load_id

    from source

)

select * from renamed

{%- set table = {'system': 'mastodon', 'resource': 'mentions', 'key': ['id']} -%}
{{ config(**incremental_by_key(**table)) }}

with

source as (

    select * from {{ last_version(**table) }} as landed_rows

),

renamed as (

    select
        'mastodon:mentions:' || id as interaction_id,
        'mastodon:accounts:' || account_id as record_id,
        status_id,
        'mentioned' as interaction_type,
        {{ html_text('content') }} as body,
        language,
        created_at as occurred_at,
        _part_id as _batch_id,
        _line,
        _dlt_load_id as _load_id

    from source

)

select * from renamed

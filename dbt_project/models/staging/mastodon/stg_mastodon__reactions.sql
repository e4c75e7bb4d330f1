{%- set table = {'system': 'mastodon', 'resource': 'reactions', 'key': ['id']} -%}
{{ config(**incremental_by_key(**table)) }}

with

source as (

    select * from {{ last_version(**table) }} as landed_rows

),

renamed as (

    select
        'mastodon:reactions:' || id as interaction_id,
        'mastodon:accounts:' || account_id as record_id,
        status_id,
        case type when 'favourite' then 'favourited' when 'reblog' then 'reblogged' end as interaction_type,
        created_at as occurred_at,
        _part_id as _batch_id,
        _line,
        _dlt_load_id as _load_id

    from source

)

select * from renamed

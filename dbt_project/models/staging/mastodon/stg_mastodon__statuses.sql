{%- set table = {'system': 'mastodon', 'resource': 'statuses', 'key': ['id']} -%}
{{ config(**incremental_by_key(**table)) }}

with

source as (

    select * from {{ last_version(**table) }} as landed_rows

),

renamed as (

    select
        'mastodon:statuses:' || id as interaction_id,
        id as status_id,
        'mastodon:accounts:' || account_id as record_id,
        in_reply_to_id,
        {{ html_text('content') }} as body,
        language,
        visibility,
        url,
        favourites_count as count_favourites,
        reblogs_count as count_reblogs,
        created_at as occurred_at,
        _part_id as _batch_id,
        _line,
        _dlt_load_id as _load_id

    from source

)

select * from renamed

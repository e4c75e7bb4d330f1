{%- set table = {'system': 'mastodon', 'resource': 'accounts', 'key': ['id'], 'updated_at': 'updated_at'} -%}
{{ config(**incremental_by_key(**table)) }}

with

source as (

    select * from {{ last_version(**table) }} as landed_rows

),

renamed as (

    select
        id as account_id,
        username,
        {{ names_from_full(replace_pattern('display_name', '[^\\p{L}\\p{M}\\p{N} .,\\x27-]', '')) }},
        email,
        {{ html_text('note') }} as note,
        url,
        locale,
        coalesce(is_bot, false) as is_bot,
        is_confirmed,
        followers_count as count_followers,
        created_at,
        updated_at,
        _part_id as _batch_id,
        _line,
        _dlt_load_id as _load_id

    from source

),

normalised as (

    select
        'mastodon:accounts:' || account_id as record_id,
        account_id,
        username,
        {{ person_columns(['names', 'email']) }},
        note,
        url,
        locale,
        is_bot,
        is_confirmed,
        count_followers,
        created_at,
        updated_at,
        _batch_id,
        _line,
        _load_id

    from renamed

)

select * from normalised

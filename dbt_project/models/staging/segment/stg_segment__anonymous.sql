{{ config(**incremental_by_group(key='record_id')) }}

with

events as (

    select * from {{ ref('stg_segment__events') }}
    where anonymous_id is not null

),

browsers as (

    select
        'segment:anonymous:' || anonymous_id as record_id,
        anonymous_id,
        count(distinct user_id) as count_users,
        min(occurred_at) as first_seen_at,
        max(occurred_at) as last_seen_at,
        max(_batch_id) as _batch_id,
        max(_load_id) as _load_id

    from events

    group by 1, 2

)

select * from browsers

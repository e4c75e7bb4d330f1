{{ config(**incremental_by_group(key='call_id')) }}

with

helpdesk_calls as (

    select * from {{ ref('stg_helpdesk__calls') }}

),

calls as (

    select
        interaction_id as call_id,
        'helpdesk' as source,
        '{{ var("brand") }}' as brand,
        record_id,
        direction,
        cast(duration_seconds as bigint) as duration_seconds,
        occurred_at as started_at,
        ended_at,
        {{ local_date('occurred_at') }} as call_date,
        _batch_id,
        _load_id

    from helpdesk_calls

)

select * from calls

{{ config(**incremental_by_batch(key='event_id', batches_of=['stg_segment__events', 'stg_telemetry__readings'])) }}

with

web_events as (

    select * from {{ ref('stg_segment__events') }} as read_rows
    where {{ is_touched('read_rows', 'event_id') }}

),

readings as (

    select * from {{ ref('stg_telemetry__readings') }} as read_rows
    where {{ is_touched('read_rows', 'event_id') }}

),

events as (

    select
        event_id,
        'segment' as source,
        '{{ var("brand") }}' as brand,
        record_id,
        'web' as channel,
        event_type,
        event_name,
        occurred_at,
        {{ local_date('occurred_at') }} as event_date,
        page_path,
        product_id,
        search_query,
        'segment:orders:' || order_id as order_id,
        amount,
        currency,
        cast(null as double) as value,
        cast(null as {{ dbt.type_string() }}) as unit,
        _batch_id,
        _load_id

    from web_events

    union all

    select
        event_id,
        'telemetry' as source,
        '{{ var("brand") }}' as brand,
        record_id,
        'device' as channel,
        event_type,
        event_type as event_name,
        occurred_at,
        {{ local_date('occurred_at') }} as event_date,
        cast(null as {{ dbt.type_string() }}) as page_path,
        cast(null as {{ dbt.type_string() }}) as product_id,
        cast(null as {{ dbt.type_string() }}) as search_query,
        cast(null as {{ dbt.type_string() }}) as order_id,
        cast(null as decimal(18, 2)) as amount,
        cast(null as {{ dbt.type_string() }}) as currency,
        value,
        unit,
        _batch_id,
        _load_id

    from readings

)

select * from events

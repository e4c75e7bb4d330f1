{{ config(**incremental_by_group(key='order_id')) }}

with

order_events as (

    select * from {{ ref('stg_segment__events') }}
    where event_type = 'order_completed' and order_id is not null

),

-- A page loaded twice reports its order twice.
first_reports as (

    select
        'segment:orders:' || order_id as order_id,
        event_id,
        record_id,
        coalesce(currency, 'USD') as currency,
        products,
        amount,
        occurred_at as ordered_at,
        {{ local_date('occurred_at') }} as business_date,
        _batch_id,
        _load_id

    from order_events

    qualify row_number() over (partition by order_id order by occurred_at, message_id) = 1

)

select * from first_reports

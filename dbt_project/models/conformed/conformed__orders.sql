{{ config(**incremental_by_batch(
    key='order_id', batches_of=['stg_receipts__receipt_lines'], versions_of=['stg_segment__orders']
)) }}

with

receipt_lines as (

    select * from {{ ref('stg_receipts__receipt_lines') }} as read_rows
    where {{ is_touched('read_rows', 'order_id') }}

),

web_orders as (

    select * from {{ ref('stg_segment__orders') }} as read_rows
    where {{ is_touched('read_rows', 'order_id') }}

),

web_lines as (

    select
        order_id,
        {{ unnest_json('products') }} as line

    from web_orders

),

web_units as (

    select
        order_id,
        count(*) as count_lines,
        sum(cast({{ json_text('line', 'quantity') }} as decimal(18, 3))) as count_units

    from web_lines

    group by 1

),

receipts as (

    select
        order_id,
        max(loyalty_number) as loyalty_number,
        max(store_id) as store_id,
        max(currency) as currency,
        case
            when count(*) filter (where line_type <> 'void') = 0 then 'void'
            when sum(net_amount) < 0 then 'return'
            else 'sale'
        end as order_type,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(coupon_amount) as coupon_amount,
        sum(net_amount) as net_amount,
        count(*) as count_lines,
        -- Summed as a decimal: a sum of doubles depends on the order of rows.
        sum(cast(quantity as decimal(18, 3))) as count_units,
        max(business_date) as business_date,
        max(ordered_at) as ordered_at,
        {{ all_batches() }} as _batch_id,
        max(_load_id) as _load_id

    from receipt_lines

    group by 1

),

orders as (

    select
        order_id,
        'receipts' as source,
        '{{ var("brand") }}' as brand,
        'receipts:members:' || loyalty_number as record_id,
        'pos' as channel,
        order_type,
        store_id,
        business_date,
        ordered_at,
        currency,
        cast(gross_amount as decimal(18, 2)) as gross_amount,
        cast(discount_amount as decimal(18, 2)) as discount_amount,
        cast(coupon_amount as decimal(18, 2)) as coupon_amount,
        cast(net_amount as decimal(18, 2)) as net_amount,
        cast(count_lines as bigint) as count_lines,
        cast(count_units as double) as count_units,
        loyalty_number,
        _batch_id,
        _load_id

    from receipts

    union all

    select
        web_orders.order_id,
        'segment' as source,
        '{{ var("brand") }}' as brand,
        web_orders.record_id,
        'web' as channel,
        'sale' as order_type,
        cast(null as {{ dbt.type_string() }}) as store_id,
        web_orders.business_date,
        web_orders.ordered_at,
        web_orders.currency,
        coalesce(web_orders.amount, 0) as gross_amount,
        cast(0 as decimal(18, 2)) as discount_amount,
        cast(0 as decimal(18, 2)) as coupon_amount,
        coalesce(web_orders.amount, 0) as net_amount,
        cast(coalesce(web_units.count_lines, 0) as bigint) as count_lines,
        cast(coalesce(web_units.count_units, 0) as double) as count_units,
        cast(null as {{ dbt.type_string() }}) as loyalty_number,
        web_orders._batch_id,
        web_orders._load_id

    from web_orders

    left join web_units on web_orders.order_id = web_units.order_id

)

select * from orders

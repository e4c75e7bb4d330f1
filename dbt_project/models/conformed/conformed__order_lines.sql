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

listed_products as (

    select
        *,
        {{ unnest_json('products') }} as line

    from web_orders

),

web_lines as (

    select
        *,
        row_number() over (partition by order_id order by line) as line_no,
        {{ json_text('line', 'product_id') }} as product_id,
        coalesce(try_cast({{ json_text('line', 'quantity') }} as decimal(18, 3)), 1) as quantity,
        coalesce(try_cast({{ json_text('line', 'price') }} as decimal(18, 2)), 0) as price

    from listed_products

),

order_lines as (

    select
        order_id || '/' || line_no as order_line_id,
        order_id,
        'receipts' as source,
        '{{ var("brand") }}' as brand,
        'receipts:members:' || loyalty_number as record_id,
        'pos' as channel,
        line_no,
        line_type,
        store_id,
        product_id,
        business_date,
        ordered_at,
        quantity,
        gross_amount,
        discount_amount,
        coupon_amount,
        net_amount,
        currency,
        _batch_id,
        _load_id

    from receipt_lines

    union all

    select
        order_id || '/' || line_no as order_line_id,
        order_id,
        'segment' as source,
        '{{ var("brand") }}' as brand,
        record_id,
        'web' as channel,
        cast(line_no as bigint) as line_no,
        'sale' as line_type,
        cast(null as {{ dbt.type_string() }}) as store_id,
        product_id,
        business_date,
        ordered_at,
        cast(quantity as double) as quantity,
        cast(quantity * price as decimal(18, 2)) as gross_amount,
        cast(0 as decimal(18, 2)) as discount_amount,
        cast(0 as decimal(18, 2)) as coupon_amount,
        cast(quantity * price as decimal(18, 2)) as net_amount,
        currency,
        _batch_id,
        _load_id

    from web_lines

)

select * from order_lines

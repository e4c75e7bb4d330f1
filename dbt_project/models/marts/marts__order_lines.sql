{{ config(**incremental_by_group('business_date', held=false)) }}

with

order_lines as (

    select * from {{ ref('conformed__order_lines') }}

),

person_records as (

    select * from {{ source('identity', 'person_records') }}

)

select
    order_lines.order_line_id,
    order_lines.order_id,
    person_records.person_id,
    order_lines.product_id,
    order_lines.store_id,
    order_lines.brand,
    order_lines.channel,
    order_lines.line_type,
    order_lines.currency,
    cast(order_lines.line_no as bigint) as line_no,
    cast(order_lines.quantity as double) as quantity,
    cast(order_lines.gross_amount as decimal(18, 2)) as gross_amount,
    cast(order_lines.discount_amount as decimal(18, 2)) as discount_amount,
    cast(order_lines.coupon_amount as decimal(18, 2)) as coupon_amount,
    cast(order_lines.net_amount as decimal(18, 2)) as net_amount,
    order_lines.business_date,
    order_lines.ordered_at

from order_lines

left join person_records on order_lines.record_id = person_records.record_id

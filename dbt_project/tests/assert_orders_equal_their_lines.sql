{{ config(meta={'dagster': {'ref': {'name': 'conformed__orders'}}}) }}

-- An order that says another amount than its lines would give features and marts two truths. Fails on each such order.
-- Web orders are left out: the shop reports their value itself, with freight and taxes that no line shows.
with

lines as (

    select
        order_id,
        count(*) as count_lines,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(coupon_amount) as coupon_amount,
        sum(net_amount) as net_amount

    from {{ ref('conformed__order_lines') }}

    where channel = 'pos'

    group by 1

)

select
    orders.order_id,
    orders.net_amount,
    lines.net_amount as net_amount_of_lines

from {{ ref('conformed__orders') }} as orders

left join lines on orders.order_id = lines.order_id

where
    orders.channel = 'pos'
    and (
        lines.order_id is null
        or orders.count_lines <> lines.count_lines
        or orders.gross_amount <> lines.gross_amount
        or orders.discount_amount <> lines.discount_amount
        or orders.coupon_amount <> lines.coupon_amount
        or orders.net_amount <> lines.net_amount
    )

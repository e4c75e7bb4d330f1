{{ config(**incremental_by_group('business_date', held=false)) }}

with

order_lines as (

    select * from {{ ref('conformed__order_lines') }}

),

person_records as (

    select * from {{ source('identity', 'person_records') }}

),

products as (

    select * from {{ ref('conformed__products') }}

)

select
    order_lines.order_line_id,
    order_lines.order_id,
    person_records.person_id,
    order_lines.product_id,
    order_lines.store_id,
    order_lines.brand,
    order_lines.channel,
    products.department,
    products.category,
    order_lines.currency,
    -cast(order_lines.quantity as double) as returned_quantity,
    -cast(order_lines.net_amount as decimal(18, 2)) as returned_amount,
    order_lines.business_date,
    order_lines.ordered_at as returned_at

from order_lines

left join person_records on order_lines.record_id = person_records.record_id

left join products on order_lines.product_id = products.product_id

where order_lines.line_type = 'return'

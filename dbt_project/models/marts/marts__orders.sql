{{ config(**incremental_by_group('business_date', held=false)) }}

with

orders as (

    select * from {{ ref('conformed__orders') }}

),

person_records as (

    select * from {{ source('identity', 'person_records') }}

),

owned as (

    select
        orders.*,
        person_records.person_id

    from orders

    left join person_records on orders.record_id = person_records.record_id

),

numbered as (

    select
        order_id,
        row_number() over (partition by person_id order by ordered_at, order_id) as order_number

    from owned

    where person_id is not null and order_type = 'sale'

)

select
    owned.order_id,
    owned.person_id,
    owned.source,
    owned.brand,
    owned.channel,
    owned.order_type,
    owned.store_id,
    owned.currency,
    cast(owned.count_lines as bigint) as count_lines,
    cast(owned.count_units as double) as count_units,
    cast(numbered.order_number as bigint) as order_number,
    cast(owned.gross_amount as decimal(18, 2)) as gross_amount,
    cast(owned.discount_amount as decimal(18, 2)) as discount_amount,
    cast(owned.coupon_amount as decimal(18, 2)) as coupon_amount,
    cast(owned.net_amount as decimal(18, 2)) as net_amount,
    owned.business_date,
    owned.ordered_at

from owned

left join numbered on owned.order_id = numbered.order_id

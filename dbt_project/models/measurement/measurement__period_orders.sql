{{ config(**incremental_by_group('business_date', held=false)) }}

with

orders as (

    select * from {{ ref('conformed__orders') }}

),

person_records as (

    select * from {{ source('identity', 'person_records') }}

)

select
    orders.order_id,
    orders.record_id,
    person_records.person_id,
    orders.order_type,
    orders.currency,
    cast(orders.net_amount as decimal(18, 2)) as net_amount,
    orders.business_date

from orders

left join person_records on orders.record_id = person_records.record_id

where orders.business_date is not null

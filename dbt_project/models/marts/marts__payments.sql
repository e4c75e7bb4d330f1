{{ config(**incremental_by_group('business_date', held=false)) }}

with

payments as (

    select * from {{ ref('conformed__payments') }}

)

select
    payment_id,
    order_id,
    brand,
    method,
    currency,
    cast(amount as decimal(18, 2)) as amount,
    business_date

from payments

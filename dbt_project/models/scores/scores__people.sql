{{ config(**incremental_by_group('person_id')) }}

with

clock as (

    select {{ as_of() }} as as_of_date

),

people as (

    select person_id from {{ ref('profile__people') }}

),

products as (

    select
        product_id,
        category

    from {{ ref('conformed__products') }}

),

purchases as (

    select * from {{ source('scores', 'purchases') }}

),

coupon_response as (

    select * from {{ source('scores', 'coupon_response') }}

),

behaviour_groups as (

    select * from {{ source('scores', 'behaviour_groups') }}

),

next_products as (

    select
        person_id,
        product_id

    from {{ source('scores', 'next_products') }}

    where kind = 'likely' and place = 1

)

select
    people.person_id,
    purchases.value_tier,
    behaviour_groups.behaviour_group,
    behaviour_groups.description as behaviour_group_description,
    next_products.product_id as next_product_id,
    products.category as next_category,
    purchases.purchase_probability_28d,
    purchases.purchase_probability_56d,
    1 - purchases.purchase_probability_28d as churn_probability_28d,
    1 - purchases.purchase_probability_56d as churn_probability_56d,
    purchases.expected_orders_84d,
    purchases.expected_spend_84d_usd,
    purchases.expected_spend_84d_low_usd,
    purchases.expected_spend_84d_high_usd,
    coupon_response.coupon_probability,
    clock.as_of_date

from people

cross join clock

left join purchases on people.person_id = purchases.person_id

left join coupon_response on people.person_id = coupon_response.person_id

left join behaviour_groups on people.person_id = behaviour_groups.person_id

left join next_products on people.person_id = next_products.person_id

left join products on next_products.product_id = products.product_id

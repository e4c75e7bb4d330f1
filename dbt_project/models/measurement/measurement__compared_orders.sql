with

closed_months as (

    select * from {{ ref('measurement__closed_months') }}

),

closed_orders as (

    select * from {{ source('measurement', 'closed_orders') }}

),

orders as (

    select * from {{ ref('measurement__period_orders') }}

),

first_versions as (

    select
        order_id,
        min(close_no) as close_no

    from closed_orders

    group by 1

),

changed_orders as (

    select closed_orders.order_id

    from closed_orders

    left join orders on closed_orders.order_id = orders.order_id

    where
        orders.order_id is null
        or closed_orders.is_gone
        or closed_orders.record_id is distinct from orders.record_id
        or closed_orders.person_id is distinct from orders.person_id
        or closed_orders.order_type is distinct from orders.order_type
        or closed_orders.currency is distinct from orders.currency
        or closed_orders.net_amount is distinct from orders.net_amount
        or closed_orders.business_date is distinct from orders.business_date

    union

    -- Came after the first closing that it would have counted in.
    select orders.order_id

    from orders

    inner join closed_months
        on cast({{ dbt.date_trunc('month', 'orders.business_date') }} as date) = closed_months.month_start_date

    left join first_versions on orders.order_id = first_versions.order_id

    where first_versions.order_id is null or first_versions.close_no > closed_months.first_close_no

),

touched_people as (

    select closed_orders.person_id

    from closed_orders

    inner join changed_orders on closed_orders.order_id = changed_orders.order_id

    union

    select orders.person_id

    from orders

    inner join changed_orders on orders.order_id = changed_orders.order_id

),

-- Whether a person counts in a month hangs on all the person's orders.
relevant_orders as (

    select order_id from changed_orders

    union

    select closed_orders.order_id

    from closed_orders

    inner join touched_people on closed_orders.person_id = touched_people.person_id

    union

    select orders.order_id

    from orders

    inner join touched_people on orders.person_id = touched_people.person_id

),

versions as (

    select
        closed_months.month_start_date,
        closed_months.end_date,
        closed_orders.*

    from closed_orders

    inner join relevant_orders on closed_orders.order_id = relevant_orders.order_id

    inner join closed_months on closed_orders.close_no <= closed_months.close_no

    qualify
        row_number() over (
            partition by closed_months.month_start_date, closed_orders.order_id order by closed_orders.close_no desc
        ) = 1

),

sides as (

    select
        month_start_date,
        end_date,
        'reported' as side,
        order_id,
        record_id,
        person_id,
        order_type,
        currency,
        net_amount,
        business_date

    from versions

    where not is_gone

    union all

    select
        closed_months.month_start_date,
        closed_months.end_date,
        'restated' as side,
        orders.order_id,
        orders.record_id,
        orders.person_id,
        orders.order_type,
        orders.currency,
        orders.net_amount,
        orders.business_date

    from orders

    inner join relevant_orders on orders.order_id = relevant_orders.order_id

    cross join closed_months

)

select
    month_start_date,
    side,
    order_id,
    record_id,
    person_id,
    order_type,
    currency,
    net_amount,
    business_date < end_date as is_by_month_end,
    business_date >= month_start_date and business_date < end_date as is_in_month,
    business_date

from sides

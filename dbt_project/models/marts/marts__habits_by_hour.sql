{{ config(**incremental_by_group('store_habit_id')) }}

with

clock as (

    select {{ as_of() }} as as_of_date

),

order_lines as (

    select
        coalesce(order_lines.store_id, 'web') as place,
        order_lines.store_id,
        order_lines.brand,
        order_lines.currency,
        {{ day_of_week('order_lines.business_date') }} as day_of_week,
        {{ local_hour('order_lines.ordered_at') }} as hour_of_day,
        order_lines.order_id,
        order_lines.product_id,
        order_lines.quantity,
        order_lines.net_amount

    from {{ ref('conformed__order_lines') }} as order_lines

    cross join clock

    where order_lines.line_type = 'sale'
        and order_lines.ordered_at is not null
        and order_lines.business_date <= clock.as_of_date
        and {{ dbt.datediff('order_lines.business_date', 'clock.as_of_date', 'day') }} < 365

),

products as (

    select * from {{ ref('conformed__products') }}

),

stores as (

    select * from {{ ref('conformed__stores') }}

),

habits as (

    select
        place,
        store_id,
        brand,
        currency,
        day_of_week,
        hour_of_day,
        count(distinct order_id) as count_orders,
        sum(quantity) as count_units,
        sum(net_amount) as revenue

    from order_lines

    group by 1, 2, 3, 4, 5, 6

),

departments as (

    select
        order_lines.place,
        order_lines.brand,
        order_lines.currency,
        order_lines.day_of_week,
        order_lines.hour_of_day,
        coalesce(products.department, 'UNKNOWN') as department,
        sum(order_lines.net_amount) as revenue

    from order_lines

    left join products on order_lines.product_id = products.product_id

    group by 1, 2, 3, 4, 5, 6

),

top_departments as (

    select * from departments

    qualify
        row_number() over (
            partition by place, brand, currency, day_of_week, hour_of_day order by revenue desc, department asc
        ) = 1

)

select
    habits.place || '/' || habits.brand || '/' || habits.currency || '/'
    || cast(habits.day_of_week as {{ dbt.type_string() }}) || '/'
    || cast(habits.hour_of_day as {{ dbt.type_string() }}) as store_habit_id,
    habits.store_id,
    stores.state,
    habits.brand,
    habits.currency,
    top_departments.department as top_department,
    habits.day_of_week,
    habits.hour_of_day,
    cast(habits.count_orders as bigint) as count_orders,
    cast(habits.count_units as double) as count_units,
    cast(habits.revenue as decimal(18, 2)) as revenue,
    {{ ratio(cents('top_departments.revenue'), cents('habits.revenue')) }} as top_department_share

from habits

inner join top_departments
    on habits.place = top_departments.place
        and habits.brand = top_departments.brand
        and habits.currency = top_departments.currency
        and habits.day_of_week = top_departments.day_of_week
        and habits.hour_of_day = top_departments.hour_of_day

left join stores on habits.store_id = stores.store_id

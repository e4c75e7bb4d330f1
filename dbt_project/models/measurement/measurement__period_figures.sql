with

orders as (

    select
        *,
        cast({{ dbt.date_trunc('month', 'business_date') }} as date) as month_start_date

    from {{ ref('measurement__period_orders') }}

    where order_type in ('sale', 'return')

),

sales as (

    select * from orders

    where order_type = 'sale' and person_id is not null

),

days as (

    select * from {{ every_date('2006-01-01', '2050-12-31') }} as dates

),

bounds as (

    select
        min(month_start_date) as first_month_start_date,
        {{ as_of() }} as as_of_date

    from orders

),

-- Also a month without any order has figures.
months as (

    select days.calendar_date as month_start_date

    from days

    inner join bounds
        on days.calendar_date between bounds.first_month_start_date and bounds.as_of_date

    where extract(day from days.calendar_date) = 1

),

first_sales as (

    select
        person_id,
        min(month_start_date) as month_start_date

    from sales

    group by 1

),

people_by_month as (

    select
        months.month_start_date,
        count(distinct sales.person_id) as active_customers

    from months

    left join sales on months.month_start_date = sales.month_start_date

    group by 1

),

new_people_by_month as (

    select
        months.month_start_date,
        count(first_sales.person_id) as new_customers

    from months

    left join first_sales on months.month_start_date = first_sales.month_start_date

    group by 1

),

counts as (

    select
        months.month_start_date,
        count(case when orders.order_type = 'sale' then 1 end) as count_sales,
        count(case when orders.order_type = 'return' then 1 end) as count_returns

    from months

    left join orders on months.month_start_date = orders.month_start_date

    group by 1

),

currencies as (

    select distinct currency from orders

),

amounts as (

    select
        months.month_start_date,
        currencies.currency,
        coalesce(sum(orders.net_amount), 0) as revenue

    from months

    cross join currencies

    left join orders
        on months.month_start_date = orders.month_start_date and currencies.currency = orders.currency

    group by 1, 2

),

figures as (

    select
        month_start_date,
        'customers' as measure,
        'count' as unit,
        sum(new_customers) over (order by month_start_date) as figure

    from new_people_by_month

    union all

    select
        month_start_date,
        'new_customers' as measure,
        'count' as unit,
        new_customers as figure

    from new_people_by_month

    union all

    select
        month_start_date,
        'active_customers' as measure,
        'count' as unit,
        active_customers as figure

    from people_by_month

    union all

    select
        month_start_date,
        'orders' as measure,
        'count' as unit,
        count_sales as figure

    from counts

    union all

    select
        month_start_date,
        'returns' as measure,
        'count' as unit,
        count_returns as figure

    from counts

    union all

    select
        month_start_date,
        'revenue' as measure,
        currency as unit,
        revenue as figure

    from amounts

)

select
    month_start_date,
    measure,
    unit,
    cast(figure as decimal(18, 2)) as figure

from figures

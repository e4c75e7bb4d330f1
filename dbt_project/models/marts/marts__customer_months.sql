{{ config(**incremental_by_group('month_start_date', held=false)) }}

with

clock as (

    select {{ as_of() }} as as_of_date

),

sales as (

    select * from {{ ref('marts__orders') }}

    where order_type = 'sale' and person_id is not null

),

months as (

    select
        person_id,
        cast({{ dbt.date_trunc('month', 'business_date') }} as date) as month_start_date,
        count(*) as count_orders,
        min(order_number) as first_order_number

    from sales

    group by 1, 2

),

followed as (

    select
        *,
        lead(month_start_date) over (partition by person_id order by month_start_date) as next_month_start_date

    from months

),

-- Whether somebody came back in the next month is known once that month has ended.
judged as (

    select
        followed.*,
        cast({{ dbt.dateadd('month', 1, 'followed.month_start_date') }} as date) as following_month_start_date,
        cast({{ dbt.dateadd('month', 2, 'followed.month_start_date') }} as date) as known_from_date,
        cast({{ dbt.dateadd('day', 1, 'clock.as_of_date') }} as date) as first_unknown_date

    from followed

    cross join clock

)

select
    person_id || '/' || cast(month_start_date as {{ dbt.type_string() }}) as customer_month_id,
    person_id,
    cast(count_orders as bigint) as count_orders,
    first_order_number = 1 as is_new,
    case
        when first_unknown_date >= known_from_date
            then coalesce(next_month_start_date = following_month_start_date, false)
    end as is_retained,
    month_start_date

from judged

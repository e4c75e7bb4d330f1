with

sides as (

    select
        *,
        case side when 'restated' then 1 else -1 end as sign

    from {{ ref('measurement__compared_orders') }}

    where is_by_month_end

),

order_differences as (

    select
        month_start_date,
        case order_type when 'sale' then 'orders' else 'returns' end as measure,
        'count' as unit,
        order_id,
        cast(null as {{ dbt.type_string() }}) as person_id,
        cast(sum(sign) as decimal(18, 2)) as difference

    from sides

    where is_in_month and order_type in ('sale', 'return')

    group by 1, 2, 4

    union all

    select
        month_start_date,
        'revenue' as measure,
        currency as unit,
        order_id,
        cast(null as {{ dbt.type_string() }}) as person_id,
        cast(sum(sign * net_amount) as decimal(18, 2)) as difference

    from sides

    where is_in_month and order_type in ('sale', 'return')

    group by 1, 3, 4

),

purchases as (

    select * from sides

    where order_type = 'sale' and person_id is not null

),

first_purchases as (

    select
        month_start_date,
        person_id,
        min(case when sign = -1 then business_date end) as reported_date,
        min(case when sign = 1 then business_date end) as restated_date,
        min(case when sign = -1 and is_in_month then business_date end) as reported_in_month_date,
        min(case when sign = 1 and is_in_month then business_date end) as restated_in_month_date

    from purchases

    group by 1, 2

),

person_differences as (

    select
        month_start_date,
        person_id,
        'customers' as measure,
        case when restated_date is null then -1 else 1 end as difference,
        coalesce(reported_date, restated_date) as decisive_date

    from first_purchases

    where (reported_date is null) <> (restated_date is null)

    union all

    select
        month_start_date,
        person_id,
        'active_customers' as measure,
        case when restated_in_month_date is null then -1 else 1 end as difference,
        coalesce(reported_in_month_date, restated_in_month_date) as decisive_date

    from first_purchases

    where (reported_in_month_date is null) <> (restated_in_month_date is null)

    union all

    select
        month_start_date,
        person_id,
        'new_customers' as measure,
        case when coalesce(restated_date >= month_start_date, false) then 1 else -1 end as difference,
        least(coalesce(reported_date, restated_date), coalesce(restated_date, reported_date)) as decisive_date

    from first_purchases

    where coalesce(reported_date >= month_start_date, false) <> coalesce(restated_date >= month_start_date, false)

),

-- Whoever counts on one side only has, on the decisive day, a purchase that is theirs on that side only.
one_sided_purchases as (

    select
        month_start_date,
        person_id,
        business_date,
        order_id

    from purchases

    group by 1, 2, 3, 4

    having count(*) = 1

),

decisive_purchases as (

    select
        person_differences.month_start_date,
        person_differences.measure,
        person_differences.person_id,
        person_differences.difference,
        min(one_sided_purchases.order_id) as order_id

    from person_differences

    inner join one_sided_purchases
        on person_differences.month_start_date = one_sided_purchases.month_start_date
            and person_differences.person_id = one_sided_purchases.person_id
            and person_differences.decisive_date = one_sided_purchases.business_date

    group by 1, 2, 3, 4

)

select
    month_start_date,
    measure,
    unit,
    order_id,
    person_id,
    difference

from order_differences

where difference <> 0

union all

select
    month_start_date,
    measure,
    'count' as unit,
    order_id,
    person_id,
    cast(difference as decimal(18, 2)) as difference

from decisive_purchases

{{ config(**incremental_by_group('month_start_date')) }}

with

order_lines as (

    select * from {{ ref('conformed__order_lines') }}

    where line_type in ('sale', 'return')

),

person_records as (

    select * from {{ source('identity', 'person_records') }}

),

people as (

    select * from {{ ref('profile__people') }}

),

products as (

    select * from {{ ref('conformed__products') }}

),

stores as (

    select * from {{ ref('conformed__stores') }}

),

placed as (

    select
        -- What is bought on the web, or in a store that nobody lists, is bought where the customer lives.
        coalesce(stores.state, people.state, 'unknown') as state,
        coalesce(products.department, 'UNKNOWN') as department,
        order_lines.brand,
        order_lines.currency,
        cast({{ dbt.date_trunc('month', 'order_lines.business_date') }} as date) as month_start_date,
        person_records.person_id,
        case when order_lines.line_type = 'sale' then order_lines.order_id end as order_id,
        order_lines.quantity,
        order_lines.net_amount

    from order_lines

    left join person_records on order_lines.record_id = person_records.record_id

    left join people on person_records.person_id = people.person_id

    left join products on order_lines.product_id = products.product_id

    left join stores on order_lines.store_id = stores.store_id

),

habits as (

    select
        state,
        department,
        brand,
        currency,
        month_start_date,
        count(distinct case when order_id is not null then person_id end) as count_people,
        count(distinct order_id) as count_orders,
        sum(quantity) as count_units,
        sum(net_amount) as revenue,
        {{ cents('sum(net_amount)') }} as revenue_cents

    from placed

    group by 1, 2, 3, 4, 5

),

totals as (

    select
        *,
        sum(revenue_cents) over (partition by state, brand, currency, month_start_date) as of_region,
        sum(revenue_cents) over (partition by department, brand, currency, month_start_date) as of_department,
        sum(revenue_cents) over (partition by brand, currency, month_start_date) as of_all

    from habits

)

select
    state || '/' || department || '/' || brand || '/' || currency || '/'
    || cast(month_start_date as {{ dbt.type_string() }}) as region_habit_id,
    state,
    department,
    brand,
    currency,
    cast(count_people as bigint) as count_people,
    cast(count_orders as bigint) as count_orders,
    cast(count_units as double) as count_units,
    cast(revenue as decimal(18, 2)) as revenue,
    {{ ratio('revenue_cents', 'of_region') }} as share_of_region,
    {{ ratio('(100 * cast(revenue_cents as double) * of_all)', '(cast(of_region as double) * of_department)') }}
        as index_to_all_regions,
    month_start_date

from totals

with

days as (

    select * from {{ every_date('2006-01-01', '2050-12-31') }} as dates

),

bounds as (

    select
        min(business_date) as first_date,
        {{ as_of() }} as as_of_date

    from {{ ref('measurement__period_orders') }}

)

select days.calendar_date as metric_date

from days

inner join bounds on days.calendar_date between bounds.first_date and bounds.as_of_date

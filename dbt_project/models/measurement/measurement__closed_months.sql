with

closes as (

    select distinct
        month_start_date,
        close_no,
        identity_run_no,
        as_of_date,
        closed_at

    from {{ source('measurement', 'closes') }}

),

figures as (

    select distinct month_start_date from {{ ref('measurement__period_figures') }}

)

select
    closes.month_start_date,
    cast({{ dbt.dateadd('month', 1, 'closes.month_start_date') }} as date) as end_date,
    closes.close_no,
    min(closes.close_no) over (
        order by closes.month_start_date rows between current row and unbounded following
    ) as first_close_no,
    closes.identity_run_no,
    closes.as_of_date,
    closes.closed_at

from closes

-- A run for an earlier day knows nothing of later months.
inner join figures on closes.month_start_date = figures.month_start_date

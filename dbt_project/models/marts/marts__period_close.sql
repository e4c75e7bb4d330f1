with

closed_months as (

    select * from {{ ref('measurement__closed_months') }}

),

closes as (

    select * from {{ source('measurement', 'closes') }}

),

figures as (

    select * from {{ ref('measurement__period_figures') }}

),

explained as (

    select
        month_start_date,
        measure,
        unit,
        sum(case when cause = 'late_row' then difference else 0 end) as difference_by_late_rows,
        sum(case when cause = 'identity' then difference else 0 end) as difference_by_identity,
        sum(case when cause in ('withdrawn', 'corrected') then difference else 0 end) as difference_by_corrections

    from {{ ref('marts__period_restatement') }}

    group by 1, 2, 3

),

sides as (

    select
        month_start_date,
        measure,
        unit,
        figure as reported,
        0 as restated

    from closes

    union all

    select
        month_start_date,
        measure,
        unit,
        0 as reported,
        figure as restated

    from figures

),

-- A currency that only one side has stands at nothing on the other.
compared as (

    select
        month_start_date,
        measure,
        unit,
        sum(reported) as reported,
        sum(restated) as restated

    from sides

    group by 1, 2, 3

)

select
    compared.measure,
    compared.unit,
    cast(compared.reported as decimal(18, 2)) as reported,
    cast(compared.restated as decimal(18, 2)) as restated,
    cast(compared.restated - compared.reported as decimal(18, 2)) as difference,
    cast(coalesce(explained.difference_by_late_rows, 0) as decimal(18, 2)) as difference_by_late_rows,
    cast(coalesce(explained.difference_by_identity, 0) as decimal(18, 2)) as difference_by_identity,
    cast(coalesce(explained.difference_by_corrections, 0) as decimal(18, 2)) as difference_by_corrections,
    compared.month_start_date,
    closed_months.as_of_date as closed_as_of_date,
    closed_months.closed_at

from compared

inner join closed_months on compared.month_start_date = closed_months.month_start_date

left join explained
    on compared.month_start_date = explained.month_start_date
        and compared.measure = explained.measure
        and compared.unit = explained.unit

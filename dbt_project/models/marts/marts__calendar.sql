with

days as (

    select * from {{ every_date('2006-01-01', '2050-12-31') }} as dates

),

counted as (

    select
        calendar_date,
        extract(year from calendar_date) as calendar_year,
        -- Whole days since a Sunday.
        {{ dbt.datediff("cast('2006-01-01' as date)", 'calendar_date', 'day') }} as day_number

    from days

),

-- A retail year ends on the Saturday nearest to 31 January, so the next begins on the Sunday within 29 January to 4 February.
year_starts as (

    select
        calendar_year as retail_year,
        day_number - day_number % 7 as start_day_number

    from counted

    where extract(month from calendar_date) = 2 and extract(day from calendar_date) = 4

),

placed as (

    select
        counted.*,
        year_starts.retail_year,
        1 + cast(floor((counted.day_number - year_starts.start_day_number) / 7) as bigint) as retail_week

    from counted

    inner join year_starts
        on year_starts.retail_year between counted.calendar_year - 1 and counted.calendar_year
            and counted.day_number >= year_starts.start_day_number

    qualify row_number() over (partition by counted.calendar_date order by year_starts.retail_year desc) = 1

),

quartered as (

    select
        *,
        -- The 53rd week of a long year belongs to its last quarter.
        least(4, 1 + cast(floor((retail_week - 1) / 13) as bigint)) as retail_quarter

    from placed

),

weeks as (

    select
        *,
        retail_week - 13 * (retail_quarter - 1) as week_of_quarter

    from quartered

)

select
    calendar_date,
    cast(calendar_year as bigint) as calendar_year,
    cast(extract(quarter from calendar_date) as bigint) as calendar_quarter,
    cast(extract(month from calendar_date) as bigint) as calendar_month,
    cast({{ dbt.date_trunc('month', 'calendar_date') }} as date) as month_start_date,
    1 + cast(day_number % 7 as bigint) as day_of_week,
    day_number % 7 in (0, 6) as is_weekend,
    cast(retail_year as bigint) as retail_year,
    retail_quarter,
    3 * (retail_quarter - 1) + case when week_of_quarter <= 4 then 1 when week_of_quarter <= 9 then 2 else 3 end as retail_month,
    retail_week

from weeks

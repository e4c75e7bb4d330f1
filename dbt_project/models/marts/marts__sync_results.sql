with

results as (

    select * from {{ source('activation', 'results') }}

)

select

    ---------- ids
    sync,
    run_id,
    destination,
    object,

    ---------- strings
    environment,
    status,
    op,
    outcome,
    error_class,
    code,

    ---------- counts
    count_rows,

    ---------- dates
    as_of as as_of_date,

    ---------- timestamps
    recorded_at

from results

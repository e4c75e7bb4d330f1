with

quality as (

    select * from {{ source('identity', 'quality') }}

)

select

    ---------- ids
    run_no,
    run_id,

    ---------- strings
    model_version,
    measure,
    meaning,
    bucket,
    bucket_no,

    ---------- figures
    value,
    limit_low,
    limit_high,

    ---------- booleans
    is_within,

    ---------- dates
    as_of_date,

    ---------- timestamps
    recorded_at

from quality

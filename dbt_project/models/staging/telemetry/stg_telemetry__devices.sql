{{ config(**incremental_by_group(key='record_id')) }}

with

readings as (

    select
        *,
        -- Orders readings of one device, also those of one instant.
        cast(occurred_at as {{ dbt.type_string() }}) || ' ' || reading_id as reading_order

    from {{ ref('stg_telemetry__readings') }}

),

last_owners as (

    select
        record_id,
        device_id,
        max_by(owner_email, reading_order) filter (where owner_email is not null) as email,
        max_by(model, reading_order) filter (where model is not null) as model,
        min(occurred_at) as created_at,
        max(occurred_at) as updated_at,
        max_by(_batch_id, reading_order) as _batch_id,
        max_by(_load_id, reading_order) as _load_id

    from readings

    group by 1, 2

),

normalised as (

    select
        record_id,
        device_id,
        model,
        {{ person_columns(['email']) }},
        created_at,
        updated_at,
        _batch_id,
        _load_id

    from last_owners

)

select * from normalised

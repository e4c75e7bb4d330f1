{%- set table = {'system': 'telemetry', 'resource': 'readings', 'key': {'reading_id': 'id'}} -%}
{{ config(**incremental_by_batch(**table)) }}

with

source as (

    select * from {{ last_landed(**table) }} as landed_rows

),

renamed as (

    select
        'telemetry:readings:' || id as event_id,
        id as reading_id,
        'telemetry:devices:' || device_id as record_id,
        device_id,
        owner_email,
        model,
        event as event_type,
        unit,
        value,
        recorded_at as occurred_at,
        _part_id as _batch_id,
        _dlt_load_id as _load_id

    from source

)

select * from renamed

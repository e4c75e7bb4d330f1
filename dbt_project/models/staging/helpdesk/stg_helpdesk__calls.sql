{%- set table = {'system': 'helpdesk', 'resource': 'calls', 'key': ['id']} -%}
{{ config(**incremental_by_key(**table)) }}

with

source as (

    select * from {{ last_version(**table) }} as landed_rows

),

renamed as (

    select
        'helpdesk:calls:' || id as interaction_id,
        'helpdesk:users:' || requester_id as record_id,
        {{ phone_e164('phone') }} as phone_std,
        coalesce(direction, 'inbound') as direction,
        {{ trimmed('transcript') }} as transcript,
        duration_seconds,
        started_at as occurred_at,
        ended_at,
        _part_id as _batch_id,
        _line,
        _dlt_load_id as _load_id

    from source

)

select * from renamed

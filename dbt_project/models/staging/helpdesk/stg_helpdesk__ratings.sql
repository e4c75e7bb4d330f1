{%- set table = {'system': 'helpdesk', 'resource': 'ratings', 'key': ['id']} -%}
{{ config(**incremental_by_key(**table)) }}

with

source as (

    select * from {{ last_version(**table) }} as landed_rows

),

renamed as (

    select
        'helpdesk:ratings:' || id as interaction_id,
        'helpdesk:tickets:' || ticket_id as ticket_id,
        'helpdesk:users:' || requester_id as record_id,
        {{ trimmed('comment') }} as comment,
        score,
        created_at as occurred_at,
        _part_id as _batch_id,
        _line,
        _dlt_load_id as _load_id

    from source

)

select * from renamed

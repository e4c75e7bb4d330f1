{%- set table = {'system': 'helpdesk', 'resource': 'tickets', 'key': ['id'], 'updated_at': 'updated_at'} -%}
{{ config(**incremental_by_key(**table)) }}

with

source as (

    select * from {{ last_version(**table) }} as landed_rows

),

renamed as (

    select
        'helpdesk:tickets:' || id as ticket_id,
        'helpdesk:tickets:' || id as interaction_id,
        'helpdesk:users:' || requester_id as record_id,
        {{ trimmed('subject') }} as subject,
        {{ trimmed('description') }} as description,
        status,
        coalesce(priority, 'normal') as priority,
        channel,
        created_at as opened_at,
        first_replied_at,
        solved_at,
        updated_at,
        _part_id as _batch_id,
        _line,
        _dlt_load_id as _load_id

    from source

)

select * from renamed

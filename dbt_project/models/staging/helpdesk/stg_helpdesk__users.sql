{%- set table = {'system': 'helpdesk', 'resource': 'users', 'key': ['id'], 'updated_at': 'updated_at'} -%}
{{ config(**incremental_by_key(**table)) }}

with

source as (

    select * from {{ last_version(**table) }} as landed_rows

),

renamed as (

    select
        id as helpdesk_id,
        {{ names_from_full('name') }},
        email,
        phone,
        created_at,
        updated_at,
        _part_id as _batch_id,
        _line,
        _dlt_load_id as _load_id

    from source

),

normalised as (

    select
        'helpdesk:users:' || helpdesk_id as record_id,
        helpdesk_id,
        {{ person_columns(['names', 'email', 'phone']) }},
        created_at,
        updated_at,
        _batch_id,
        _line,
        _load_id

    from renamed

)

select * from normalised

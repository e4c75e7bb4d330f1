{%- set table = {'system': 'mailer', 'resource': 'subscribers', 'key': ['subscriber_id'], 'updated_at': 'updated_at'} -%}
{{ config(**incremental_by_key(**table)) }}

with

source as (

    select * from {{ last_version(**table) }} as landed_rows

),

renamed as (

    select
        subscriber_id,
        {{ names_from_parts('first_name', 'last_name') }},
        birth_date,
        email,
        postal_code,
        status,
        signup_source,
        subscribed_at as created_at,
        updated_at,
        _part_id as _batch_id,
        _line,
        _dlt_load_id as _load_id

    from source

),

normalised as (

    select
        'mailer:subscribers:' || subscriber_id as record_id,
        subscriber_id,
        {{ person_columns(['names', 'birth_date', 'email', 'postal_code']) }},
        status,
        signup_source,
        created_at,
        updated_at,
        _batch_id,
        _line,
        _load_id

    from renamed

)

select * from normalised

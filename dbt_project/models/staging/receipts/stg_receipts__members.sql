{%- set table = {
    'system': 'receipts',
    'resource': 'members',
    'key': [loyalty_number_std('loyalty_number')],
    'updated_at': 'updated_at',
} -%}
{{ config(**incremental_by_key(**table)) }}

with

source as (

    select * from {{ last_version(**table) }} as landed_rows

),

renamed as (

    select
        {{ loyalty_number_std('loyalty_number') }} as loyalty_number,
        home_store_id,
        {{ names_from_parts('first_name', 'last_name') }},
        birth_date,
        gender,
        email,
        phone,
        street,
        city,
        state,
        postal_code,
        has_email_consent,
        has_sms_consent,
        joined_at as created_at,
        updated_at,
        _part_id as _batch_id,
        _line,
        _dlt_load_id as _load_id

    from source

),

normalised as (

    select
        'receipts:members:' || loyalty_number as record_id,
        loyalty_number,
        home_store_id,
        {{ person_columns(['names', 'birth_date', 'gender', 'email', 'phone', 'street', 'city', 'state', 'postal_code']) }},
        has_email_consent,
        has_sms_consent,
        created_at,
        updated_at,
        _batch_id,
        _line,
        _load_id

    from renamed

)

select * from normalised

{%- set table = {
    'system': 'partner',
    'resource': 'customers',
    'key': ['partner_customer_id'],
    'updated_at': 'updated_at',
} -%}
{{ config(**incremental_by_key(**table)) }}

with

source as (

    select * from {{ last_version(**table) }} as landed_rows

),

renamed as (

    select
        partner_customer_id as partner_id,
        {{ names_from_full('full_name') }},
        birth_date,
        email,
        phone,
        street,
        city,
        postal_code,
        {{ country_code('country') }} as country,
        has_sharing_consent,
        last_purchase_date,
        updated_at,
        _part_id as _batch_id,
        _line,
        _dlt_load_id as _load_id

    from source

),

normalised as (

    select
        'partner:customers:' || partner_id as record_id,
        partner_id,
        {{ person_columns(['names', 'birth_date', 'email', 'phone', 'street', 'city', 'postal_code', 'country']) }},
        has_sharing_consent,
        last_purchase_date,
        updated_at,
        _batch_id,
        _line,
        _load_id

    from renamed

)

select * from normalised

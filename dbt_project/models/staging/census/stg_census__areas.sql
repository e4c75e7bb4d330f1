{%- set table = {'system': 'census', 'resource': 'areas', 'key': ['postal_code'], 'updated_at': 'updated_at'} -%}
{{ config(**incremental_by_key(**table)) }}

with

source as (

    select * from {{ last_version(**table) }} as landed_rows

),

renamed as (

    select
        {{ postal_code_std('postal_code', "'US'") }} as postal_code,
        {{ trimmed('city') }} as city,
        {{ state_code('state') }} as state,
        population,
        median_household_income,
        median_age,
        share_owner_occupied,
        valid_until as valid_until_date,
        updated_at,
        _part_id as _batch_id,
        _line,
        _dlt_load_id as _load_id

    from source

)

select * from renamed

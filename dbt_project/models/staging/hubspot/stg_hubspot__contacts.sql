{%- set table = {'system': 'hubspot', 'resource': 'contacts', 'key': ['id'], 'updated_at': 'updated_at'} -%}
{{ config(**incremental_by_key(**table)) }}

with

source as (

    select * from {{ last_version(**table) }} as landed_rows

),

renamed as (

    select
        id as contact_id,
        company_id,
        owner_id,
        {{ loyalty_number_std('loyalty_number') }} as loyalty_number,
        {{ names_from_parts('firstname', 'lastname') }},
        date_of_birth as birth_date,
        gender,
        email,
        coalesce({{ trimmed('mobilephone') }}, phone) as phone,
        case when {{ trimmed('mobilephone') }} is not null then phone end as other_phone,
        address as street,
        city,
        state,
        zip as postal_code,
        {{ country_code('country') }} as country,
        company as company_name,
        jobtitle as job_title,
        lifecyclestage as lifecycle_stage,
        lead_status,
        coalesce(has_opted_out_of_email, false) as has_opted_out_of_email,
        coalesce(is_archived, false) as is_deleted,
        created_at,
        updated_at,
        _part_id as _batch_id,
        _line,
        _dlt_load_id as _load_id

    from source

),

normalised as (

    select
        'hubspot:contacts:' || contact_id as record_id,
        contact_id,
        company_id,
        owner_id,
        loyalty_number,
        {{ person_columns([
            'names', 'birth_date', 'gender', 'email', 'phone', 'street', 'city', 'state', 'postal_code', 'country',
        ]) }},
        {{ phone_e164('other_phone', 'country') }} as other_phone_std,
        {{ trimmed('company_name') }} as company_name,
        {{ trimmed('job_title') }} as job_title,
        lifecycle_stage,
        lead_status,
        has_opted_out_of_email,
        is_deleted,
        created_at,
        updated_at,
        _batch_id,
        _line,
        _load_id

    from renamed

)

select * from normalised

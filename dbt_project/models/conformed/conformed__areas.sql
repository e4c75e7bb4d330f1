{{ config(**incremental_by_group(key='postal_code')) }}

with

census_areas as (

    select * from {{ ref('stg_census__areas') }}

),

areas as (

    select
        postal_code,
        'census' as source,
        '{{ var("brand") }}' as brand,
        city,
        state,
        population,
        median_household_income,
        median_age,
        share_owner_occupied,
        valid_until_date,
        updated_at,
        _batch_id,
        _load_id

    from census_areas

)

select * from areas

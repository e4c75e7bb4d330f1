{{ config(**incremental_by_group('person_id')) }}

with

contacts as (

    select * from {{ ref('conformed__contacts') }}

),

identifiers as (

    select * from {{ ref('conformed__identifiers') }}

),

person_records as (

    select * from {{ source('identity', 'person_records') }}

),

attributes as (

    select * from {{ ref('profile__attributes') }}

),

emails_and_phones as (

    select
        record_id,
        identifier_type as contact_point_type,
        identifier_value as contact_point,
        true as is_valid,
        first_seen_at,
        last_seen_at

    from identifiers

    where identifier_type in ('email', 'phone')

),

unreadable as (

    select
        record_id,
        'email' as contact_point_type,
        lower(email) as contact_point,
        false as is_valid,
        created_at as first_seen_at,
        coalesce(updated_at, created_at) as last_seen_at

    from contacts

    where email is not null and email_std is null

    union all

    select
        record_id,
        'phone' as contact_point_type,
        phone as contact_point,
        false as is_valid,
        created_at as first_seen_at,
        coalesce(updated_at, created_at) as last_seen_at

    from contacts

    where phone is not null and phone_std is null

),

addresses as (

    select
        record_id,
        'address' as contact_point_type,
        coalesce(street_std, lower(street), '') || ', ' || coalesce(city_std, lower(city), '') || ', '
        || coalesce(state, '') || ' ' || coalesce(postal_code_std, postal_code, '') as contact_point,
        street is not null and (city is not null or postal_code is not null) as is_valid,
        created_at as first_seen_at,
        coalesce(updated_at, created_at) as last_seen_at

    from contacts

    where coalesce(street, city, postal_code) is not null

),

contact_points as (

    select * from emails_and_phones

    union all

    select * from unreadable

    union all

    select * from addresses

),

golden as (

    select
        person_id,
        attribute,
        value_std

    from attributes

    where attribute in ('email', 'phone')

),

grouped as (

    select
        person_records.person_id,
        contact_points.contact_point_type,
        contact_points.contact_point,
        bool_or(contact_points.is_valid) as is_valid,
        count(distinct contact_points.record_id) as count_records,
        count(distinct split_part(contact_points.record_id, ':', 1)) as count_sources,
        min(contact_points.first_seen_at) as first_seen_at,
        max(contact_points.last_seen_at) as last_seen_at

    from contact_points

    inner join person_records on contact_points.record_id = person_records.record_id

    group by 1, 2, 3

)

select
    grouped.person_id,
    grouped.contact_point_type,
    grouped.contact_point,
    grouped.is_valid,
    golden.value_std is not null as is_golden,
    grouped.count_records,
    grouped.count_sources,
    grouped.first_seen_at,
    grouped.last_seen_at

from grouped

left join golden
    on grouped.person_id = golden.person_id
        and grouped.contact_point_type = golden.attribute
        and grouped.contact_point = golden.value_std

{{ config(**incremental_by_group('segment')) }}

with

membership as (

    select * from {{ source('segments', 'membership') }}

)

select
    segment,
    person_id,
    left_date is null as is_member,
    entered_date,
    left_date

from membership

{{ config(**incremental_by_group('person_id')) }}

with

effective_consents as (

    select * from {{ ref('profile__effective_consents') }}

),

contact_points as (

    select * from {{ ref('profile__contact_points') }}

)

select
    contact_points.person_id,
    effective_consents.brand,
    effective_consents.contact_point_type,
    effective_consents.contact_point,
    effective_consents.channel,
    effective_consents.purpose,
    effective_consents.state,
    contact_points.is_golden,
    effective_consents.decided_in,
    effective_consents.count_decisions,
    effective_consents.decided_at

from effective_consents

inner join contact_points
    on effective_consents.contact_point_type = contact_points.contact_point_type
        and effective_consents.contact_point = contact_points.contact_point

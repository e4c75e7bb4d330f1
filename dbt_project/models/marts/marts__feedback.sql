{{ config(**incremental_by_group('feedback_id')) }}

with

ratings as (

    select * from {{ ref('conformed__interactions') }}

    where interaction_type = 'rated'

),

messages as (

    select * from {{ ref('conformed__messages') }}

),

tickets as (

    select * from {{ ref('conformed__tickets') }}

),

person_records as (

    select * from {{ source('identity', 'person_records') }}

)

select
    ratings.interaction_id as feedback_id,
    ratings.subject_id as ticket_id,
    person_records.person_id,
    ratings.source,
    ratings.brand,
    'rating' as feedback_type,
    tickets.channel as ticket_channel,
    tickets.priority as ticket_priority,
    ratings.value as score,
    ratings.value >= 4 as is_satisfied,
    messages.message_id is not null as has_comment,
    ratings.event_date as feedback_date,
    ratings.occurred_at as given_at

from ratings

left join messages on ratings.interaction_id = messages.message_id

left join tickets on ratings.subject_id = tickets.ticket_id

left join person_records on ratings.record_id = person_records.record_id

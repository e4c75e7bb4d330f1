{{ config(**incremental_by_group('feedback_id')) }}

with

ratings as (

    select * from {{ ref('conformed__interactions') }}

    where interaction_type = 'rated'

),

messages as (

    select * from {{ ref('conformed__feedback') }}

),

tickets as (

    select * from {{ ref('conformed__tickets') }}

),

person_records as (

    select * from {{ source('identity', 'person_records') }}

),

given as (

    select
        coalesce(ratings.interaction_id, messages.message_id) as feedback_id,
        coalesce(ratings.subject_id, messages.subject_id) as subject_id,
        coalesce(ratings.record_id, messages.record_id) as record_id,
        coalesce(ratings.source, messages.source) as source,
        coalesce(ratings.brand, messages.brand) as brand,
        coalesce(messages.feedback_type, 'rating') as feedback_type,
        messages.language,
        messages.topics,
        messages.complaint_by,
        ratings.value as score,
        messages.sentiment,
        messages.message_id is not null as has_comment,
        coalesce(messages.is_complaint, ratings.value <= 2) as is_complaint,
        coalesce(ratings.event_date, messages.feedback_date) as feedback_date,
        coalesce(ratings.occurred_at, messages.occurred_at) as given_at

    from ratings

    full join messages on ratings.interaction_id = messages.message_id

)

select
    given.feedback_id,
    case when given.feedback_type in ('rating', 'ticket') then given.subject_id end as ticket_id,
    person_records.person_id,
    given.source,
    given.brand,
    given.feedback_type,
    tickets.channel as ticket_channel,
    tickets.priority as ticket_priority,
    given.language,
    given.topics,
    case when given.is_complaint then coalesce(given.complaint_by, 'rating') end as complaint_by,
    given.score,
    given.sentiment,
    given.score >= 4 as is_satisfied,
    given.is_complaint,
    given.has_comment,
    given.feedback_date,
    given.given_at

from given

left join tickets on given.subject_id = tickets.ticket_id

left join person_records on given.record_id = person_records.record_id

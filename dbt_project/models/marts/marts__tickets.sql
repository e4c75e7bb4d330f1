{{ config(**incremental_by_group('ticket_id')) }}

with

tickets as (

    select * from {{ ref('conformed__tickets') }}

),

person_records as (

    select * from {{ source('identity', 'person_records') }}

)

select
    tickets.ticket_id,
    person_records.person_id,
    tickets.source,
    tickets.brand,
    tickets.subject,
    tickets.status,
    tickets.priority,
    tickets.channel,
    cast(tickets.satisfaction_score as double) as satisfaction_score,
    cast({{ minutes_between('tickets.opened_at', 'tickets.first_replied_at') }} as bigint) as first_reply_minutes,
    cast({{ minutes_between('tickets.opened_at', 'tickets.solved_at') }} as bigint) as resolution_minutes,
    tickets.opened_at,
    tickets.first_replied_at,
    tickets.solved_at

from tickets

left join person_records on tickets.record_id = person_records.record_id

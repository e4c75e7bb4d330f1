{{ config(**incremental_by_group(key='ticket_id')) }}

with

helpdesk_tickets as (

    select * from {{ ref('stg_helpdesk__tickets') }}

),

ratings as (

    select * from {{ ref('stg_helpdesk__ratings') }}

),

last_ratings as (

    select
        ticket_id,
        max_by(score, cast(occurred_at as {{ dbt.type_string() }}) || ' ' || interaction_id) as satisfaction_score

    from ratings

    group by 1

),

tickets as (

    select
        helpdesk_tickets.ticket_id,
        'helpdesk' as source,
        '{{ var("brand") }}' as brand,
        helpdesk_tickets.record_id,
        helpdesk_tickets.subject,
        helpdesk_tickets.status,
        helpdesk_tickets.priority,
        helpdesk_tickets.channel,
        helpdesk_tickets.opened_at,
        helpdesk_tickets.first_replied_at,
        helpdesk_tickets.solved_at,
        helpdesk_tickets.updated_at,
        last_ratings.satisfaction_score,
        helpdesk_tickets._batch_id,
        helpdesk_tickets._load_id

    from helpdesk_tickets

    left join last_ratings on helpdesk_tickets.ticket_id = last_ratings.ticket_id

)

select * from tickets

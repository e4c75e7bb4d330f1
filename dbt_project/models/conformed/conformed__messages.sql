{{ config(**incremental_by_group(key='message_id')) }}

with

statuses as (

    select * from {{ ref('stg_mastodon__statuses') }}

),

mentions as (

    -- A mention repeats the status it was made in; where we have the status, that is the message.
    select * from {{ ref('stg_mastodon__mentions') }}
    where status_id is null or status_id not in (select status_id from statuses)

),

tickets as (

    select * from {{ ref('stg_helpdesk__tickets') }}

),

calls as (

    select * from {{ ref('stg_helpdesk__calls') }}

),

ratings as (

    select * from {{ ref('stg_helpdesk__ratings') }}

),

texts as (

    select
        interaction_id as message_id,
        'mastodon' as source,
        record_id,
        'in' as direction,
        'social' as channel,
        occurred_at,
        language,
        cast(null as {{ dbt.type_string() }}) as subject,
        body,
        status_id as subject_id,
        _batch_id,
        _load_id

    from statuses

    union all

    select
        interaction_id as message_id,
        'mastodon' as source,
        record_id,
        'in' as direction,
        'social' as channel,
        occurred_at,
        language,
        cast(null as {{ dbt.type_string() }}) as subject,
        body,
        status_id as subject_id,
        _batch_id,
        _load_id

    from mentions

    union all

    select
        interaction_id as message_id,
        'helpdesk' as source,
        record_id,
        'in' as direction,
        'support' as channel,
        opened_at as occurred_at,
        cast(null as {{ dbt.type_string() }}) as language,
        subject,
        description as body,
        ticket_id as subject_id,
        _batch_id,
        _load_id

    from tickets

    union all

    select
        interaction_id as message_id,
        'helpdesk' as source,
        record_id,
        case direction when 'outbound' then 'out' else 'in' end as direction,
        'phone' as channel,
        occurred_at,
        cast(null as {{ dbt.type_string() }}) as language,
        cast(null as {{ dbt.type_string() }}) as subject,
        transcript as body,
        cast(null as {{ dbt.type_string() }}) as subject_id,
        _batch_id,
        _load_id

    from calls

    union all

    select
        interaction_id as message_id,
        'helpdesk' as source,
        record_id,
        'in' as direction,
        'support' as channel,
        occurred_at,
        cast(null as {{ dbt.type_string() }}) as language,
        cast(null as {{ dbt.type_string() }}) as subject,
        comment as body,
        ticket_id as subject_id,
        _batch_id,
        _load_id

    from ratings

),

messages as (

    select
        message_id,
        source,
        '{{ var("brand") }}' as brand,
        record_id,
        direction,
        channel,
        occurred_at,
        language,
        subject,
        body,
        subject_id,
        _batch_id,
        _load_id

    from texts

    where body is not null

)

select * from messages

{{ config(**incremental_by_group(key='message_id')) }}

with

messages as (

    select * from {{ ref('conformed__messages') }}
    where direction = 'in'

),

readings as (

    select * from {{ source('conformed', 'message_readings') }}

),

interactions as (

    select * from {{ ref('conformed__interactions') }}

),

mentions as (

    select distinct
        source,
        coalesce(subject_id, interaction_id) as post_id

    from interactions

    where interaction_type = 'mentioned'

),

low_ratings as (

    select
        subject_id,
        min(event_date) as rated_date

    from interactions

    where interaction_type = 'rated' and value <= 2

    group by 1

),

answers as (

    select interaction_id from interactions

    where interaction_type = 'rated'

),

read_messages as (

    select
        messages.message_id,
        messages.source,
        messages.brand,
        messages.record_id,
        messages.channel,
        case
            when answers.interaction_id is not null then 'rating'
            when messages.channel = 'phone' then 'call'
            when messages.channel = 'social' then 'post'
            else 'ticket'
        end as feedback_type,
        messages.subject_id,
        readings.language,
        readings.topics,
        readings.sentiment,
        readings.sentiment_by,
        case
            when readings.has_problem then 'problem'
            -- From here on VADER calls a text negative.
            when readings.sentiment <= -0.05 then 'tone'
            when readings.has_negative_words and readings.topics is not null then 'words'
            when low_ratings.rated_date is not null then 'rating'
        end as complaint_by,
        {{ local_date('messages.occurred_at') }} as feedback_date,
        low_ratings.rated_date,
        messages.occurred_at,
        messages._batch_id,
        messages._load_id

    from messages

    left join readings on messages.message_id = readings.message_id

    left join answers on messages.message_id = answers.interaction_id

    left join low_ratings on messages.subject_id = low_ratings.subject_id

    left join mentions
        on messages.source = mentions.source
            and coalesce(messages.subject_id, messages.message_id) = mentions.post_id

    -- A post is feedback if it speaks to us.
    where messages.channel <> 'social' or mentions.post_id is not null

),

feedback as (

    select
        message_id,
        source,
        brand,
        record_id,
        channel,
        feedback_type,
        subject_id,
        language,
        topics,
        sentiment,
        sentiment_by,
        complaint_by is not null as is_complaint,
        complaint_by,
        feedback_date,
        case
            when complaint_by = 'rating' then greatest(feedback_date, rated_date)
            when complaint_by is not null then feedback_date
        end as complaint_date,
        occurred_at,
        _batch_id,
        _load_id

    from read_messages

)

select * from feedback

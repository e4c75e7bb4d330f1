{{ config(**incremental_by_group(key='consent_id')) }}

with

hubspot_contacts as (

    select * from {{ ref('stg_hubspot__contacts') }}

),

members as (

    select * from {{ ref('stg_receipts__members') }}

),

subscribers as (

    select * from {{ ref('stg_mailer__subscribers') }}

),

mails as (

    select * from {{ ref('stg_mailer__activity') }}
    where interaction_type in ('unsubscribed', 'complained')

),

web_events as (

    select * from {{ ref('stg_segment__events') }}
    where consent is not null and record_id is not null

),

web_users as (

    select * from {{ ref('stg_segment__users') }}

),

customers as (

    select * from {{ ref('stg_partner__customers') }}

),

-- Every call repeats the choice; only a change is a decision.
web_choices as (

    select
        *,
        lag(consent) over (partition by record_id order by occurred_at, event_id) as previous_consent

    from web_events

),

web_decisions as (

    select
        web_choices.record_id,
        web_choices.event_id,
        web_users.email_std,
        {{ json_text('web_choices.consent', 'analytics') }} as analytics,
        {{ json_text('web_choices.consent', 'advertising') }} as advertising,
        web_choices.occurred_at,
        web_choices._batch_id,
        web_choices._load_id

    from web_choices

    left join web_users on web_choices.record_id = web_users.record_id

    where web_choices.previous_consent is null or web_choices.previous_consent <> web_choices.consent

),

decisions as (

    -- Not opting out is no consent: only the refusal says something.
    select
        record_id || ':opt_out' as consent_id,
        record_id,
        'email' as contact_point_type,
        email_std as contact_point,
        'email' as channel,
        'marketing' as purpose,
        false as is_granted,
        updated_at as occurred_at,
        _batch_id,
        _load_id

    from hubspot_contacts

    where has_opted_out_of_email and email_std is not null

    union all

    select
        record_id || ':email' as consent_id,
        record_id,
        'email' as contact_point_type,
        email_std as contact_point,
        'email' as channel,
        'marketing' as purpose,
        has_email_consent as is_granted,
        updated_at as occurred_at,
        _batch_id,
        _load_id

    from members

    where has_email_consent is not null and email_std is not null

    union all

    select
        record_id || ':sms' as consent_id,
        record_id,
        'phone' as contact_point_type,
        phone_std as contact_point,
        'sms' as channel,
        'marketing' as purpose,
        has_sms_consent as is_granted,
        updated_at as occurred_at,
        _batch_id,
        _load_id

    from members

    where has_sms_consent is not null and phone_std is not null

    union all

    select
        record_id || ':subscribed' as consent_id,
        record_id,
        'email' as contact_point_type,
        email_std as contact_point,
        'email' as channel,
        'marketing' as purpose,
        true as is_granted,
        created_at as occurred_at,
        _batch_id,
        _load_id

    from subscribers

    where status <> 'pending' and created_at is not null and email_std is not null

    union all

    -- `cleaned`: the mail tool gave the address up.
    select
        record_id || ':' || status as consent_id,
        record_id,
        'email' as contact_point_type,
        email_std as contact_point,
        'email' as channel,
        'marketing' as purpose,
        false as is_granted,
        updated_at as occurred_at,
        _batch_id,
        _load_id

    from subscribers

    where status in ('unsubscribed', 'cleaned') and email_std is not null

    union all

    select
        mails.interaction_id as consent_id,
        mails.record_id,
        'email' as contact_point_type,
        coalesce(mails.email_std, subscribers.email_std) as contact_point,
        'email' as channel,
        'marketing' as purpose,
        false as is_granted,
        mails.occurred_at,
        mails._batch_id,
        mails._load_id

    from mails

    left join subscribers on mails.record_id = subscribers.record_id

    where coalesce(mails.email_std, subscribers.email_std) is not null
    {%- for purpose in ['analytics', 'advertising'] %}

    union all

    select
        event_id || ':{{ purpose }}' as consent_id,
        record_id,
        'email' as contact_point_type,
        email_std as contact_point,
        'web' as channel,
        '{{ purpose }}' as purpose,
        {{ purpose }} = 'true' as is_granted,
        occurred_at,
        _batch_id,
        _load_id

    from web_decisions

    where {{ purpose }} in ('true', 'false')
    {%- endfor %}
    {%- for contact_point_type in ['email', 'phone'] %}

    union all

    select
        record_id || ':sharing:{{ contact_point_type }}' as consent_id,
        record_id,
        '{{ contact_point_type }}' as contact_point_type,
        {{ contact_point_type }}_std as contact_point,
        'partner' as channel,
        'sharing' as purpose,
        has_sharing_consent as is_granted,
        updated_at as occurred_at,
        _batch_id,
        _load_id

    from customers

    where {{ contact_point_type }}_std is not null
    {%- endfor %}

),

consents as (

    select
        consent_id,
        split_part(record_id, ':', 1) as source,
        '{{ var("brand") }}' as brand,
        record_id,
        contact_point_type,
        contact_point,
        channel,
        purpose,
        case when is_granted then 'granted' else 'denied' end as state,
        occurred_at,
        _batch_id,
        _load_id

    from decisions

)

select * from consents

{{ config(**incremental_by_group(key='identifier_id')) }}

{#- What each source calls its own records, where that is not `<source>_id`. -#}
{%- set own_ids = {
    'receipts': 'loyalty_number',
    'hubspot': 'crm_id',
    'segment': 'user_id',
    'mastodon': 'account_id',
    'mailer': 'subscriber_id',
    'telemetry': 'device_id',
} -%}

with

contacts as (

    select * from {{ ref('conformed__contacts') }}

),

hubspot_contacts as (

    select * from {{ ref('stg_hubspot__contacts') }}

),

events as (

    select * from {{ ref('stg_segment__events') }}

),

calls as (

    select * from {{ ref('stg_helpdesk__calls') }}

),

mails as (

    select * from {{ ref('stg_mailer__activity') }}

),

orders as (

    select * from {{ ref('conformed__orders') }}

),

payments as (

    select * from {{ ref('conformed__payments') }}

),

sightings as (

    -- What a record says about itself.
    select
        record_id,
        case source
            {%- for source, identifier_type in own_ids.items() %}
            when '{{ source }}' then '{{ identifier_type }}'
            {%- endfor %}
            else source || '_id'
        end as identifier_type,
        source_record_id as identifier_value,
        created_at as first_seen_at,
        updated_at as last_seen_at,
        _batch_id,
        _load_id

    from contacts

    {%- for identifier_type, value in [('email', 'email_std'), ('phone', 'phone_std'), ('loyalty_number', 'loyalty_number')] %}

    union all

    select
        record_id,
        '{{ identifier_type }}' as identifier_type,
        {{ value }} as identifier_value,
        created_at as first_seen_at,
        updated_at as last_seen_at,
        _batch_id,
        _load_id

    from contacts
    {%- endfor %}

    union all

    select
        record_id,
        'phone' as identifier_type,
        other_phone_std as identifier_value,
        created_at as first_seen_at,
        updated_at as last_seen_at,
        _batch_id,
        _load_id

    from hubspot_contacts

    -- What a browser or an app carried. One that identified has rows of its own and of the user.
    {%- for identifier_type in ['anonymous_id', 'device_id'] %}

    union all

    select
        record_id,
        '{{ identifier_type }}' as identifier_type,
        {{ identifier_type }} as identifier_value,
        min(occurred_at) as first_seen_at,
        max(occurred_at) as last_seen_at,
        max(_batch_id) as _batch_id,
        max(_load_id) as _load_id

    from events

    where {{ identifier_type }} is not null

    group by 1, 2, 3
    {%- endfor %}

    union all

    select
        'segment:anonymous:' || anonymous_id as record_id,
        'anonymous_id' as identifier_type,
        anonymous_id as identifier_value,
        min(occurred_at) as first_seen_at,
        max(occurred_at) as last_seen_at,
        max(_batch_id) as _batch_id,
        max(_load_id) as _load_id

    from events

    where anonymous_id is not null

    group by 1, 2, 3

    union all

    select
        record_id,
        'phone' as identifier_type,
        phone_std as identifier_value,
        min(occurred_at) as first_seen_at,
        max(occurred_at) as last_seen_at,
        max(_batch_id) as _batch_id,
        max(_load_id) as _load_id

    from calls

    group by 1, 2, 3

    union all

    select
        record_id,
        'email' as identifier_type,
        email_std as identifier_value,
        min(occurred_at) as first_seen_at,
        max(occurred_at) as last_seen_at,
        max(_batch_id) as _batch_id,
        max(_load_id) as _load_id

    from mails

    group by 1, 2, 3

    -- A loyalty number shown at a till is a record even if its member never filled in a form.
    union all

    select
        record_id,
        'loyalty_number' as identifier_type,
        loyalty_number as identifier_value,
        min(ordered_at) as first_seen_at,
        max(ordered_at) as last_seen_at,
        max(_batch_id) as _batch_id,
        max(_load_id) as _load_id

    from orders

    where loyalty_number is not null

    group by 1, 2, 3

    union all

    select
        orders.record_id,
        'card_token' as identifier_type,
        payments.card_token as identifier_value,
        min(orders.ordered_at) as first_seen_at,
        max(orders.ordered_at) as last_seen_at,
        max(payments._batch_id) as _batch_id,
        max(payments._load_id) as _load_id

    from payments

    inner join orders on payments.order_id = orders.order_id

    where payments.card_token is not null

    group by 1, 2, 3

),

identifiers as (

    select
        record_id || '|' || identifier_type || '|' || identifier_value as identifier_id,
        record_id,
        identifier_type,
        identifier_value,
        split_part(record_id, ':', 1) as source,
        '{{ var("brand") }}' as brand,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        max(_batch_id) as _batch_id,
        max(_load_id) as _load_id

    from sightings

    where record_id is not null and identifier_value is not null

    group by 1, 2, 3, 4, 5, 6

)

select * from identifiers

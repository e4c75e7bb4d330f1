{%- set others = [
    'stg_mastodon__statuses', 'stg_mastodon__mentions', 'stg_mastodon__reactions',
    'stg_helpdesk__calls', 'stg_helpdesk__ratings', 'stg_helpdesk__tickets',
] -%}
{{ config(**incremental_by_batch(key='interaction_id', batches_of=['stg_mailer__activity'], versions_of=others)) }}

{#- One entry per kind of touch: model, source, channel, and where its columns come from. -#}
{%- set touches = [
    {'model': 'stg_mailer__activity', 'source': 'mailer', 'channel': 'email', 'campaign_id': 'campaign_id'},
    {'model': 'stg_mastodon__statuses', 'source': 'mastodon', 'channel': 'social', 'type': "'posted'",
     'subject_id': 'status_id'},
    {'model': 'stg_mastodon__mentions', 'source': 'mastodon', 'channel': 'social', 'subject_id': 'status_id'},
    {'model': 'stg_mastodon__reactions', 'source': 'mastodon', 'channel': 'social', 'subject_id': 'status_id'},
    {'model': 'stg_helpdesk__calls', 'source': 'helpdesk', 'channel': 'phone', 'type': "'called'",
     'value': 'duration_seconds'},
    {'model': 'stg_helpdesk__ratings', 'source': 'helpdesk', 'channel': 'support', 'type': "'rated'",
     'subject_id': 'ticket_id', 'value': 'score'},
    {'model': 'stg_helpdesk__tickets', 'source': 'helpdesk', 'channel': 'support', 'type': "'ticket_opened'",
     'subject_id': 'ticket_id', 'occurred_at': 'opened_at'},
] %}

with

{%- for touch in touches %}

{{ touch.model | replace('stg_', '') }} as (

    select * from {{ ref(touch.model) }} as read_rows
    where {{ is_touched('read_rows', 'interaction_id') }}

),
{%- endfor %}

interactions as (

    {%- for touch in touches %}

    select
        interaction_id,
        '{{ touch.source }}' as source,
        '{{ var("brand") }}' as brand,
        record_id,
        '{{ touch.channel }}' as channel,
        {{ touch.type | default('interaction_type') }} as interaction_type,
        {{ touch.occurred_at | default('occurred_at') }} as occurred_at,
        {{ local_date(touch.occurred_at | default('occurred_at')) }} as event_date,
        {%- for name in ['campaign_id', 'subject_id'] %}
        cast({{ touch[name] | default('null') }} as {{ dbt.type_string() }}) as {{ name }},
        {%- endfor %}
        cast({{ touch.value | default('null') }} as double) as value,
        _batch_id,
        _load_id

    from {{ touch.model | replace('stg_', '') }}
    {%- if not loop.last %}

    union all
    {%- endif %}
    {%- endfor %}

)

select * from interactions

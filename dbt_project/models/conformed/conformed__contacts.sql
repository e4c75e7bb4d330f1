{{ config(**incremental_by_group(key='record_id')) }}

{#- One entry per kind of person-like record; `has` names what it has beyond the columns all share. -#}
{%- set records = [
    {'source': 'hubspot', 'object': 'contacts', 'channel': 'crm', 'id': 'contact_id',
     'has': ['company_name', 'job_title', 'loyalty_number', 'created_at', 'is_deleted']},
    {'source': 'segment', 'object': 'users', 'channel': 'web', 'id': 'user_id', 'has': ['created_at']},
    {'source': 'mastodon', 'object': 'accounts', 'channel': 'social', 'id': 'account_id', 'has': ['created_at']},
    {'source': 'receipts', 'object': 'members', 'channel': 'pos', 'id': 'loyalty_number',
     'has': ['loyalty_number', 'created_at']},
    {'source': 'mailer', 'object': 'subscribers', 'channel': 'email', 'id': 'subscriber_id', 'has': ['created_at']},
    {'source': 'helpdesk', 'object': 'users', 'channel': 'support', 'id': 'helpdesk_id', 'has': ['created_at']},
    {'source': 'telemetry', 'object': 'devices', 'channel': 'device', 'id': 'device_id', 'has': ['created_at']},
    {'source': 'partner', 'object': 'customers', 'channel': 'partner', 'id': 'partner_id', 'has': []},
] -%}

with

{%- for record in records %}

{{ record.source }}_{{ record.object }} as (

    select * from {{ ref('stg_' ~ record.source ~ '__' ~ record.object) }}

),
{%- endfor %}

contacts as (

    {%- for record in records %}

    select
        record_id,
        '{{ record.source }}' as source,
        '{{ record.object }}' as object,
        {{ record.id }} as source_record_id,
        '{{ var("brand") }}' as brand,
        '{{ record.channel }}' as channel,
        first_name,
        middle_name,
        last_name,
        name_suffix,
        full_name,
        first_name_std,
        last_name_std,
        full_name_std,
        birth_date,
        gender,
        email,
        email_std,
        phone,
        phone_std,
        street,
        street_std,
        city,
        city_std,
        state,
        postal_code,
        postal_code_std,
        country,
        {%- for name in ['company_name', 'job_title', 'loyalty_number'] %}
        {{ name if name in record.has else 'cast(null as ' ~ dbt.type_string() ~ ') as ' ~ name }},
        {%- endfor %}
        false as is_suppressed_evidence,
        {{ 'coalesce(created_at, updated_at)' if 'created_at' in record.has else 'updated_at' }} as created_at,
        updated_at,
        {{ 'is_deleted' if 'is_deleted' in record.has else 'false as is_deleted' }},
        _batch_id,
        _load_id

    from {{ record.source }}_{{ record.object }}
    {%- if not loop.last %}

    union all
    {%- endif %}
    {%- endfor %}

)

select * from contacts

{{ config(**incremental_by_group(key='record_id')) }}

{%- set traits = ['email', 'first_name', 'last_name', 'birth_date', 'phone', 'street', 'city', 'postal_code'] %}

with

identify_calls as (

    select
        *,
        -- Orders calls of one user, also those of one instant.
        cast(occurred_at as {{ dbt.type_string() }}) || ' ' || message_id as call_order

    from {{ ref('stg_segment__events') }}
    where event_type = 'identified' and user_id is not null

),

last_traits as (

    select
        user_id,
        {%- for trait in traits %}
        max_by({{ trait }}, call_order) filter (where {{ trait }} is not null) as {{ trait }},
        {%- endfor %}
        -- Of the same call as the phone; engines differ in whether max_by passes over a null.
        nullif(max_by(coalesce(phone_std, ''), call_order) filter (where phone is not null), '') as phone_std,
        min(occurred_at) as created_at,
        max(occurred_at) as updated_at,
        max_by(_batch_id, call_order) as _batch_id,
        max_by(_load_id, call_order) as _load_id

    from identify_calls

    group by 1

),

named as (

    select
        user_id,
        {{ names_from_parts('first_name', 'last_name') }},
        birth_date,
        email,
        phone,
        phone_std,
        street,
        city,
        postal_code,
        created_at,
        updated_at,
        _batch_id,
        _load_id

    from last_traits

),

normalised as (

    select
        'segment:users:' || user_id as record_id,
        user_id,
        {{ person_columns(['names', 'birth_date', 'email', 'phone', 'phone_std', 'street', 'city', 'postal_code']) }},
        created_at,
        updated_at,
        _batch_id,
        _load_id

    from named

)

select * from normalised

{{ config(**incremental_by_group('person_id')) }}

{%- set own = ['first_name', 'last_name', 'birth_date', 'gender', 'email', 'phone', 'loyalty_number', 'company_name', 'job_title'] -%}
{%- set of_address = ['street', 'city', 'state', 'postal_code', 'country'] %}

with

people as (

    select * from {{ source('identity', 'people') }}

),

person_records as (

    select * from {{ source('identity', 'person_records') }}

),

contacts as (

    select * from {{ ref('conformed__contacts') }}

),

identifiers as (

    select * from {{ ref('conformed__identifiers') }}

),

attributes as (

    select * from {{ ref('profile__attributes') }}

),

effective_consents as (

    select * from {{ ref('profile__effective_consents') }}

    where brand = '{{ var("brand", "main") }}' and purpose = 'marketing' and state = 'granted'

),

golden as (

    select
        person_id,
        {%- for attribute in own + of_address %}
        max(case when attribute = '{{ attribute }}' and is_valid then value end) as {{ attribute }},
        {%- endfor %}
        max(case when attribute = 'email' and is_valid then value_std end) as email_std,
        {%- for attribute in own + of_address %}
        max(case when attribute = '{{ attribute }}' and is_valid then record_id end) as {{ attribute }}_record_id,
        {%- endfor %}
        sum(case when attribute in ('{{ own | join("', '") }}', 'street') then count_conflicts else 0 end) as count_conflicts

    from attributes

    group by 1

),

sightings as (

    select
        record_id,
        created_at as first_seen_at,
        coalesce(updated_at, created_at) as last_seen_at,
        1 as is_contact

    from contacts

    where not coalesce(is_suppressed_evidence, false)

    union all

    select
        record_id,
        first_seen_at,
        last_seen_at,
        0 as is_contact

    from identifiers

),

seen as (

    select
        person_records.person_id,
        min(sightings.first_seen_at) as first_seen_at,
        max(sightings.last_seen_at) as last_seen_at,
        max(sightings.is_contact) = 1 as is_identified

    from sightings

    inner join person_records on sightings.record_id = person_records.record_id

    group by 1

),

consented_emails as (

    select contact_point from effective_consents

    where contact_point_type = 'email' and channel = 'email'

),

consented_phones as (

    select contact_point from effective_consents

    where contact_point_type = 'phone' and channel = 'sms'

)

select
    people.person_id,
    {%- for attribute in own + of_address if attribute != 'birth_date' %}
    golden.{{ attribute }},
    {%- endfor %}
    golden.email_std,
    {%- for attribute in own + of_address %}
    golden.{{ attribute }}_record_id,
    {%- endfor %}
    cast(people.count_records as bigint) as count_records,
    cast(people.count_sources as bigint) as count_sources,
    cast(coalesce(golden.count_conflicts, 0) as bigint) as count_conflicts,
    people.match_confidence,
    coalesce(seen.is_identified, false) as is_identified,
    consented_emails.contact_point is not null as is_email_consented,
    consented_phones.contact_point is not null as is_sms_consented,
    cast(golden.birth_date as date) as birth_date,
    seen.first_seen_at,
    seen.last_seen_at

from people

left join golden on people.person_id = golden.person_id

left join seen on people.person_id = seen.person_id

left join consented_emails on golden.email_std = consented_emails.contact_point

left join consented_phones on golden.phone = consented_phones.contact_point

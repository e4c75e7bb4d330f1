{{ config(**incremental_by_group('person_id')) }}

{%- set survivorship = var('survivorship') -%}
{%- set parts = {
    'street': 'street_std', 'city': 'city_std', 'state': 'state', 'postal_code': 'postal_code_std', 'country': 'country',
} %}

with

clock as (

    select {{ as_of() }} as as_of_date

),

contacts as (

    select * from {{ ref('conformed__contacts') }}

),

person_records as (

    select * from {{ source('identity', 'person_records') }}

),

identifiers as (

    select * from {{ ref('conformed__identifiers') }}

),

interactions as (

    select * from {{ ref('conformed__interactions') }}

    where interaction_type in ('opened', 'clicked', 'called', 'bounced')

),

observed as (

    select
        contacts.*,
        person_records.person_id,
        coalesce(person_records.match_confidence, 0) as confidence,
        coalesce(contacts.updated_at, contacts.created_at, cast('1970-01-01' as timestamp)) as observed_at

    from contacts

    inner join person_records on contacts.record_id = person_records.record_id

    where not coalesce(contacts.is_suppressed_evidence, false) and not coalesce(contacts.is_deleted, false)

),

dated as (

    select
        *,
        cast({{ expires_date(survivorship) }} as date) as expires_date

    from observed

),

-- What others gave us is used as long as its licence lasts.
records as (

    select dated.* from dated

    cross join clock

    where dated.expires_date is null or dated.expires_date >= clock.as_of_date

),

-- Where the person was reached, and where mail came back.
reached as (

    select
        person_records.person_id,
        identifiers.identifier_type as attribute,
        identifiers.identifier_value as value_std,
        max(case when interactions.interaction_type <> 'bounced' then interactions.occurred_at end) as reached_at,
        max(case when interactions.interaction_type = 'bounced' then interactions.occurred_at end) as bounced_at

    from interactions

    inner join person_records on interactions.record_id = person_records.record_id

    inner join identifiers
        on interactions.record_id = identifiers.record_id
            and interactions.channel = identifiers.identifier_type

    where identifiers.identifier_type in ('email', 'phone')

    group by 1, 2, 3

),

candidates as (

    {{ candidates('first_name', 'first_name', 'first_name_std', completeness=name_completeness('first_name')) }}

    union all

    {{ candidates('last_name', 'last_name', 'last_name_std', completeness=name_completeness('last_name')) }}

    union all

    {{ candidates('birth_date', 'birth_date', 'birth_date', is_valid="birth_date between cast('1900-01-01' as date) and cast(observed_at as date)") }}

    union all

    {{ candidates('gender', 'gender', 'gender') }}

    union all

    {{ candidates('email', 'lower(email)', 'email_std', is_valid='email_std is not null') }}

    union all

    {{ candidates('phone', 'coalesce(phone_std, phone)', 'phone_std', is_valid='phone_std is not null') }}

    union all

    {{
        candidates(
            'address', "coalesce(street, '') || ', ' || coalesce(city, '') || ', ' || coalesce(state, '') || ' ' || coalesce(postal_code, '')",
            "coalesce(street_std, '') || ',' || coalesce(city_std, '') || ',' || coalesce(postal_code_std, '')",
            is_valid='street is not null and (city is not null or postal_code is not null)',
            completeness='case when street is null then 0 else 1 end + case when city is null then 0 else 1 end'
            ~ ' + case when state is null then 0 else 1 end + case when postal_code is null then 0 else 1 end',
        )
    }}
        and coalesce(street, city, state, postal_code) is not null

    union all

    {{ candidates('loyalty_number', 'loyalty_number', 'loyalty_number') }}

    union all

    {{ candidates('company_name', 'company_name', 'lower(company_name)') }}

    union all

    {{ candidates('job_title', 'job_title', 'lower(job_title)') }}

),

checked as (

    select
        candidates.*,
        case
            when reached.reached_at >= coalesce(reached.bounced_at, reached.reached_at) then 1
            when reached.bounced_at is not null then -1
            else 0
        end as verified

    from candidates

    left join reached
        on candidates.person_id = reached.person_id
            and candidates.attribute = reached.attribute
            and candidates.value_std = reached.value_std

),

scored as (

    select
        *,
        {{ party(survivorship) }} as party,
        {{ source_rank(survivorship) }} as source_rank,
        {{ dbt.datediff("cast('1970-01-01' as timestamp)", 'observed_at', 'second') }} as recency,
        count(*) over (partition by person_id, attribute, value_std) as frequency

    from checked

),

judged as (

    select
        *,
        {{ criterion(survivorship, 0) }} as criterion_0,
        {{ criterion(survivorship, 1) }} as criterion_1,
        {{ criterion(survivorship, 2) }} as criterion_2,
        {{ criterion(survivorship, 3) }} as criterion_3

    from scored

),

ranked as (

    select
        *,
        row_number() over (
            partition by person_id, attribute
            order by
                is_valid desc,
                party asc,
                criterion_0 desc,
                criterion_1 desc,
                criterion_2 desc,
                criterion_3 desc,
                record_id asc
        ) as place

    from judged

),

-- Not joined back to the winners: an engine that computes a CTE anew for each use would compute all of this thrice.
compared as (

    select
        *,
        first_value(value_std) over (partition by person_id, attribute order by place) as winning_value_std

    from ranked

),

winners as (

    select * from compared

    where place = 1

),

rivals as (

    select
        *,
        row_number() over (partition by person_id, attribute order by place) as rival_place

    from compared

    where value_std <> winning_value_std

),

conflicts as (

    select
        person_id,
        attribute,
        count(distinct value_std) filter (where is_valid = 1) as count_conflicts

    from rivals

    group by 1, 2

),

golden as (

    select
        winners.person_id,
        winners.attribute,
        winners.value,
        winners.value_std,
        winners.record_id,
        winners.is_valid = 1 as is_valid,
        winners.observed_at,
        winners.source,
        coalesce(conflicts.count_conflicts, 0) as count_conflicts,
        case
            when rivals.record_id is null then 'unanimous'
            when winners.is_valid <> rivals.is_valid then 'validity'
            when winners.party <> rivals.party then 'first_party'
            {%- for position in range(4) %}
            when winners.criterion_{{ position }} <> rivals.criterion_{{ position }}
                then {{ criterion_name(survivorship, position, 'winners.attribute') }}
            {%- endfor %}
            else 'record_id'
        end as rule

    from winners

    left join rivals
        on winners.person_id = rivals.person_id
            and winners.attribute = rivals.attribute
            and rivals.rival_place = 1

    left join conflicts on winners.person_id = conflicts.person_id and winners.attribute = conflicts.attribute

),

address_parts as (

    {%- for part in parts %}

    select '{{ part }}' as attribute{{ '\n\n    union all' if not loop.last }}
    {%- endfor %}

),

addresses as (

    select
        golden.person_id,
        address_parts.attribute,
        case address_parts.attribute
            {%- for part in parts %}
            when '{{ part }}' then records.{{ part }}
            {%- endfor %}
        end as value,
        case address_parts.attribute
            {%- for part, standard in parts.items() %}
            when '{{ part }}' then coalesce(records.{{ standard }}, records.{{ part }})
            {%- endfor %}
        end as value_std,
        golden.record_id,
        golden.is_valid,
        golden.observed_at,
        golden.source,
        golden.count_conflicts,
        golden.rule

    from golden

    inner join records on golden.record_id = records.record_id

    cross join address_parts

    where golden.attribute = 'address'

),

attributes as (

    select * from golden

    where attribute <> 'address'

    union all

    select * from addresses

    where value is not null

)

select
    person_id,
    attribute,
    value,
    value_std,
    record_id,
    rule,
    case {{ party(survivorship) }} when 1 then 'first' when 2 then 'second' else 'third' end as party,
    cast({{ licence(survivorship) }} as {{ dbt.type_string() }}) as licence,
    is_valid,
    observed_at,
    cast({{ expires_date(survivorship) }} as date) as expires_date,
    cast(count_conflicts as bigint) as count_conflicts

from attributes

{{ config(**incremental_by_group('person_id')) }}

{#- One entry per score: its column, and the columns between which eight of ten such people end, if it has them. -#}
{%- set figures = [
    {'score': 'purchase_probability_28d'},
    {'score': 'purchase_probability_56d'},
    {'score': 'churn_probability_28d'},
    {'score': 'churn_probability_56d'},
    {'score': 'expected_orders_84d'},
    {'score': 'expected_spend_84d_usd', 'low': 'expected_spend_84d_low_usd', 'high': 'expected_spend_84d_high_usd'},
    {'score': 'coupon_probability'},
] -%}
{%- set labels = ['value_tier', 'behaviour_group', 'next_product_id', 'next_category'] %}

with

people as (

    select * from {{ ref('scores__people') }}

),

scores as (

    {%- for figure in figures %}

    select
        person_id,
        '{{ figure.score }}' as score,
        cast(null as {{ dbt.type_string() }}) as label,
        cast({{ figure.score }} as double) as value,
        cast({{ figure.low | default('null') }} as double) as value_low,
        cast({{ figure.high | default('null') }} as double) as value_high,
        as_of_date

    from people

    where {{ figure.score }} is not null

    union all
    {%- endfor %}
    {%- for label in labels %}

    select
        person_id,
        '{{ label }}' as score,
        {{ label }} as label,
        cast(null as double) as value,
        cast(null as double) as value_low,
        cast(null as double) as value_high,
        as_of_date

    from people

    where {{ label }} is not null
    {%- if not loop.last %}

    union all
    {%- endif %}
    {%- endfor %}

)

select
    person_id || '/' || score as person_score_id,
    person_id,
    score,
    label,
    value,
    value_low,
    value_high,
    as_of_date

from scores

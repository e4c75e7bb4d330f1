{# How one value survives among those that a person's records give. What decides is declared in
   var `survivorship` (dbt_project.yml); which columns hold an attribute is in the model. #}

{# One candidate per record that has the attribute. `standard` is the form in which two values count as the same.
   `completeness` counts the good things about the form of a value: the more, the better. #}
{% macro candidates(attribute, value, standard, is_valid='true', completeness='0') -%}
    select
        person_id,
        '{{ attribute }}' as attribute,
        cast({{ value }} as {{ dbt.type_string() }}) as value,
        cast(coalesce({{ standard }}, {{ value }}) as {{ dbt.type_string() }}) as value_std,
        record_id,
        source,
        observed_at,
        confidence,
        case when {{ is_valid }} then 1 else 0 end as is_valid,
        cast({{ completeness }} as bigint) as completeness

    from records

    where {{ value }} is not null
{%- endmacro %}


{# How early a source stands in the attribute's own list of sources, or in the general one: higher is better. #}
{% macro source_rank(survivorship) -%}
    case attribute
        {%- for attribute, declared in survivorship['attributes'].items() if declared.get('sources') %}
        when '{{ attribute }}' then {{ _position('source', declared['sources']) }}
        {%- endfor %}
        else {{ _position('source', survivorship['sources']) }}
    end
{%- endmacro %}

{% macro _position(column, values) -%}
    case {{ column }}
    {%- for value in values %} when '{{ value }}' then {{ values | length - loop.index0 }}{% endfor %} else 0 end
{%- endmacro %}


{# The n-th criterion of each attribute as a number, higher is better; 0 where an attribute has fewer. #}
{% macro criterion(survivorship, position) -%}
    case attribute
        {%- for attribute, declared in survivorship['attributes'].items() if declared['rules'] | length > position %}
        when '{{ attribute }}' then {{ declared['rules'][position] }}
        {%- endfor %}
        when '' then 0
        else 0
    end
{%- endmacro %}


{# The name of the n-th criterion of each attribute. #}
{% macro criterion_name(survivorship, position, attribute) -%}
    case {{ attribute }}
        {%- for name, declared in survivorship['attributes'].items() if declared['rules'] | length > position %}
        when '{{ name }}' then '{{ declared["rules"][position] }}'
        {%- endfor %}
        when '' then ''
    end
{%- endmacro %}


{# The party of a source: 1 ours, 2 a partner's, 3 bought. #}
{% macro party(survivorship) -%}
    case
        {%- if survivorship.get('second_party') %}
        when source in ('{{ survivorship["second_party"] | join("', '") }}') then 2
        {%- endif %}
        {%- if survivorship.get('third_party') %}
        when source in ('{{ survivorship["third_party"] | join("', '") }}') then 3
        {%- endif %}
        when source is null then 3
        else 1
    end
{%- endmacro %}


{# The licence of a source that is not ours; null for ours. #}
{% macro licence(survivorship) -%}
    case
        {%- for source, declared in survivorship.get('enrichment', {}).items() %}
        when source = '{{ source }}' then '{{ declared["licence"] }}'
        {%- endfor %}
        when source is null then null
    end
{%- endmacro %}


{# The last day that a value of a source may be used; null for ever. #}
{% macro expires_date(survivorship) -%}
    case
        {%- for source, declared in survivorship.get('enrichment', {}).items() %}
        when source = '{{ source }}' then {{ dbt.dateadd('day', declared['valid_days'], 'cast(observed_at as date)') }}
        {%- endfor %}
        when source is null then null
    end
{%- endmacro %}


{# A name beats an initial, and proper case beats all capitals or none. #}
{% macro name_completeness(name) -%}
    case when length(replace({{ name }}, '.', '')) > 1 then 2 else 0 end
    + case when {{ name }} <> upper({{ name }}) and {{ name }} <> lower({{ name }}) then 1 else 0 end
{%- endmacro %}

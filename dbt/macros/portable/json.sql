{# A member of a JSON object as text; null where it is missing or the text is no JSON. #}
{% macro json_text(document, member) -%}
    {{ adapter.dispatch('json_text')(document, member) }}
{%- endmacro %}

{% macro duckdb__json_text(document, member) -%}
    case when json_valid({{ document }}) then json_extract_string({{ document }}, '$."{{ member }}"') end
{%- endmacro %}

{% macro spark__json_text(document, member) -%}
    get_json_object({{ document }}, '$.{{ member }}')
{%- endmacro %}


{# The elements of a JSON list, to stand in a select list: one row each, as JSON text; no row where there is no list. #}
{% macro unnest_json(document) -%}
    {{ adapter.dispatch('unnest_json')(document) }}
{%- endmacro %}

{% macro duckdb__unnest_json(document) -%}
    unnest(case when json_valid({{ document }}) then from_json({{ document }}, '["json"]') end)
{%- endmacro %}

{% macro spark__unnest_json(document) -%}
    explode(from_json({{ document }}, 'array<string>'))
{%- endmacro %}

{# The distinct values of a group in alphabetical order, as one text. #}
{% macro joined_text(expression, delimiter=', ') -%}
    {{ return(adapter.dispatch('joined_text', 'tessera')(expression, delimiter)) }}
{%- endmacro %}

{% macro duckdb__joined_text(expression, delimiter) -%}
    string_agg(distinct {{ expression }}, '{{ delimiter }}' order by {{ expression }})
{%- endmacro %}

{% macro spark__joined_text(expression, delimiter) -%}
    array_join(array_sort(collect_set({{ expression }})), '{{ delimiter }}')
{%- endmacro %}

{# What stands for a unique id inside one query: DuckDB groups and joins a number in half the time and memory of a text;
   Spark would sort everybody in one place to number them, so there it is the id. #}
{% macro row_key(id) -%}
    {{ adapter.dispatch('row_key')(id) }}
{%- endmacro %}

{% macro duckdb__row_key(id) -%}
    cast(row_number() over (order by {{ id }}) as integer)
{%- endmacro %}

{% macro spark__row_key(id) -%}
    {{ id }}
{%- endmacro %}

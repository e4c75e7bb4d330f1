{# Behind a CTE's `as`: compute it anew wherever it is named. DuckDB keeps the rows of one that is named twice until the
   query ends, which for all acts of a million people is more than memory holds. #}
{% macro inlined() -%}
    {{ adapter.dispatch('inlined')() }}
{%- endmacro %}

{% macro duckdb__inlined() -%}
    not materialized
{%- endmacro %}

{# Spark keeps none. #}
{% macro spark__inlined() -%}
{%- endmacro %}

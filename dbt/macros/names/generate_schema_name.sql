{# The stage's schema alone, so that key, schema and table read `<stage>.<entities>`. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}

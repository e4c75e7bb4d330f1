{# A model's schema is its stage, the folder under models/: key, schema and table read `<stage>.<entities>`. The published
   file has the marts alone, without their stage. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if custom_schema_name -%}
        {{ custom_schema_name | trim }}
    {%- elif target.name == 'published' and node.fqn[1] == 'marts' -%}
        {{ target.schema }}
    {%- elif node.resource_type == 'model' -%}
        {{ node.fqn[1] }}
    {%- else -%}
        {{ target.schema }}
    {%- endif -%}
{%- endmacro %}

{# `conformed__contacts` is table `contacts` of its stage, `sync_hubspot__contacts` is `hubspot__contacts`; staging keeps
   the full name, because two systems may both have `contacts`. #}
{% macro generate_alias_name(custom_alias_name=none, node=none) -%}
    {%- if custom_alias_name -%}
        {{ custom_alias_name | trim }}
    {%- elif node.resource_type != 'model' or node.fqn[1] == 'staging' or '__' not in node.name -%}
        {{ node.name }}
    {%- elif node.name.startswith('sync_') -%}
        {{ node.name[5:] }}
    {%- else -%}
        {{ node.name.split('__', 1)[1] }}
    {%- endif -%}
{%- endmacro %}

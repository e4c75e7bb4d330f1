{# An e-mail address as it is compared: lower case, no +tag, for Gmail no dots and one domain; null if it is none. #}
{% macro email_std(email) -%}
    {%- set address = "lower(trim(" ~ email ~ "))" -%}
    {%- set local = "split_part(split_part(" ~ address ~ ", '@', 1), '+', 1)" -%}
    {%- set domain = "split_part(" ~ address ~ ", '@', 2)" -%}
    case
        when not {{ matches_pattern(address, '^[^@\\s+,;<>][^@\\s,;<>]*@[a-z0-9-]+([.][a-z0-9-]+)*[.][a-z]{2,}$') }} then null
        {#- Not `in`: on a column without values DuckDB 2.0.0 then fails to plan the query. #}
        when {{ matches_pattern(address, '@(gmail|googlemail)[.]com$') }} then replace({{ local }}, '.', '') || '@gmail.com'
        else {{ local }} || '@' || {{ domain }}
    end
{%- endmacro %}

{# A loyalty number as it is compared: as keyed on a till, without blanks and dashes. #}
{% macro loyalty_number_std(loyalty_number) -%}
    nullif(upper({{ replace_pattern(loyalty_number, '[ -]', '') }}), '')
{%- endmacro %}


{# ISO 4217 code in upper case. #}
{% macro currency_code(currency) -%}
    upper(trim({{ currency }}))
{%- endmacro %}


{# The code of a text in a dict of text to code, null if it is not there. One search in a packed list: a `case` of many
   branches would repeat the whole expression in each. #}
{% macro looked_up(text, codes) -%}
    {%- set packed = [] -%}
    {%- for name, code in codes.items() %}{% do packed.append(name ~ '=' ~ code) %}{% endfor -%}
    nullif(split_part(split_part('|{{ packed | join("|") }}|', '|' || {{ text }} || '=', 2), '|', 1), '')
{%- endmacro %}

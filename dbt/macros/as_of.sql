{# The day a run looks from, as a DATE: dbt var `as_of`, else the newest business date of the tills. No model asks the clock. #}
{% macro as_of() -%}
    {%- set receipt_lines = ref('stg_receipts__receipt_lines') -%}
    {%- if var('as_of', none) -%}
        cast('{{ var("as_of") }}' as date)
    {%- else -%}
        (select max(business_date) from {{ receipt_lines }})
    {%- endif -%}
{%- endmacro %}

{# A phone number as +<country><number>, read as dialled in `region`; null if it is none. The function is registered by
   orchestration.warehouse.functions, which remembers the numbers it has seen. #}
{% macro phone_e164(phone, region="'" ~ var('default_country') ~ "'") -%}
    {{ adapter.dispatch('phone_e164')(phone, region) }}
{%- endmacro %}

{% macro default__phone_e164(phone, region) -%}
    phone_e164({{ phone }}, {{ region }})
{%- endmacro %}

{# The day of a UTC timestamp on the wall clock of a time zone. #}
{% macro local_date(timestamp, timezone=var('store_timezone')) -%}
    {{ adapter.dispatch('local_date')(timestamp, timezone) }}
{%- endmacro %}

{% macro duckdb__local_date(timestamp, timezone) -%}
    cast(({{ timestamp }} at time zone 'UTC') at time zone '{{ timezone }}' as date)
{%- endmacro %}

{% macro spark__local_date(timestamp, timezone) -%}
    cast(from_utc_timestamp({{ timestamp }}, '{{ timezone }}') as date)
{%- endmacro %}


{# Midnight of a date on the wall clock of a time zone, as a UTC timestamp. #}
{% macro local_midnight(date, timezone=var('store_timezone')) -%}
    {{ adapter.dispatch('local_midnight')(date, timezone) }}
{%- endmacro %}

{% macro duckdb__local_midnight(date, timezone) -%}
    (cast({{ date }} as timestamp) at time zone '{{ timezone }}') at time zone 'UTC'
{%- endmacro %}

{% macro spark__local_midnight(date, timezone) -%}
    to_utc_timestamp(cast({{ date }} as timestamp), '{{ timezone }}')
{%- endmacro %}

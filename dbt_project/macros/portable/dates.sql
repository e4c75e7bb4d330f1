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


{# The hour of a UTC timestamp on the wall clock of a time zone, 0 to 23. #}
{% macro local_hour(timestamp, timezone=var('store_timezone')) -%}
    {{ adapter.dispatch('local_hour')(timestamp, timezone) }}
{%- endmacro %}

{% macro duckdb__local_hour(timestamp, timezone) -%}
    cast(extract(hour from ({{ timestamp }} at time zone 'UTC') at time zone '{{ timezone }}') as bigint)
{%- endmacro %}

{% macro spark__local_hour(timestamp, timezone) -%}
    cast(hour(from_utc_timestamp({{ timestamp }}, '{{ timezone }}')) as bigint)
{%- endmacro %}


{# The day of the week, 1 is Sunday. #}
{% macro day_of_week(date) -%}
    1 + cast({{ dbt.datediff("cast('2006-01-01' as date)", date, 'day') }} % 7 as bigint)
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


{# Every day from `first` to `last` (ISO dates), both included: a subquery of one column, calendar_date. #}
{% macro every_date(first, last) -%}
    {{ adapter.dispatch('every_date')(first, last) }}
{%- endmacro %}

{% macro duckdb__every_date(first, last) -%}
    (
        select cast(unnest(generate_series(date '{{ first }}', date '{{ last }}', interval 1 day)) as date) as calendar_date
    )
{%- endmacro %}

{% macro spark__every_date(first, last) -%}
    (select explode(sequence(date '{{ first }}', date '{{ last }}')) as calendar_date)
{%- endmacro %}


{# Minutes from one timestamp to another, seconds dropped on both: dbt's own would round up on one engine only. #}
{% macro minutes_between(first, second) -%}
    {{ dbt.datediff(dbt.date_trunc('minute', first), dbt.date_trunc('minute', second), 'minute') }}
{%- endmacro %}

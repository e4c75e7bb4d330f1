{# The batches that a row made of several rows comes from, as `_batch_id` lists them (see incremental_by_batch.sql). #}
{% macro all_batches(batch_id='_batch_id') -%}
    {{ adapter.dispatch('all_batches')(batch_id) }}
{%- endmacro %}

{% macro duckdb__all_batches(batch_id) -%}
    string_agg(distinct {{ batch_id }}, ' ' order by {{ batch_id }})
{%- endmacro %}

{% macro spark__all_batches(batch_id) -%}
    array_join(array_sort(collect_set({{ batch_id }})), ' ')
{%- endmacro %}

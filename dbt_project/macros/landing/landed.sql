{# The typed rows of one landed resource that count: those of its current batches. A subquery, to stand after `from`.

   Which batches are current is settled once per run and system, in `stg_<system>__batches`, so that all models of a run
   read the same loads even if another load finishes meanwhile. #}
{% macro landed(system, resource) -%}
    {%- set batches = ref('stg_' ~ system ~ '__batches') -%}
    {%- set source_relation = source(system, resource) -%}
    {#- In a unit test the source is a fixture. -#}
    {%- set rows = source_relation if source_relation.is_cte else landed_files(system, resource) -%}
    (
        select *
        from {{ rows }}
        where _batch_id in (select batch_id from {{ batches }} where resource = '{{ resource }}')
    )
{%- endmacro %}


{# The files of one landed table, as a relation; columns a file lacks are null. #}
{% macro landed_files(system, table) -%}
    {{ adapter.dispatch('landed_files')(system, table) }}
{%- endmacro %}

{% macro duckdb__landed_files(system, table) -%}
    read_parquet('{{ env_var("TESSERA_LANDING") }}/{{ system }}/{{ table }}/*.parquet', union_by_name = true)
{%- endmacro %}

{% macro spark__landed_files(system, table) -%}
    parquet.`{{ env_var("TESSERA_LANDING") }}/{{ system }}/{{ table }}`
{%- endmacro %}


{# Ids of the loads that dlt finished, as a relation with one column, load_id: a killed load left files but no entry. #}
{% macro finished_loads(system) -%}
    {{ adapter.dispatch('finished_loads')(system) }}
{%- endmacro %}

{% macro duckdb__finished_loads(system) -%}
    (
        select regexp_extract(file, '__([0-9.]+)[.]jsonl$', 1) as load_id
        from glob('{{ env_var("TESSERA_LANDING") }}/{{ system }}/_dlt_loads/*.jsonl')
    )
{%- endmacro %}

{% macro spark__finished_loads(system) -%}
    (select distinct load_id from json.`{{ env_var("TESSERA_LANDING") }}/{{ system }}/_dlt_loads` where status = 0)
{%- endmacro %}

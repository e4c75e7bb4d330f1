{# The typed rows of one landed resource that count: those of its current batches. A subquery, to stand after `from`.

   Which batches are current is settled once per run and system, in `stg_<system>__batches`, so that all models of a run
   read the same loads even if another load finishes meanwhile. `_part_id` names the part of a batch that landed in one
   load: most batches have one, those of which rows left the quarantine later have more. `only` narrows the batches. #}
{% macro landed(system, resource, only='true') -%}
    {%- set batches = ref('stg_' ~ system ~ '__batches') -%}
    (
        select
            files.*,
            batches.batch_id as _part_id

        from {{ landed_table(system, resource) }} as files

        inner join {{ batches }} as batches
            on files._batch_id = batches.landed_batch_id
            and files._dlt_load_id = batches._load_id

        where batches.resource = '{{ resource }}' and {{ only }}
    )
{%- endmacro %}


{# One landed table with all its loads, complete or not, as a relation. Named as a source for lineage. #}
{% macro landed_table(system, table) -%}
    {%- set relation = source(system, table) -%}
    {#- In a unit test the source is a fixture. -#}
    {{ relation if relation.is_cte else landed_files(system, table) }}
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
    (
        select regexp_extract(path, '__([0-9.]+)[.]jsonl$', 1) as load_id
        from binaryFile.`{{ env_var("TESSERA_LANDING") }}/{{ system }}/_dlt_loads`
    )
{%- endmacro %}

{# Tables computed in full of which only differing rows are written; see incremental_by_batch.sql. `key` is one column; where
   several rows share a key, they are written together. #}
{% macro incremental_by_difference(key) -%}
    {{ return(incremental_config('difference', unique_key=key)) }}
{%- endmacro %}


{# dbt's entry point for `incremental_strategy: difference`. #}
{% macro get_incremental_difference_sql(arg_dict) -%}
    {%- set old = arg_dict['target_relation'] -%}
    {%- set new = arg_dict['temp_relation'] -%}
    {%- set key = arg_dict['unique_key'] -%}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') -%}

    create or replace temp table {{ touched_keys() }} as
    select distinct {{ key }}
    from (
        select {{ key }}
        from (
            select {{ columns }}, -1 as side from {{ old }}
            union all
            select {{ columns }}, 1 as side from {{ new }}
        ) as both_sides
        group by {{ columns }}
        having sum(side) <> 0
    ) as differing;

    delete from {{ old }} where {{ key }} in (select {{ key }} from {{ touched_keys() }});

    insert into {{ old }} ({{ columns }})
    select {{ columns }} from {{ new }} where {{ key }} in (select {{ key }} from {{ touched_keys() }})
{%- endmacro %}

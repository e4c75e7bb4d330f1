{# Staged records of which the source sends new versions; see incremental_by_batch.sql.

   `key` lists landed columns, or expressions on them; `updated_at` is the landed column that orders versions, if any. The
   table must carry `_batch_id` and `_line`, which name a landed row. #}
{% macro incremental_by_key(system, resource, key, updated_at=none) -%}
    {%- set arguments -%}
        system={{ system | tojson }}, resource={{ resource | tojson }}, key={{ key | tojson }}, updated_at={{ updated_at | tojson | replace('null', 'none') }}
    {%- endset -%}
    {{ return(incremental_config([
        '{{ find_versions(' ~ arguments ~ ') }}',
        '{{ forget_other_versions() }}',
    ])) }}
{%- endmacro %}


{# Hook: which versions count now, in a temporary table. #}
{% macro find_versions(system, resource, key, updated_at) -%}
    {%- set versions = counting_versions(system, resource, key, updated_at) -%}
    {%- if is_incremental() %}
    create or replace temp table {{ touched_keys() }} as select * from {{ versions }} as versions
    {%- endif %}
{%- endmacro %}


{# Hook: delete the rows that do not count any more, and keep of the counting versions only those the table lacks. #}
{% macro forget_other_versions() -%}
    {%- if is_incremental() %}
    delete from {{ this }} as old_rows
    where not exists (
        select 1 from {{ touched_keys() }} as touched
        where touched._batch_id = old_rows._batch_id and touched._line = old_rows._line
    );
    delete from {{ touched_keys() }} as touched
    using {{ this }} as old_rows
    where touched._batch_id = old_rows._batch_id and touched._line = old_rows._line
    {%- endif %}
{%- endmacro %}


{# The landed rows that count and that the table lacks: a subquery, to stand after `from`. #}
{% macro last_version(system, resource, key, updated_at=none) -%}
    {%- set versions = counting_versions(system, resource, key, updated_at) -%}
    {%- if is_incremental() -%}
        {%- set versions = touched_keys() -%}
        {%- set only = 'batches.batch_id in (select _batch_id from ' ~ touched_keys() ~ ')' -%}
    {%- endif -%}
    (
        select landed_rows.*
        from {{ landed(system, resource, only | default('true')) }} as landed_rows
        where exists (
            select 1 from {{ versions }} as touched
            where touched._batch_id = landed_rows._part_id and touched._line = landed_rows._line
        )
    )
{%- endmacro %}


{# Which landed row of each key counts: the newest version; but a version that says the same as the one before it (an echo,
   perhaps of what we ourselves sent) is no change, so of a last run of equal versions it is the first. A subquery of
   `_batch_id`, `_line`. #}
{% macro counting_versions(system, resource, key, updated_at) -%}
    {%- set keys = [] -%}
    {%- for expression in key %}{% do keys.append('key_' ~ loop.index) %}{% endfor -%}
    {%- set order = ([updated_at] if updated_at else []) + ['_file', '_received_at', '_part_id', '_line'] -%}
    (
        select
            _part_id as _batch_id,
            _line

        from (
            select
                *,
                lag(content_hash) over (
                    partition by {{ keys | join(', ') }} order by {{ order | join(' nulls first, ') }}
                ) as previous_hash

            from (
                select
                    {%- for expression in key %}
                    {{ expression }} as key_{{ loop.index }},
                    {%- endfor %}
                    {{ order | join(', ') }},
                    {{ content_hash(system, resource, updated_at) }} as content_hash

                from {{ landed(system, resource) }} as landed_rows
            ) as hashed
        ) as versions

        where previous_hash is null or previous_hash <> content_hash

        qualify
            row_number() over (
                partition by {{ keys | join(', ') }} order by {{ order | join(' desc nulls last, ') }} desc
            ) = 1
    )
{%- endmacro %}


{# Hash of all that a record says: every column of its contract but the one that says when it was touched. #}
{% macro content_hash(system, resource, updated_at) -%}
    {%- set columns = [] -%}
    {%- if execute -%}
        {%- for declared in graph.sources.values() if declared.source_name == system and declared.name == resource -%}
            {%- for name in declared.columns if not name.startswith('_') and name != updated_at -%}
                {%- do columns.append("coalesce(cast(" ~ name ~ " as " ~ dbt.type_string() ~ "), '␀')") -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- if not columns -%}
            {{ exceptions.raise_compiler_error('source ' ~ system ~ '.' ~ resource ~ ' declares no columns') }}
        {%- endif -%}
    {%- endif -%}
    md5({{ columns | join(" || '␟' || ") }})
{%- endmacro %}

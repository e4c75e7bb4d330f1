{#
    Three ways for a table to follow its input, all with the same promise: a table that was brought up to date again and
    again holds exactly the rows of one that was just rebuilt. Nothing is remembered apart from the rows themselves.

      by batch       large tables of rows that never change once landed. Touched are the keys of rows whose batch counts no
                     more, and of rows that came with a batch the table does not know. Both are found in the distinct
                     `_batch_id`s; only touched keys are read, deleted and written again.
      by key         staged records of which the source sends new versions: which version counts is found over all of them
                     (cheap), only versions the table does not have are normalised and written (dear).
      by group       everything else: computed in full, only groups of rows that differ are written.

    Why batches suffice: which of several rows of one key counts follows from a fixed order of precedence, and a batch is
    never altered. So a key's row can only change when the batch of its old row goes or that of its new row comes.
    A row made of several rows lists all their batches in `_batch_id`, separated by spaces.

    Spark rebuilds: its plain Parquet tables can neither delete nor merge.
#}
{% macro incremental_by_batch(key, system=none, resource=none, batches_of=[], versions_of=[]) -%}
    {%- set touch -%}
        {{ '{{' }} touch(key={{ key | tojson }}, system={{ system | tojson }}, resource={{ resource | tojson }}, batches_of={{ batches_of | tojson }}, versions_of={{ versions_of | tojson }}) {{ '}}' }}
    {%- endset -%}
    {%- set forget -%}
        {{ '{{' }} forget_touched(key={{ key | tojson }}) {{ '}}' }}
    {%- endset -%}
    {{ return(incremental_config([touch | replace('null', 'none'), forget])) }}
{%- endmacro %}


{# A table whose hooks delete what is outdated, and whose query then brings what it lacks. #}
{% macro incremental_config(pre_hook) -%}
    {%- if target.type != 'duckdb' -%}
        {{ return({'materialized': 'table'}) }}
    {%- endif -%}
    {{ return({
        'materialized': 'incremental',
        'incremental_strategy': 'append',
        'on_schema_change': 'fail',
        'pre_hook': pre_hook,
    }) }}
{%- endmacro %}


{# The temporary table of touched keys of the model that is being built. #}
{% macro touched_keys() -%}
    {{ this.schema }}__{{ this.identifier }}__touched
{%- endmacro %}


{# Hook: collect the touched keys. `key` is a column of this table; from landing, a dict of it to landing's columns. #}
{% macro touch(key, system, resource, batches_of, versions_of) -%}
    {%- set staged = key.keys() | list if key is mapping else [key] -%}
    {%- set columns = staged | join(', ') -%}
    {%- if system -%}
        {%- set batches = ref('stg_' ~ system ~ '__batches') -%}
    {%- endif -%}
    {%- set batch_models = [] -%}
    {%- set version_models = [] -%}
    {%- for model in batches_of %}{% do batch_models.append(ref(model)) %}{% endfor -%}
    {%- for model in versions_of %}{% do version_models.append(ref(model)) %}{% endfor -%}
    {%- if is_incremental() %}
    create or replace temp table {{ touched_keys() }} as
    with

    known as (

        select
            batches,
            unnest(string_split(batches, ' ')) as batch_id

        from (select distinct _batch_id as batches from {{ this }})

    ),

    current_batches as (
        {%- if system %}
        select batch_id from {{ batches }} where resource = '{{ resource }}' and count_landed > 0
        {%- endif %}
        {%- for model in batch_models + version_models %}
        {{ 'union' if not loop.first }}
        select distinct _batch_id as batch_id from {{ model }}
        {%- endfor %}

    ),

    gone as (

        select batches from known where batch_id not in (select batch_id from current_batches)

    ),

    arrived as (

        select batch_id from current_batches where batch_id not in (select batch_id from known)

    )

    select {{ columns }} from {{ this }} where _batch_id in (select batches from gone)
    {%- if system %}
    union
    select
        {%- for name, landed_name in key.items() %}
        {{ landed_name }} as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ landed(system, resource, only='batches.batch_id in (select batch_id from arrived)') }} as landed_rows
    {%- endif %}
    {%- for model in batch_models %}
    union
    select {{ columns }} from {{ model }} where _batch_id in (select batch_id from arrived)
    {%- endfor %}
    {%- for model in version_models %}
    union
    select {{ columns }} from {{ model }} as versions
    where not exists (
        select 1 from {{ this }} as old_rows
        where old_rows.{{ columns }} = versions.{{ columns }} and old_rows._batch_id = versions._batch_id
    )
    {%- endfor %}
    {%- endif %}
{%- endmacro %}


{# Hook: delete the rows of the touched keys; the model's own query brings those back that still exist. #}
{% macro forget_touched(key) -%}
    {%- if is_incremental() %}
    delete from {{ this }} as old_rows
    using {{ touched_keys() }} as touched
    where
        {%- for name in (key.keys() if key is mapping else [key]) %}
        {{ 'and ' if not loop.first }}old_rows.{{ name }} = touched.{{ name }}
        {%- endfor %}
    {%- endif %}
{%- endmacro %}


{# Condition for a model's import CTE: only rows of touched keys, all rows when the table is rebuilt. #}
{% macro is_touched(alias, key) -%}
    {%- if is_incremental() -%}
        exists (
            select 1 from {{ touched_keys() }} as touched
            where
                {%- for name, read_name in (key.items() if key is mapping else [(key, key)]) %}
                {{ 'and ' if not loop.first }}touched.{{ name }} = {{ alias }}.{{ read_name }}
                {%- endfor %}
        )
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}


{# The row of each key that counts, of rows that never change once landed: where two batches hold one key, that of the
   last file, so that the order in which files arrive does not matter. A subquery, to stand after `from`. #}
{% macro last_landed(system, resource, key) -%}
    (
        select landed_rows.*
        from {{ landed(system, resource, only=("batches.resource in (select '" ~ resource ~ "' from " ~ touched_keys() ~ ")") if is_incremental() else 'true') }} as landed_rows
        where {{ is_touched('landed_rows', key) }}
        qualify
            row_number() over (
                partition by {{ key.values() | join(', ') }}
                order by _file desc, _received_at desc, _part_id desc, _line desc
            ) = 1
    )
{%- endmacro %}

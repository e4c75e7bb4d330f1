{# Body of every `stg_<system>__batches`: the landed batches whose rows count now.

   Of a file drop that is the newest batch of the file that was not rejected, and none if the file was withdrawn; of an API
   (no file) every landed batch. `resources` is named for lineage: the batches change when any of them lands. #}
{% macro current_batches(system, resources) -%}
{%- for resource in resources -%}
    {%- do source(system, resource) -%}
{%- endfor -%}
with

finished_loads as (

    select * from {{ finished_loads(system) }}

),

batches as (

    select * from {{ landed_files(system, 'batches') }}
    where _dlt_load_id in (select load_id from finished_loads)

),

accepted as (

    select * from batches
    where
        status <> 'rejected'
        and batch_id not in (select batch_id from batches where status = 'rejected')

),

newest as (

    select
        resource,
        file,
        batch_id,
        status,
        landed as count_landed,
        quarantined as count_quarantined,
        received_at,
        _dlt_load_id as _load_id

    from accepted

    qualify
        file = ''
        or row_number() over (partition by resource, file order by received_at desc, batch_id desc) = 1

)

select * from newest
where status = 'landed'
{%- endmacro %}

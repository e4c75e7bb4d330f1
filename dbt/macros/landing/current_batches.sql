{# Body of every `stg_<system>__batches`: the landed batches whose rows count now, by the load that brought the rows.

   Of a file drop that is the newest batch of the file that was not rejected, and none if the file was withdrawn; of an API
   (no file) every landed batch. Rows of a batch that left the quarantine later came with a later load: that part has an id
   of its own, so that `batch_id` always names rows that never change. `resources` is named for lineage. #}
{% macro current_batches(system, resources) -%}
{%- for resource in resources -%}
    {%- do source(system, resource) -%}
{%- endfor -%}
with

finished_loads as (

    select * from {{ finished_loads(system) }} as loads

),

batches as (

    select * from {{ landed_table(system, 'batches') }}
    where _dlt_load_id in (select load_id from finished_loads)

),

replays as (

    select * from {{ landed_table(system, 'replays') }}
    where _dlt_load_id in (select load_id from finished_loads)

),

accepted as (

    select * from batches
    where batch_id not in (select batch_id from batches where status = 'rejected')

),

newest as (

    select * from accepted
    qualify
        file = ''
        or row_number() over (partition by resource, file order by received_at desc, batch_id desc) = 1

),

parts as (

    select
        batch_id,
        batch_id as landed_batch_id,
        resource,
        file,
        landed as count_landed,
        received_at,
        _dlt_load_id as _load_id

    from newest

    where status = 'landed'

    union all

    select
        newest.batch_id || '/' || replays._dlt_load_id as batch_id,
        newest.batch_id as landed_batch_id,
        newest.resource,
        newest.file,
        count(*) as count_landed,
        min(replays.replayed_at) as received_at,
        replays._dlt_load_id as _load_id

    from replays

    inner join newest on replays.batch_id = newest.batch_id and replays.resource = newest.resource

    where newest.status = 'landed'

    group by 1, 2, 3, 4, 7

)

select * from parts
{%- endmacro %}

{%- set table = {'system': 'hubspot', 'resource': 'deals', 'key': {'deal_id': 'id'}} -%}
{{ config(**incremental_by_batch(**table)) }}

with

source as (

    select * from {{ landed('hubspot', 'deals') }} as landed_rows
    where {{ is_touched('landed_rows', table.key) }}

),

renamed as (

    select
        id as deal_id,
        pipeline,
        stage,
        coalesce(is_archived, false) as is_deleted,
        created_at as opened_at,
        updated_at,
        cast(row_number() over (
            partition by id order by updated_at nulls first, _file, _received_at, _part_id, _line
        ) as bigint) as version_no,
        _part_id as _batch_id,
        _line,
        _dlt_load_id as _load_id

    from source

)

select * from renamed

{{ config(meta={'dagster': {'ref': {'name': 'conformed__contacts'}}}) }}

-- A browser and a contact under one record_id would make a stranger's clicks theirs. Fails on each record_id that two kinds
-- of records share. That a kind has each id once is tested where the kind is staged.
with

record_ids as (

    select record_id, source || ':' || object as kind from {{ ref('conformed__contacts') }}

    union all

    select record_id, 'segment:anonymous' as kind from {{ ref('stg_segment__anonymous') }}

)

select
    record_id,
    count(distinct kind) as count_kinds

from record_ids

group by 1

having count(distinct kind) > 1

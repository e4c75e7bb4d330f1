{{ config(meta={'dagster': {'ref': {'name': 'conformed__contacts'}}}) }}

-- `record_id` is source, object and the source's own id: two sources may both have a record 4711. Fails on each contact
-- whose id does not say so, because joins on record_id would then mix up people of two sources.
select
    record_id,
    source,
    object,
    source_record_id

from {{ ref('conformed__contacts') }}

where
    source_record_id is null
    or record_id <> source || ':' || object || ':' || source_record_id

{{ config(meta={'dagster': {'ref': {'name': 'conformed__contacts'}}}) }}

-- Identity resolves what has an identifier. Fails on each contact that has none, not even its source's own id.
select contacts.record_id

from {{ ref('conformed__contacts') }} as contacts

left join {{ ref('conformed__identifiers') }} as identifiers on contacts.record_id = identifiers.record_id

where identifiers.record_id is null

{{ config(**incremental_by_group('deal_id')) }}

with

deal_stages as (

    select * from {{ ref('conformed__deal_stages') }}

),

deals as (

    select * from {{ ref('conformed__deals') }}

),

person_records as (

    select * from {{ source('identity', 'person_records') }}

)

select

    ---------- ids
    deal_stages.deal_stage_id,
    deal_stages.deal_id,
    person_records.person_id,
    deals.company_id,
    deals.owner_id,

    ---------- strings
    deal_stages.source,
    deal_stages.brand,
    deals.name as deal_name,
    deal_stages.pipeline,
    deal_stages.stage,
    deals.currency,

    ---------- numbers
    deal_stages.stay_no,
    cast({{ minutes_between('deal_stages.entered_at', 'deal_stages.left_at') }} as bigint) as minutes_in_stage,
    cast(deals.amount as decimal(18, 2)) as amount,

    ---------- booleans
    deal_stages.left_at is null as is_current,
    deal_stages.is_entry_known,

    ---------- timestamps
    deals.opened_at,
    deal_stages.entered_at,
    deal_stages.left_at,
    deals.closed_at

from deal_stages

inner join deals on deal_stages.deal_id = deals.deal_id and deal_stages.source = deals.source

left join person_records on deals.record_id = person_records.record_id

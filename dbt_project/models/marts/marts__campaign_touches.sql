{{ config(**incremental_by_group('touch_date', held=false)) }}

with

interactions as (

    select * from {{ ref('conformed__interactions') }}

    where campaign_id is not null

),

coupon_redemptions as (

    select * from {{ ref('conformed__coupon_redemptions') }}

    where campaign_id is not null

),

campaigns as (

    select * from {{ ref('conformed__campaigns') }}

),

person_records as (

    select * from {{ source('identity', 'person_records') }}

),

touches as (

    select
        interaction_id as touch_id,
        record_id,
        brand,
        campaign_id,
        channel,
        interaction_type as touch_type,
        event_date as touch_date

    from interactions

    union all

    select
        redemption_id as touch_id,
        record_id,
        brand,
        campaign_id,
        'pos' as channel,
        'redeemed' as touch_type,
        business_date as touch_date

    from coupon_redemptions

)

select
    touches.touch_id,
    person_records.person_id,
    touches.brand,
    touches.campaign_id,
    campaigns.name as campaign_name,
    campaigns.campaign_type,
    touches.channel,
    touches.touch_type,
    touches.touch_date

from touches

left join person_records on touches.record_id = person_records.record_id

left join campaigns on touches.campaign_id = campaigns.campaign_id

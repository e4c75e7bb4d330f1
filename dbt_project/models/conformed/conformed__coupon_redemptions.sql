{{ config(**incremental_by_group(key='redemption_id')) }}

with

receipts_coupon_redemptions as (

    select * from {{ ref('stg_receipts__redemptions') }}

),

coupon_redemptions as (

    select
        redemption_id,
        'receipts' as source,
        '{{ var("brand") }}' as brand,
        'receipts:members:' || loyalty_number as record_id,
        loyalty_number,
        coupon_upc,
        campaign_id,
        business_date,
        store_id,
        order_id,
        _batch_id,
        _load_id

    from receipts_coupon_redemptions

)

select * from coupon_redemptions

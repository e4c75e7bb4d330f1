{%- set table = {
    'system': 'receipts',
    'resource': 'redemptions',
    'key': ['business_date', 'loyalty_number', 'coupon_upc', 'campaign_id'],
} -%}
{{ config(**incremental_by_key(**table)) }}

with

source as (

    select * from {{ last_version(**table) }} as landed_rows

),

renamed as (

    select
        'receipts:redemptions:' || business_date || '/' || loyalty_number || '/' || coupon_upc || '/' || campaign_id
            as redemption_id,
        case
            when receipt_id is not null and store_id is not null
                then 'receipts:receipts:' || business_date || '/' || store_id || '/' || receipt_id
        end as order_id,
        {{ loyalty_number_std('loyalty_number') }} as loyalty_number,
        coupon_upc,
        campaign_id,
        store_id,
        business_date,
        _part_id as _batch_id,
        _line,
        _dlt_load_id as _load_id

    from source

)

select * from renamed

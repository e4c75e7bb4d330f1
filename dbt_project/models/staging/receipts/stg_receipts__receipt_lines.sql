{%- set table = {
    'system': 'receipts',
    'resource': 'receipt_lines',
    'key': {'business_date': 'business_date', 'store_id': 'store_id', 'receipt_id': 'receipt_id', 'line_no': 'line_no'},
} -%}
{{ config(**incremental_by_batch(**table)) }}

with

source as (

    select * from {{ last_landed(**table) }} as landed_rows

),

renamed as (

    select
        'receipts:receipts:' || business_date || '/' || store_id || '/' || receipt_id as order_id,
        receipt_id,
        store_id,
        register_id,
        product_id,
        {{ loyalty_number_std('loyalty_number') }} as loyalty_number,
        line_type,
        {{ currency_code('currency') }} as currency,
        line_no,
        quantity,
        gross_amount,
        coalesce(discount_amount, 0) as discount_amount,
        coalesce(coupon_amount, 0) as coupon_amount,
        net_amount,
        business_date,
        sold_at as ordered_at,
        _part_id as _batch_id,
        _dlt_load_id as _load_id

    from source

)

select * from renamed

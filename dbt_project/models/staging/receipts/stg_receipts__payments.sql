{%- set table = {
    'system': 'receipts',
    'resource': 'payments',
    'key': {
        'business_date': 'business_date',
        'store_id': 'store_id',
        'receipt_id': 'receipt_id',
        'payment_no': 'payment_no',
    },
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
        method,
        {{ currency_code('currency') }} as currency,
        {{ trimmed('card_token') }} as card_token,
        payment_no,
        amount,
        business_date,
        _part_id as _batch_id,
        _dlt_load_id as _load_id

    from source

)

select * from renamed

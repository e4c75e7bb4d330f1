{{ config(**incremental_by_batch(key='order_id', batches_of=['stg_receipts__payments'])) }}

with

receipt_payments as (

    select * from {{ ref('stg_receipts__payments') }} as read_rows
    where {{ is_touched('read_rows', 'order_id') }}

),

payments as (

    select
        order_id || '/' || payment_no as payment_id,
        order_id,
        'receipts' as source,
        '{{ var("brand") }}' as brand,
        method,
        amount,
        currency,
        card_token,
        business_date,
        _batch_id,
        _load_id

    from receipt_payments

)

select * from payments

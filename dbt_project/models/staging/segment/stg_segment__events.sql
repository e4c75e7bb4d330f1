{%- set table = {'system': 'segment', 'resource': 'events', 'key': {'message_id': 'message_id'}} -%}
{{ config(**incremental_by_batch(**table)) }}

with

source as (

    select * from {{ last_landed(**table) }} as landed_rows

),

renamed as (

    select
        'segment:events:' || message_id as event_id,
        case
            when user_id is not null then 'segment:users:' || user_id
            when anonymous_id is not null then 'segment:anonymous:' || anonymous_id
        end as record_id,
        message_id,
        anonymous_id,
        user_id,
        device_id,
        order_id,
        product_id,
        case
            when type = 'identify' then 'identified'
            when type in ('page', 'screen') then 'page'
            when type = 'track' and event = 'Product Viewed' then 'product_viewed'
            when type = 'track' and event = 'Products Searched' then 'searched'
            when type = 'track' and event = 'Product Added' then 'cart_added'
            when type = 'track' and event = 'Order Completed' then 'order_completed'
            else 'other'
        end as event_type,
        coalesce(event, page_name, type) as event_name,
        page_path,
        page_referrer,
        search_query,
        {{ currency_code('currency') }} as currency,
        products,
        consent,
        email,
        first_name,
        last_name,
        birthday as birth_date,
        phone,
        {{ phone_e164('phone') }} as phone_std,
        street,
        city,
        postal_code,
        revenue as amount,
        -- The device's clock may be wrong; sent and received tell by how much.
        coalesce(original_timestamp + (received_at - sent_at), original_timestamp) as occurred_at,
        _part_id as _batch_id,
        _dlt_load_id as _load_id

    from source

)

select * from renamed

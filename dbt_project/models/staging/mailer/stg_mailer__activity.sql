{%- set table = {'system': 'mailer', 'resource': 'activity', 'key': {'activity_id': 'id'}} -%}
{{ config(**incremental_by_batch(**table)) }}

with

source as (

    select * from {{ last_landed(**table) }} as landed_rows

),

renamed as (

    select
        'mailer:activity:' || id as interaction_id,
        id as activity_id,
        'mailer:subscribers:' || subscriber_id as record_id,
        campaign_id,
        case action
            when 'sent' then 'sent'
            when 'open' then 'opened'
            when 'click' then 'clicked'
            when 'bounce' then 'bounced'
            when 'unsubscribe' then 'unsubscribed'
            when 'complaint' then 'complained'
        end as interaction_type,
        {{ email_std('email') }} as email_std,
        bounce_type,
        url,
        occurred_at,
        _part_id as _batch_id,
        _dlt_load_id as _load_id

    from source

)

select * from renamed

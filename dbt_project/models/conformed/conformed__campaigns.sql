{{ config(**incremental_by_group(key='campaign_id')) }}

with

mailer_campaigns as (

    select * from {{ ref('stg_mailer__campaigns') }}

),

campaigns as (

    select
        campaign_id,
        'mailer' as source,
        '{{ var("brand") }}' as brand,
        name,
        campaign_type,
        start_date,
        end_date,
        _batch_id,
        _load_id

    from mailer_campaigns

)

select * from campaigns

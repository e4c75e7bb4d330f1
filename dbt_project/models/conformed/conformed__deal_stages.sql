{{ config(**incremental_by_group(key='deal_id')) }}

with

versions as (

    select * from {{ ref('stg_hubspot__deal_versions') }}

),

compared as (

    select
        *,
        lag(coalesce(pipeline, '') || '/' || stage || case when is_deleted then '/deleted' else '' end) over (
            partition by deal_id order by version_no
        ) as previous_place,
        coalesce(pipeline, '') || '/' || stage || case when is_deleted then '/deleted' else '' end as place

    from versions

),

-- A version in the place of the one before it begins no stay.
stays as (

    select
        *,
        row_number() over (partition by deal_id order by version_no) as stay_no,
        lead(updated_at) over (partition by deal_id order by version_no) as left_at

    from compared

    where previous_place is null or previous_place <> place

),

deal_stages as (

    select
        'hubspot:deals:' || deal_id || '/' || cast(stay_no as {{ dbt.type_string() }}) as deal_stage_id,
        deal_id,
        'hubspot' as source,
        '{{ var("brand") }}' as brand,
        pipeline,
        stage,
        cast(stay_no as bigint) as stay_no,
        -- The first version that landed tells where the deal is, and when it came there only if it was just opened.
        stay_no > 1 or updated_at = opened_at as is_entry_known,
        updated_at as entered_at,
        left_at,
        _batch_id,
        _load_id

    from stays

    where not is_deleted

)

select * from deal_stages

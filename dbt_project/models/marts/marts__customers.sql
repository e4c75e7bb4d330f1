{{ config(**incremental_by_group('person_id')) }}

with

people as (

    select * from {{ ref('profile__people') }}

),

features as (

    select * from {{ ref('features__people') }}

),

areas as (

    select * from {{ ref('conformed__areas') }}

),

household_members as (

    select * from {{ source('identity', 'household_members') }}

),

-- The company that most of a person's records name.
companies as (

    select
        person_id,
        account_id

    from {{ source('identity', 'account_people') }}

    qualify row_number() over (partition by person_id order by count_records desc, account_id asc) = 1

),

segments as (

    select
        person_id,
        {{ joined_text('segment') }} as segments,
        count(distinct segment) as count_segments

    from {{ source('segments', 'membership') }}

    where left_date is null

    group by 1

)

select

    ---------- ids
    people.person_id,
    household_members.household_id,
    companies.account_id,
    features.favourite_store_id,
    features.favourite_manufacturer_id,
    people.loyalty_number,

    ---------- strings
    people.first_name,
    people.last_name,
    people.gender,
    people.email,
    people.phone,
    people.street,
    people.city,
    people.state,
    people.postal_code,
    people.country,
    people.company_name,
    people.job_title,
    segments.segments,
    features.favourite_department,
    features.favourite_category,
    features.favourite_weekday,
    features.favourite_daypart,
    features.preferred_channel,
    features.rfm_cell,
    features.rfm_segment,

    ---------- counts
    people.count_records,
    people.count_sources,
    cast(coalesce(segments.count_segments, 0) as bigint) as count_segments,
    features.count_orders_lifetime,
    features.count_orders_365d,
    features.count_orders_91d,
    features.count_returns_365d,
    features.count_channels_365d,
    features.count_coupon_redemptions_365d,
    features.count_emails_sent_365d,
    features.count_web_events_91d,
    features.count_tickets_365d,
    features.count_complaints_365d,

    ---------- amounts
    features.lifetime_net_amount_usd,
    features.net_amount_365d_usd,
    features.net_amount_91d_usd,
    features.average_order_value_usd,
    areas.median_household_income as area_median_household_income_usd,

    ---------- shares
    people.match_confidence,
    features.top_department_share,
    features.private_label_share,
    features.price_sensitivity,
    features.coupon_share,
    features.email_open_rate,
    features.email_click_rate,
    features.average_sentiment_365d,
    areas.median_age as area_median_age,
    areas.share_owner_occupied as area_share_owner_occupied,

    ---------- days
    features.recency_days,
    features.tenure_days,
    features.average_days_between_orders,
    features.recency_days_pos,
    features.recency_days_web,
    features.recency_days_email,
    features.recency_days_social,
    features.recency_days_support,
    features.recency_days_complaint,

    ---------- quintiles
    features.rfm_recency,
    features.rfm_frequency,
    features.rfm_monetary,

    ---------- booleans
    people.is_identified,
    people.is_email_consented,
    people.is_sms_consented,

    ---------- dates
    people.birth_date,
    features.first_order_date,
    features.last_order_date,
    features.as_of_date,

    ---------- timestamps
    people.first_seen_at,
    people.last_seen_at

from people

left join features on people.person_id = features.person_id

-- Bought figures are used as long as their licence lasts.
left join areas
    on people.postal_code = areas.postal_code
        and coalesce(areas.valid_until_date, features.as_of_date) >= features.as_of_date

left join household_members on people.person_id = household_members.person_id

left join companies on people.person_id = companies.person_id

left join segments on people.person_id = segments.person_id

{{ config(**incremental_by_group('person_id')) }}

with

clock as (

    select {{ as_of() }} as as_of_date

),

people as (

    select
        person_id,
        {{ row_key('person_id') }} as person_key

    from {{ ref('profile__people') }}

),

person_records as (

    select
        person_records.record_id,
        people.person_key

    from {{ source('identity', 'person_records') }} as person_records

    inner join people on person_records.person_id = people.person_id

),

products as (

    select
        product_id,
        coalesce(department, 'UNKNOWN') as department,
        category,
        manufacturer_id,
        coalesce(brand_type = 'Private', false) as is_private_label

    from {{ ref('conformed__products') }}

),

-- Every import below ends at the day the run looks from: a feature knows nothing later.
orders as {{ inlined() }} (

    select
        person_records.person_key,
        orders.order_id,
        orders.order_type,
        orders.channel,
        orders.store_id,
        orders.business_date,
        orders.gross_amount,
        orders.discount_amount,
        orders.coupon_amount,
        orders.net_amount,
        {{ day_of_week('orders.business_date') }} as day_of_week,
        {{ local_hour('orders.ordered_at') }} as hour_of_day,
        {{ dbt.datediff('orders.business_date', 'clock.as_of_date', 'day') }} as age_days

    from {{ ref('conformed__orders') }} as orders

    inner join person_records on orders.record_id = person_records.record_id

    cross join clock

    where orders.business_date <= clock.as_of_date
        and orders.order_type in ('sale', 'return')
        and orders.currency = 'USD'

),

order_lines as {{ inlined() }} (

    select
        person_records.person_key,
        coalesce(products.department, 'UNKNOWN') as department,
        products.category,
        products.manufacturer_id,
        coalesce(products.is_private_label, false) as is_private_label,
        order_lines.net_amount

    from {{ ref('conformed__order_lines') }} as order_lines

    inner join person_records on order_lines.record_id = person_records.record_id

    left join products on order_lines.product_id = products.product_id

    cross join clock

    where order_lines.business_date <= clock.as_of_date
        and {{ dbt.datediff('order_lines.business_date', 'clock.as_of_date', 'day') }} < 365
        and order_lines.line_type = 'sale'
        and order_lines.currency = 'USD'

),

events as {{ inlined() }} (

    select
        person_records.person_key,
        events.channel,
        events.event_type,
        {{ dbt.datediff('events.event_date', 'clock.as_of_date', 'day') }} as age_days

    from {{ ref('conformed__events') }} as events

    inner join person_records on events.record_id = person_records.record_id

    cross join clock

    where events.event_date <= clock.as_of_date

),

interactions as {{ inlined() }} (

    select
        person_records.person_key,
        interactions.channel,
        interactions.interaction_type,
        interactions.campaign_id,
        {{ dbt.datediff('interactions.event_date', 'clock.as_of_date', 'day') }} as age_days

    from {{ ref('conformed__interactions') }} as interactions

    inner join person_records on interactions.record_id = person_records.record_id

    cross join clock

    where interactions.event_date <= clock.as_of_date

),

coupon_redemptions as (

    select
        person_records.person_key,
        count(*) as count_coupon_redemptions_365d

    from {{ ref('conformed__coupon_redemptions') }} as coupon_redemptions

    inner join person_records on coupon_redemptions.record_id = person_records.record_id

    cross join clock

    where coupon_redemptions.business_date <= clock.as_of_date
        and {{ dbt.datediff('coupon_redemptions.business_date', 'clock.as_of_date', 'day') }} < 365

    group by 1

),

tickets as (

    select
        person_records.person_key,
        count(*) as count_tickets_365d

    from {{ ref('conformed__tickets') }} as tickets

    inner join person_records on tickets.record_id = person_records.record_id

    cross join clock

    where cast(tickets.opened_at as date) <= clock.as_of_date
        and {{ dbt.datediff('tickets.opened_at', 'clock.as_of_date', 'day') }} < 365

    group by 1

),

feedback as (

    select
        person_records.person_key,
        feedback.message_id,
        feedback.sentiment,
        {{ dbt.datediff('feedback.feedback_date', 'clock.as_of_date', 'day') }} as age_days,
        -- A rating that came later makes a complaint of it only from then on.
        case when feedback.complaint_date <= clock.as_of_date then coalesce(feedback.subject_id, feedback.message_id) end
            as complaint_id,
        {{ dbt.datediff('feedback.complaint_date', 'clock.as_of_date', 'day') }} as complaint_age_days

    from {{ ref('conformed__feedback') }} as feedback

    inner join person_records on feedback.record_id = person_records.record_id

    cross join clock

    where feedback.feedback_date <= clock.as_of_date

),

buying as (

    select
        person_key,
        count(*) filter (where order_type = 'sale') as count_orders_lifetime,
        count(*) filter (where order_type = 'sale' and age_days < 365) as count_orders_365d,
        count(*) filter (where order_type = 'sale' and age_days < 91) as count_orders_91d,
        count(*) filter (where order_type = 'sale' and age_days between 91 and 181) as count_orders_previous_91d,
        count(*) filter (where order_type = 'return' and age_days < 365) as count_returns_365d,
        sum(net_amount) as lifetime_net_amount,
        sum(case when age_days < 365 then net_amount else 0 end) as net_amount_365d,
        sum(case when age_days < 91 then net_amount else 0 end) as net_amount_91d,
        sum(case when order_type = 'sale' and age_days < 365 then net_amount else 0 end) as sale_amount_365d,
        sum(case when order_type = 'sale' and age_days < 365 then gross_amount else 0 end) as gross_amount_365d,
        sum(case when order_type = 'sale' and age_days < 365 then coalesce(discount_amount, 0) + coalesce(coupon_amount, 0) else 0 end)
            as discount_amount_365d,
        count(*) filter (where order_type = 'sale' and age_days < 365 and coupon_amount > 0) as count_coupon_orders_365d,
        min(case when order_type = 'sale' then business_date end) as first_order_date,
        max(case when order_type = 'sale' then business_date end) as last_order_date,
        min(case when order_type = 'sale' then age_days end) as recency_days,
        count(distinct case when order_type = 'sale' then business_date end) as count_order_days,
        count(distinct case when order_type = 'sale' and age_days < 365 then store_id end) as count_stores_365d

    from orders

    group by 1

),

store_visits as (

    select
        person_key,
        store_id,
        count(*) as count_orders,
        sum(net_amount) as net_amount

    from orders

    where order_type = 'sale' and age_days < 365 and store_id is not null

    group by 1, 2

),

favourite_stores as (

    select
        person_key,
        store_id as favourite_store_id

    from store_visits

    qualify row_number() over (partition by person_key order by count_orders desc, net_amount desc, store_id asc) = 1

),

habitual_days as (

    select
        person_key,
        day_of_week,
        count(*) as count_orders,
        min(age_days) as age_days

    from orders

    where order_type = 'sale' and age_days < 365

    group by 1, 2

),

favourite_days as (

    select
        person_key,
        case day_of_week
            when 1 then 'sunday'
            when 2 then 'monday'
            when 3 then 'tuesday'
            when 4 then 'wednesday'
            when 5 then 'thursday'
            when 6 then 'friday'
            else 'saturday'
        end as favourite_weekday

    from habitual_days

    qualify row_number() over (partition by person_key order by count_orders desc, age_days asc, day_of_week asc) = 1

),

habitual_hours as (

    select
        person_key,
        case
            when hour_of_day between 5 and 10 then 'morning'
            when hour_of_day between 11 and 13 then 'noon'
            when hour_of_day between 14 and 16 then 'afternoon'
            when hour_of_day between 17 and 21 then 'evening'
            else 'night'
        end as daypart,
        count(*) as count_orders,
        min(age_days) as age_days

    from orders

    where order_type = 'sale' and age_days < 365 and hour_of_day is not null

    group by 1, 2

),

favourite_dayparts as (

    select
        person_key,
        daypart as favourite_daypart

    from habitual_hours

    qualify row_number() over (partition by person_key order by count_orders desc, age_days asc, daypart asc) = 1

),

categories as (

    select
        person_key,
        category,
        sum(net_amount) as net_amount

    from order_lines

    where category is not null

    group by 1, 2

),

favourite_categories as (

    select
        person_key,
        category as favourite_category

    from categories

    qualify row_number() over (partition by person_key order by net_amount desc, category asc) = 1

),

manufacturers as (

    select
        person_key,
        manufacturer_id,
        sum(net_amount) as net_amount

    from order_lines

    where manufacturer_id is not null

    group by 1, 2

),

favourite_manufacturers as (

    select
        person_key,
        manufacturer_id as favourite_manufacturer_id

    from manufacturers

    qualify row_number() over (partition by person_key order by net_amount desc, manufacturer_id asc) = 1

),

departments as (

    select
        person_key,
        department,
        sum(net_amount) as net_amount,
        sum(case when is_private_label then net_amount else 0 end) as private_label_amount

    from order_lines

    group by 1, 2

),

taste as (

    select
        person_key,
        count(*) as count_departments_365d,
        sum(net_amount) as net_amount,
        max(net_amount) as top_amount,
        sum(private_label_amount) as private_label_amount,
        max_by(department, place) as favourite_department

    from (
        select
            *,
            row_number() over (partition by person_key order by net_amount asc, department desc) as place
        from departments
    ) as placed

    group by 1

),

acts as {{ inlined() }} (

    select person_key, channel, age_days from orders

    union all

    select person_key, channel, age_days from events

    -- Readings of a device are not acts of its owner.
    where channel <> 'device'

    union all

    select person_key, channel, age_days from interactions

    -- What we sent says nothing about what they do.
    where interaction_type not in ('sent', 'bounced')

),

activity as (

    select
        person_key,
        channel,
        min(age_days) as age_days,
        count(distinct case when age_days < 365 then age_days end) as count_days

    from acts

    group by 1, 2

),

preferred_channels as (

    select
        person_key,
        channel as preferred_channel

    from activity

    where count_days > 0

    qualify row_number() over (partition by person_key order by count_days desc, age_days asc, channel asc) = 1

),

presence as (

    select
        person_key,
        count(*) filter (where age_days < 365) as count_channels_365d,
        min(age_days) filter (where channel = 'pos') as recency_days_pos,
        min(age_days) filter (where channel = 'web') as recency_days_web,
        min(age_days) filter (where channel = 'email') as recency_days_email,
        min(age_days) filter (where channel = 'social') as recency_days_social,
        min(age_days) filter (where channel in ('support', 'phone')) as recency_days_support

    from activity

    group by 1

),

opinions as (

    select
        person_key,
        count(distinct case when complaint_age_days < 365 then complaint_id end) as count_complaints_365d,
        min(case when complaint_id is not null then complaint_age_days end) as recency_days_complaint,
        sum(case when age_days < 365 then cast(round(10000 * sentiment) as bigint) end) as sentiment_365d,
        count(case when age_days < 365 then sentiment end) as count_judged_365d

    from feedback

    group by 1

),

browsing as (

    select
        person_key,
        count(*) filter (where age_days < 91) as count_web_events_91d,
        count(*) filter (where age_days < 91 and event_type = 'product_viewed') as count_product_views_91d,
        count(*) filter (where age_days < 91 and event_type = 'cart_added') as count_cart_adds_91d

    from events

    where channel = 'web'

    group by 1

),

mailings as (

    select
        person_key,
        count(distinct case when interaction_type = 'sent' then campaign_id end) as count_emails_sent_365d,
        count(distinct case when interaction_type = 'opened' then campaign_id end) as count_emails_opened_365d,
        count(distinct case when interaction_type = 'clicked' then campaign_id end) as count_emails_clicked_365d

    from interactions

    where channel = 'email' and age_days < 365

    group by 1

),

rfm_ranks as (

    select
        person_key,
        -- People who bought on the same day share the better place: all of them are as recent as anybody.
        1 - percent_rank() over (order by recency_days) as recency_rank,
        percent_rank() over (order by count_orders_365d) as frequency_rank,
        percent_rank() over (order by net_amount_365d) as monetary_rank

    from buying

    where count_orders_365d > 0

),

rfm as (

    select
        person_key,
        cast(least(5, 1 + floor(5 * recency_rank)) as bigint) as rfm_recency,
        cast(least(5, 1 + floor(5 * frequency_rank)) as bigint) as rfm_frequency,
        cast(least(5, 1 + floor(5 * monetary_rank)) as bigint) as rfm_monetary

    from rfm_ranks

),

rfm_values as (

    select
        *,
        -- How much a customer buys: the mean of frequency and spend, half a place rounds up.
        floor((rfm_frequency + rfm_monetary + 1) / 2) as rfm_worth

    from rfm

),

rfm_segments as (

    select
        person_key,
        case
            when rfm_recency = 5 and rfm_worth >= 4 then 'champions'
            when rfm_recency >= 3 and rfm_worth >= 4 then 'loyal'
            when rfm_recency >= 4 and rfm_worth >= 2 then 'potential_loyalists'
            when rfm_recency = 5 then 'new'
            when rfm_recency = 4 then 'promising'
            when rfm_recency = 3 and rfm_worth = 3 then 'need_attention'
            when rfm_recency = 3 then 'about_to_sleep'
            when rfm_worth = 5 then 'cannot_lose'
            when rfm_worth >= 3 then 'at_risk'
            when rfm_recency = 2 or rfm_worth = 2 then 'hibernating'
            else 'lost'
        end as rfm_segment

    from rfm_values

)

select

    ---------- ids
    people.person_id,
    favourite_stores.favourite_store_id,
    favourite_manufacturers.favourite_manufacturer_id,

    ---------- strings
    taste.favourite_department,
    favourite_categories.favourite_category,
    favourite_days.favourite_weekday,
    favourite_dayparts.favourite_daypart,
    preferred_channels.preferred_channel,
    cast(rfm.rfm_recency as {{ dbt.type_string() }}) || cast(rfm.rfm_frequency as {{ dbt.type_string() }})
    || cast(rfm.rfm_monetary as {{ dbt.type_string() }}) as rfm_cell,
    coalesce(rfm_segments.rfm_segment, case when buying.count_orders_lifetime > 0 then 'lost' end) as rfm_segment,

    ---------- counts
    coalesce(buying.count_orders_lifetime, 0) as count_orders_lifetime,
    coalesce(buying.count_orders_365d, 0) as count_orders_365d,
    coalesce(buying.count_orders_91d, 0) as count_orders_91d,
    coalesce(buying.count_orders_previous_91d, 0) as count_orders_previous_91d,
    coalesce(buying.count_order_days, 0) as count_order_days,
    coalesce(buying.count_returns_365d, 0) as count_returns_365d,
    coalesce(buying.count_stores_365d, 0) as count_stores_365d,
    coalesce(taste.count_departments_365d, 0) as count_departments_365d,
    coalesce(presence.count_channels_365d, 0) as count_channels_365d,
    coalesce(coupon_redemptions.count_coupon_redemptions_365d, 0) as count_coupon_redemptions_365d,
    coalesce(mailings.count_emails_sent_365d, 0) as count_emails_sent_365d,
    coalesce(browsing.count_web_events_91d, 0) as count_web_events_91d,
    coalesce(browsing.count_product_views_91d, 0) as count_product_views_91d,
    coalesce(browsing.count_cart_adds_91d, 0) as count_cart_adds_91d,
    coalesce(tickets.count_tickets_365d, 0) as count_tickets_365d,
    coalesce(opinions.count_complaints_365d, 0) as count_complaints_365d,

    ---------- amounts
    cast(coalesce(buying.lifetime_net_amount, 0) as decimal(18, 2)) as lifetime_net_amount_usd,
    cast(coalesce(buying.net_amount_365d, 0) as decimal(18, 2)) as net_amount_365d_usd,
    cast(coalesce(buying.net_amount_91d, 0) as decimal(18, 2)) as net_amount_91d_usd,
    {{ mean_amount('buying.sale_amount_365d', 'buying.count_orders_365d') }} as average_order_value_usd,

    ---------- shares
    {{ ratio(cents('taste.top_amount'), cents('taste.net_amount')) }} as top_department_share,
    {{ ratio(cents('taste.private_label_amount'), cents('taste.net_amount')) }} as private_label_share,
    {{ ratio(cents('buying.discount_amount_365d'), cents('buying.gross_amount_365d')) }} as price_sensitivity,
    {{ ratio('buying.count_coupon_orders_365d', 'buying.count_orders_365d') }} as coupon_share,
    {{ ratio('mailings.count_emails_opened_365d', 'mailings.count_emails_sent_365d') }} as email_open_rate,
    {{ ratio('mailings.count_emails_clicked_365d', 'mailings.count_emails_sent_365d') }} as email_click_rate,

    ---------- tones
    {{ ratio('opinions.sentiment_365d', '(10000 * opinions.count_judged_365d)') }} as average_sentiment_365d,

    ---------- days
    cast(buying.recency_days as bigint) as recency_days,
    cast({{ dbt.datediff('buying.first_order_date', 'clock.as_of_date', 'day') }} as bigint) as tenure_days,
    {{ ratio(dbt.datediff('buying.first_order_date', 'buying.last_order_date', 'day'), '(buying.count_order_days - 1)') }}
        as average_days_between_orders,
    cast(presence.recency_days_pos as bigint) as recency_days_pos,
    cast(presence.recency_days_web as bigint) as recency_days_web,
    cast(presence.recency_days_email as bigint) as recency_days_email,
    cast(presence.recency_days_social as bigint) as recency_days_social,
    cast(presence.recency_days_support as bigint) as recency_days_support,
    cast(opinions.recency_days_complaint as bigint) as recency_days_complaint,

    ---------- quintiles
    rfm.rfm_recency,
    rfm.rfm_frequency,
    rfm.rfm_monetary,

    ---------- dates
    buying.first_order_date,
    buying.last_order_date,
    clock.as_of_date

from people

cross join clock

left join buying on people.person_key = buying.person_key

left join favourite_stores on people.person_key = favourite_stores.person_key

left join taste on people.person_key = taste.person_key

left join presence on people.person_key = presence.person_key

left join browsing on people.person_key = browsing.person_key

left join mailings on people.person_key = mailings.person_key

left join coupon_redemptions on people.person_key = coupon_redemptions.person_key

left join tickets on people.person_key = tickets.person_key

left join opinions on people.person_key = opinions.person_key

left join favourite_categories on people.person_key = favourite_categories.person_key

left join favourite_manufacturers on people.person_key = favourite_manufacturers.person_key

left join favourite_days on people.person_key = favourite_days.person_key

left join favourite_dayparts on people.person_key = favourite_dayparts.person_key

left join preferred_channels on people.person_key = preferred_channels.person_key

left join rfm on people.person_key = rfm.person_key

left join rfm_segments on people.person_key = rfm_segments.person_key

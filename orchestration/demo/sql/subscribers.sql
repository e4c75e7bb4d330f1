-- The mail tool: who got which campaign, what they did with it, and what that did to their subscription.
create view mailer__campaigns as
select
    cast(campaign_id as varchar) as campaign_id,
    'Coupon booklet ' || campaign_id as name,
    campaign_type,
    strftime(start_date, '%Y-%m-%d') as start_date,
    strftime(end_date, '%Y-%m-%d') as end_date
from spine_campaign_descriptions;

create temp table mailings as
with redeemers as (select distinct household_id from spine_redemptions),
lists as (
    select campaign_id, greatest(start_date, timestamp '2017-01-01') as start_at from spine_campaign_descriptions
),
subscribers as (
    select
        records.record_key,
        records.source_record_id,
        records.person_id,
        records.email,
        records.created_at,
        cast(part(records.c, 1) as bigint) * 65536 + part(records.c, 5) as luck,
        0.4 + 1.2 * again(people.d, 0) + case when redeemers.household_id is null then 0 else 0.7 end as propensity,
        people.spine_household_id
    from observed as records
    inner join people using (person_no)
    left join redeemers on redeemers.household_id = people.spine_household_id
    where records.source = 'mailer'
),
-- The spine says who got a campaign; a share of everybody else gets it too.
targeted as (
    select subscribers.*, lists.campaign_id, lists.start_at
    from subscribers
    inner join lists on subscribers.created_at < lists.start_at
    left join spine_campaigns
        on spine_campaigns.household_id = subscribers.spine_household_id
        and spine_campaigns.campaign_id = lists.campaign_id
    where
        spine_campaigns.campaign_id is not null
        or line_unit(subscribers.luck, lists.campaign_id) < rate('behaviour.mailed')
),
drawn as (select *, draw('mailing', record_key || ':' || campaign_id) as d from targeted),
acted as (
    select
        *,
        start_at + to_seconds(39600 + part(d, 1) // 8) as sent_at,
        unit(d, 2) < rate('behaviour.bounced') as is_bounced,
        unit(d, 2) >= rate('behaviour.bounced') and unit(d, 3) < rate('behaviour.opened') * propensity as is_opened,
        unit(d, 4) < rate('behaviour.clicked') * propensity as would_click,
        unit(d, 4) > 1 - rate('behaviour.unsubscribed') as is_unsubscribed,
        unit(d, 5) < rate('behaviour.complained') as is_complained
    from drawn
),
ended as (
    select *, min(case when is_unsubscribed or is_complained or (is_bounced and part(d, 6) % 2 = 0) then sent_at end)
        over (partition by record_key) as ended_at
    from acted
)
select * from ended where ended_at is null or sent_at <= ended_at;

create temp table mail_actions as
select
    record_key,
    source_record_id,
    person_id,
    email,
    campaign_id,
    d,
    unnest([
        {action: 'sent', after: 0, happened: true},
        {action: 'bounce', after: 40, happened: is_bounced},
        {action: 'open', after: 600 + part(d, 7) * 2, happened: is_opened},
        {action: 'click', after: 700 + part(d, 7) * 2, happened: is_opened and would_click},
        {action: 'unsubscribe', after: 900 + part(d, 7) * 2, happened: is_unsubscribed},
        {action: 'complaint', after: 1200 + part(d, 7) * 2, happened: is_complained}
    ], recursive := true),
    sent_at
from mailings;

create view mailer__activity as
select
    cast(sent_at + to_seconds(after) as date) as day,
    case
        when unit(d, 6) < rate('bad_rows.activity') and action = 'sent' then left(line, 60)
        when unit(d, 6) < rate('bad_rows.activity') then replace(line, '"' || action || '"', '"viewed"')
        else line
    end as line
from (
    select
        *,
        cast(json_merge_patch('{}', to_json({
            id: 'a' || campaign_id || '-' || source_record_id || '-' || left(action, 2),
            action: action,
            campaign_id: cast(campaign_id as varchar),
            subscriber_id: source_record_id,
            email: email,
            bounce_type: case when action = 'bounce' then case when part(d, 6) % 2 = 0 then 'hard' else 'soft' end end,
            url: case when action = 'click' then 'https://shop.tessera-market.example/coupons/' || campaign_id end,
            occurred_at: iso(sent_at + to_seconds(after))
        })) as varchar) as line
    from mail_actions
    where happened
);

create temp table subscriber_versions as
with ended as (
    select
        record_key,
        min(sent_at + to_seconds(after)) as ended_at,
        bool_or(action = 'bounce') as is_cleaned
    from mail_actions
    where happened and (action in ('unsubscribe', 'complaint') or (action = 'bounce' and part(d, 6) % 2 = 0))
    group by record_key
),
versions as (
    select record_key, 1 as version, created_at as written_at, 'subscribed' as status from observed where source = 'mailer'
    union all
    select record_key, 2, updated_at, 'subscribed' from observed where source = 'mailer' and updated_at > created_at
    union all
    select record_key, 3, ended_at, case when is_cleaned then 'cleaned' else 'unsubscribed' end from ended
)
select
    *,
    greatest(cast(written_at as date), date '2017-01-01') as day
from versions
-- What changes after somebody left does not bring them back.
qualify version = 3 or written_at < coalesce(max(written_at) filter (where version = 3) over (partition by record_key), timestamp '2018-06-01');

create view mailer__subscribers as
with visible as (
    select *, draw('bad', record_key || version) as bad
    from subscriber_versions
    qualify row_number() over (partition by record_key, day order by version desc) = 1
)
select
    visible.day,
    records.source_record_id as subscriber_id,
    case when unit(bad, 0) < rate('bad_rows.subscribers') and part(bad, 1) % 2 = 0 then replace(records.email, '@', ' at ') else records.email end as email,
    records.first_name,
    records.last_name,
    records.birth_text as birth_date,
    records.postal_code,
    case when unit(bad, 0) < rate('bad_rows.subscribers') and part(bad, 1) % 2 = 1 then 'active' else visible.status end as status,
    case part(records.c, 6) % 4 when 0 then 'checkout' when 1 then 'footer form' when 2 then 'store form' else 'import' end as signup_source,
    iso(records.created_at) as subscribed_at,
    iso(visible.written_at) as updated_at
from visible
inner join observed as records using (record_key);

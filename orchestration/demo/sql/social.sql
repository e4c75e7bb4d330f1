-- The community: what accounts post, which posts mention the brand, how they react to the brand's own posts.
create temp table posts as
with drawn as (
    select source_record_id as account_id, person_id, culture, created_at as joined_at, record_key, draw('posts', record_key) as d
    from observed
    where source = 'mastodon'
),
numbered as (
    select *, unnest(range(cast(2 * rate('behaviour.posts') * unit(d, 0) as bigint))) as post_no
    from drawn
),
timed as (
    select
        *,
        draw('post', record_key || ':' || post_no) as e,
        joined_at + to_seconds(cast(unit(e, 0) * date_diff('second', joined_at, timestamp '2017-12-31 22:00:00') as bigint) + part(e, 1) // 12)
            as created_at,
        case
            when culture = 'eu' and part(d, 1) % 2 = 0 then 'de'
            when culture in ('es', 'zh', 'vi', 'fa', 'ja', 'ru', 'ko') and part(d, 1) % 3 < 2 then culture
            else 'en'
        end as language
    from numbered
)
select
    timed.account_id,
    timed.person_id,
    timed.created_at,
    timed.language,
    timed.e,
    cast(990000000000 + row_number() over (order by timed.created_at, timed.record_key, timed.post_no) as varchar) as id,
    '<p>' || replace(texts.text, '{product}', coalesce(catalog.words, 'bread')) || '</p>' as content,
    texts.topic = 'brand' as is_mention
from timed
inner join texts
    on texts.kind = 'post' and texts.language = timed.language and texts.place = part(timed.e, 2) % texts.choices
left join catalog on catalog.place = part(timed.e, 3) % 400
where timed.created_at < timestamp '2018-01-01';

create view mastodon__statuses as
select
    id,
    account_id,
    content,
    language,
    cast(null as varchar) as in_reply_to_id,
    case when part(e, 4) % 12 = 0 then 'unlisted' else 'public' end as visibility,
    cast(pow(unit(e, 5), 5) * 60 as bigint) as favourites_count,
    cast(pow(unit(e, 6), 7) * 30 as bigint) as reblogs_count,
    'https://community.tessera-market.example/@' || account_id || '/' || id as url,
    created_at
from posts
where created_at < getvariable('until_at');

create view mastodon__mentions as
select
    cast(cast(id as bigint) + 5000000000 as varchar) as id,
    'mention' as type,
    account_id,
    id as status_id,
    content,
    language,
    created_at
from posts
where is_mention and created_at < getvariable('until_at');

create temp table reactions as
with drawn as (
    select source_record_id as account_id, person_id, created_at as joined_at, record_key, draw('reactions', record_key) as d
    from observed
    where source = 'mastodon'
),
numbered as (
    select *, unnest(range(cast(2 * rate('behaviour.reactions') * unit(d, 0) as bigint))) as reaction_no
    from drawn
),
timed as (
    select
        *,
        draw('reaction', record_key || ':' || reaction_no) as e,
        joined_at + to_seconds(cast(unit(e, 0) * date_diff('second', joined_at, timestamp '2017-12-31 22:00:00') as bigint)) as created_at
    from numbered
)
select
    account_id,
    person_id,
    created_at,
    cast(997000000000 + row_number() over (order by created_at, record_key, reaction_no) as varchar) as id,
    case when part(e, 1) % 4 = 0 then 'reblog' else 'favourite' end as type,
    cast(980000000000 + part(e, 2) % 120 as varchar) as status_id
from timed
where created_at < timestamp '2018-01-01';

create view mastodon__reactions as
select id, type, account_id, status_id, created_at
from reactions
where created_at < getvariable('until_at');

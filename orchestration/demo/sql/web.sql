-- The web shop: sessions of people who sign in now and then, of browsers that never do, and of terminals in stores.
create temp table catalog as
select
    row_number() over (order by sum(transactions.sales_value) desc, transactions.product_id) - 1 as place,
    cast(transactions.product_id as varchar) as product_id,
    cast(round(sum(transactions.sales_value) / greatest(sum(least(transactions.quantity, 20)), 1), 2) as decimal(18, 2)) as price,
    lower(regexp_extract(any_value(products.product_category order by products.product_category), '^[A-Za-z]+( [A-Za-z]+)?')) as words
from spine_transactions as transactions
inner join spine_products as products using (product_id)
where products.product_category is not null and products.department in ('GROCERY', 'PRODUCE', 'MEAT', 'DELI', 'PASTRY', 'DRUG GM')
group by transactions.product_id
qualify place < 2000;

create temp table web_users as
select
    records.record_key,
    records.person_id,
    records.person_no,
    records.source_record_id as user_id,
    records.created_at,
    records.c,
    draw('web', records.record_key) as d,
    '{"advertising":' || case when unit(records.c, 6) < rate('consents.advertising') then 'true' else 'false' end
    || ',"analytics":' || case when unit(records.c, 6) < 0.85 then 'true' else 'false' end || '}' as consent,
    json_merge_patch('{}', to_json({
        email: records.email,
        firstName: records.first_name,
        lastName: records.last_name,
        phone: records.phone,
        birthday: records.birth_text,
        address: case when records.postal_code is not null
            then {street: records.street, city: records.city, postalCode: records.postal_code} end
    })) as traits
from observed as records
where records.source = 'segment';

create temp table web_sessions as
with numbered as (
    select
        *,
        unnest(range(cast(1 + 2 * rate('behaviour.sessions') * pow(unit(d, 0), 1.5) as bigint))) as session_no
    from web_users
),
drawn as (
    select *, draw('session', user_id || ':' || session_no) as e, unit(d, 1) < rate('traps.store_terminal') as uses_terminal
    from numbered
),
timed as (
    select
        *,
        case
            when session_no = 0 then created_at
            else greatest(
                timestamp '2017-01-01 06:00:00',
                created_at - interval 20 day
                + to_seconds(cast(unit(e, 0) * date_diff('second', created_at, timestamp '2018-01-18 00:00:00') as bigint) + part(e, 1))
            )
        end as started_at,
        part(e, 2) % (1 + part(d, 2) % 3) as browser_no
    from drawn
)
select
    user_id,
    person_id,
    consent,
    traits,
    session_no,
    started_at,
    e,
    started_at >= created_at and (session_no = 0 or unit(e, 3) < 0.7) as is_signed_in,
    uses_terminal and started_at > created_at and part(e, 2) % 3 = 0 as is_terminal,
    case
        when is_terminal then 'terminal-' || lpad(cast(part(d, 3) % cast(rate('traps.terminals') as integer) as varchar), 3, '0')
        else left(md5(getvariable('seed') || user_id || ':' || browser_no), 20)
    end as anonymous_id,
    case
        when is_terminal then 'kiosk-' || lpad(cast(part(d, 3) % cast(rate('traps.terminals') as integer) as varchar), 3, '0')
        when (part(d, 4) + browser_no) % 4 = 0 then 'app-' || left(md5(getvariable('seed') || user_id || browser_no), 14)
    end as device_id,
    (part(d, 5) + browser_no) % 5 as agent_no
from timed
where started_at < timestamp '2017-12-31 23:00:00'
union all
select
    null,
    'visitor_' || lpad(cast(visitor_no as varchar), 8, '0'),
    '{"advertising":false,"analytics":true}',
    null,
    0,
    timestamp '2017-01-01 06:00:00' + to_seconds(cast(unit(e, 0) * 31000000 as bigint) + part(e, 1)),
    e,
    false,
    false,
    left(md5(getvariable('seed') || 'visitor' || visitor_no), 20),
    null,
    part(e, 2) % 5
from (
    select visitor_no, draw('visitor', visitor_no) as e
    from (
        select unnest(range((select cast(count(*) * rate('behaviour.visitors') as bigint) from web_users))) as visitor_no
    )
);

create temp table web_events as
with counted as (
    select
        *,
        -- The first session of a signed-in browser of each person carries the identify call.
        is_signed_in and row_number() over (partition by user_id, anonymous_id, is_signed_in order by started_at, session_no) = 1
            as has_identify,
        is_signed_in and unit(e, 4) < rate('behaviour.order_session') * 4 and part(e, 5) % 4 = 0 as has_order,
        left(md5(getvariable('seed') || coalesce(user_id, person_id) || session_no), 16) as session_id
    from web_sessions
),
stepped as (
    select *, unnest(range(2 + part(e, 5) % 5 + case when has_order then 2 else 0 end)) as step, 2 + part(e, 5) % 5 as count_views
    from counted
)
select
    stepped.* exclude (traits, e),
    case when step = 0 and has_identify then traits end as traits,
    (part(e, 6) + step * 97) % 2000 as product_place,
    started_at + to_seconds(step * (15 + part(e, 7) % 60)) as occurred_at,
    case
        when step = 0 and has_identify then 'identify'
        when step = 0 then 'page'
        when step < count_views then case (part(e, 6) + step * 31) % 8 when 0 then 'page' when 1 then 'Products Searched' else 'Product Viewed' end
        when step = count_views then 'Product Added'
        else 'Order Completed'
    end as what
from stepped;

create temp table web_orders as
select
    session_id,
    'W' || upper(session_id[:10]) as order_id,
    user_id,
    person_id,
    sum(catalog.price) as revenue,
    to_json(list({product_id: catalog.product_id, quantity: 1, price: cast(catalog.price as varchar)} order by web_events.step)) as products
from web_events
inner join catalog on catalog.place = web_events.product_place
where web_events.has_order and web_events.what in ('Product Viewed', 'Product Added')
group by all;

create view segment__events as
with written as (
    select
        cast(events.occurred_at as date) as day,
        events.session_id || '-' || events.step as message_id,
        draw('bad', events.session_id) as bad,
        json_merge_patch('{}', to_json({
            messageId: events.session_id || '-' || events.step,
            type: case when what in ('identify', 'page') then what else 'track' end,
            event: case when what not in ('identify', 'page') then what end,
            name: case when what = 'page' then case when step = 0 then 'Home' else 'Category' end end,
            anonymousId: events.anonymous_id,
            userId: case when events.is_signed_in then events.user_id end,
            originalTimestamp: iso(events.occurred_at),
            sentAt: iso(events.occurred_at + interval 1 second),
            receivedAt: iso(events.occurred_at + interval 2 second),
            context: {
                page: case when what <> 'identify' then {
                    path: case what
                        when 'page' then case when step = 0 then '/' else '/c/' || replace(coalesce(catalog.words, 'all'), ' ', '-') end
                        when 'Products Searched' then '/search'
                        when 'Order Completed' then '/checkout/done'
                        else '/p/' || catalog.product_id
                    end,
                    referrer: case when step = 0 and part(bad, 3) % 3 = 0 then 'https://search.example/' end
                } end,
                userAgent: list_extract(getvariable('user_agents'), 1 + agent_no),
                ip: '198.51.100.' || part(bad, 2) % 254,
                device: case when events.device_id is not null then {id: events.device_id} end,
                consent: {categoryPreferences: cast(events.consent as json)}
            },
            traits: events.traits,
            properties: case what
                when 'Product Viewed' then {product_id: catalog.product_id, query: null, order_id: null, revenue: null, currency: null, products: null}
                when 'Product Added' then {product_id: catalog.product_id, query: null, order_id: null, revenue: null, currency: null, products: null}
                when 'Products Searched' then {product_id: null, query: catalog.words, order_id: null, revenue: null, currency: null, products: null}
                when 'Order Completed' then {
                    product_id: null, query: null, order_id: web_orders.order_id, revenue: cast(web_orders.revenue as double), currency: 'USD',
                    products: web_orders.products
                }
            end
        })) as line
    from web_events as events
    left join catalog on catalog.place = events.product_place
    left join web_orders on web_orders.session_id = case when events.what = 'Order Completed' then events.session_id end
    where not (events.what = 'Order Completed' and web_orders.order_id is null)
)
select
    day,
    case
        when unit(bad, 0) >= rate('bad_rows.events') * 4 or not ends_with(message_id, '-1') then cast(line as varchar)
        when part(bad, 1) % 3 = 0 then left(cast(line as varchar), 80)
        when part(bad, 1) % 3 = 1 then regexp_replace(cast(line as varchar), '"type":"[a-z]+"', '"type":"click"')
        else regexp_replace(cast(line as varchar), '"originalTimestamp":"[^"]*"', '"originalTimestamp":"yesterday"')
    end as line
from written;

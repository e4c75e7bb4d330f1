-- The service desk: tickets and their changes, calls with what was said, answers to how it went.
create temp table tickets as
with drawn as (
    select
        source_record_id as requester_id, person_id, culture, created_at as joined_at, record_key, phone,
        draw('tickets', record_key) as d
    from observed
    where source = 'helpdesk'
),
numbered as (
    select *, unnest(range(1 + cast(2 * (rate('behaviour.tickets') - 1) * unit(d, 0) + 0.5 as bigint))) as ticket_no
    from drawn
),
timed as (
    select
        *,
        draw('ticket', record_key || ':' || ticket_no) as e,
        case
            when ticket_no = 0 then joined_at
            else joined_at + to_seconds(cast(unit(e, 0) * date_diff('second', joined_at, timestamp '2017-12-31 22:00:00') as bigint))
        end as created_at,
        case when culture in ('zh', 'vi', 'fa', 'ja', 'es') and part(d, 1) % 3 = 0 then culture else 'en' end as language
    from numbered
)
select
    timed.requester_id,
    timed.person_id,
    timed.created_at,
    timed.e,
    timed.language,
    cast(row_number() over (order by timed.created_at, timed.record_key, timed.ticket_no) + 40000 as varchar) as id,
    replace(texts.subject, '{product}', coalesce(catalog.words, 'bread')) as subject,
    replace(texts.text, '{product}', coalesce(catalog.words, 'bread')) as description,
    texts.sentiment,
    case when texts.sentiment = 'negative' then case when part(e, 3) % 4 = 0 then 'urgent' else 'high' end
        when part(e, 3) % 3 = 0 then 'low' else 'normal' end as priority,
    case part(e, 4) % 5 when 0 then 'phone' when 1 then 'web' when 2 then 'chat' else 'email' end as channel,
    created_at + to_seconds(900 + part(e, 5) * 2) as first_replied_at,
    case when part(e, 6) % 9 > 0 then created_at + to_seconds(7200 + part(e, 6) * 8) end as solved_at
from timed
inner join texts
    on texts.kind = 'ticket' and texts.language = timed.language and texts.place = part(timed.e, 1) % texts.choices
left join catalog on catalog.place = part(timed.e, 2) % 400
where timed.created_at >= timestamp '2017-01-01';

create view helpdesk__tickets as
with changes as (
    select *, created_at as written_at, 'new' as status, 1 as change_no from tickets
    union all
    select *, first_replied_at, 'open', 2 from tickets where first_replied_at < coalesce(solved_at, timestamp '2018-01-01')
    union all
    select *, solved_at, 'solved', 3 from tickets where solved_at is not null
),
written as (
    select
        cast(written_at as date) as day,
        id,
        change_no,
        draw('bad', id || change_no) as bad,
        cast(json_merge_patch('{}', to_json({
            id: id,
            requester_id: requester_id,
            subject: subject,
            description: description,
            status: status,
            priority: priority,
            via: {channel: channel},
            created_at: iso(created_at),
            updated_at: iso(written_at),
            first_replied_at: case when change_no > 1 and first_replied_at <= written_at then iso(first_replied_at) end,
            solved_at: case when change_no = 3 then iso(solved_at) end
        })) as varchar) as line
    from changes
    where written_at < timestamp '2018-01-01'
)
select
    day,
    case
        when unit(bad, 0) >= rate('bad_rows.tickets') then line
        when part(bad, 1) % 2 = 0 then replace(line, '"status":"', '"status":"re-')
        else left(line, 70)
    end as line
from written;

create temp table calls as
with drawn as (
    select source_record_id as requester_id, person_id, created_at as joined_at, record_key, phone, draw('calls', record_key) as d
    from observed
    where source = 'helpdesk' and phone is not null
),
numbered as (
    select *, unnest(range(cast(2 * rate('behaviour.calls') * unit(d, 0) + 0.5 as bigint))) as call_no
    from drawn
)
select
    numbered.requester_id,
    numbered.person_id,
    numbered.phone,
    draw('call', numbered.record_key || ':' || numbered.call_no) as e,
    joined_at + to_seconds(cast(unit(e, 0) * date_diff('second', joined_at, timestamp '2017-12-31 22:00:00') as bigint)) as started_at,
    'c' || left(md5(getvariable('seed') || numbered.record_key || numbered.call_no), 12) as id
from numbered;

create view helpdesk__calls as
select
    cast(started_at as date) as day,
    case when unit(e, 6) < rate('bad_rows.calls') then replace(line, '"duration_seconds":', '"duration_seconds":-') else line end as line
from (
    select
        calls.*,
        cast(json_merge_patch('{}', to_json({
            id: id,
            requester_id: case when part(e, 1) % 10 > 0 then requester_id end,
            phone_number: phone,
            direction: case when part(e, 2) % 8 = 0 then 'outbound' else 'inbound' end,
            started_at: iso(started_at),
            ended_at: iso(started_at + to_seconds(40 + part(e, 3) % 900)),
            duration_seconds: 40 + part(e, 3) % 900,
            transcript: replace(texts.text, '{product}', coalesce(catalog.words, 'bread'))
        })) as varchar) as line
    from calls
    inner join texts on texts.kind = 'call' and texts.place = part(e, 4) % texts.choices
    left join catalog on catalog.place = part(e, 5) % 400
    where started_at >= timestamp '2017-01-01'
);

create view helpdesk__ratings as
with answered as (
    select *, draw('rating', id) as r,
        solved_at + to_seconds(3600 + part(e, 7) * 3) as answered_at,
        greatest(1, least(5, case sentiment when 'negative' then 2 when 'neutral' then 4 else 5 end + part(e, 7) % 3 - 1)) as score
    from tickets
    where solved_at is not null
)
select
    cast(answered_at as date) as day,
    case when unit(r, 3) < rate('bad_rows.ratings') then replace(line, '"score":', '"score":1') else line end as line
from (
    select
        answered.*,
        cast(json_merge_patch('{}', to_json({
            id: 'r' || answered.id,
            ticket_id: answered.id,
            requester_id: requester_id,
            score: score,
            comment: case when part(r, 1) % 3 = 0 then texts.text end,
            created_at: iso(answered_at)
        })) as varchar) as line
    from answered
    left join texts
        on texts.kind = 'rating' and texts.sentiment = case when score <= 2 then 'negative' when score = 3 then 'neutral' else 'positive' end
        and texts.place % 3 = part(r, 2) % 3
    where unit(r, 0) < rate('behaviour.rated') and answered_at < timestamp '2018-01-01'
    qualify row_number() over (partition by answered.id order by texts.place) = 1
);

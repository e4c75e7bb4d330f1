-- What is true, apart from everything a pipeline may read.
create view truth__records as
with named as (
    select
        case source
            when 'hubspot' then 'hubspot:contacts:' when 'segment' then 'segment:users:' when 'mastodon' then 'mastodon:accounts:'
            when 'receipts' then 'receipts:members:' when 'mailer' then 'mailer:subscribers:' when 'helpdesk' then 'helpdesk:users:'
            when 'telemetry' then 'telemetry:devices:' else 'partner:customers:'
        end || source_record_id as record_id,
        person_id,
        household_id
    from observed
    union all
    select distinct
        'segment:anonymous:' || anonymous_id,
        web_sessions.person_id,
        people.household_id
    from web_sessions
    left join people on people.person_id = web_sessions.person_id
    where not is_terminal
)
select * from named order by record_id;

create view truth__events as
with happened as (
    select 'segment:events:' || session_id || '-' || step as event_id, person_id
    from web_events
    where not (what = 'Order Completed' and session_id not in (select session_id from web_orders))
    union all
    select 'segment:orders:' || order_id, person_id from web_orders
    union all
    select
        'receipts:receipts:' || strftime(business_date, '%Y-%m-%d') || '/' || store_id || '/' || receipt_no,
        person_id
    from receipt_totals
)
select * from happened order by event_id;

create view truth__traps as
with record_ids as (
    select observed.*, sources.object, observed.source || ':' || sources.object || ':' || source_record_id as record_id
    from observed inner join sources using (source)
),
trapped as (
    select 'twins' as trap, person_no, other_person_no, cast([] as varchar[]) as record_ids from twins
    union all
    select 'father_and_son', person_no, other_person_no, [] from fathers_and_sons
    union all
    select 'recycled_phone', person_no, other_person_no, [] from recycled_phones
    union all
    select 'shared_email', b.person_no, a.person_no, []
    from people as a
    inner join people as b on b.household_no = a.household_no and b.person_no > a.person_no
    where
        a.has_shared_email
        and a.person_no in (select person_no from observed where email_kind = 'shared')
        and b.person_no in (select person_no from observed where email_kind = 'shared')
    union all
    select 're_registered', person_no, null, list(record_id order by record_id)
    from record_ids
    where source = 'receipts'
    group by person_no
    having count(*) > 1
    union all
    select 'info_address', b.person_no, a.person_no, [a.record_id, b.record_id]
    from record_ids as a
    inner join record_ids as b on b.email = a.email and b.person_no > a.person_no
    where a.email_kind = 'info' and b.email_kind = 'info'
)
select
    trapped.trap,
    people.person_id,
    others.person_id as other_person_id,
    trapped.record_ids
from trapped
inner join people using (person_no)
left join people as others on others.person_no = trapped.other_person_no
union all
select distinct 'store_terminal', b.person_id, a.person_id, ['segment:anonymous:' || a.anonymous_id]
from web_sessions as a
inner join web_sessions as b on b.anonymous_id = a.anonymous_id and b.person_id > a.person_id
where a.is_terminal and b.is_terminal and a.is_signed_in and b.is_signed_in;

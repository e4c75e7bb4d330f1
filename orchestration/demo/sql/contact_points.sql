-- What reaches a person: their own and their household's addresses, numbers and homes, now and before they changed.
create temp table companies as
with drawn as (
    select company_no, draw('company', company_no) as d
    from (
        select unnest(range(cast(getvariable('people') * rate('people.employed') / rate('people.per_company') as bigint) + 3)) as company_no
    )
),
industries as (
    select word, industry, row_number() over (order by word) - 1 as place, count(*) over () as choices
    from read_csv(getvariable('names') || '/industries.csv', all_varchar = true)
)
select
    drawn.company_no,
    drawn.d,
    surnames.name || ' ' || industries.word as company_name,
    -- Reserved top-level domain: nobody's company.
    surnames.word || lower(industries.word) || drawn.company_no || '.example' as domain,
    industries.industry,
    areas.city,
    areas.state,
    areas.name as postal_code,
    phone_digits(areas.area_code, 7000000 + drawn.company_no) as phone
from drawn
inner join surnames on surnames.group_name = 'en' and surnames.slot = part(drawn.d, 0) >> 2
inner join industries on industries.place = part(drawn.d, 1) % industries.choices
inner join areas on areas.slot = part(drawn.d, 2) >> 4;

create temp table employments as
with job_titles as (
    select title, row_number() over (order by title) - 1 as place, count(*) over () as choices
    from read_csv(getvariable('names') || '/job_titles.csv', all_varchar = true)
),
sizes as (select count(*) as count_companies from companies),
placed as (
    select
        people.person_no,
        part(people.f, 1) as number,
        (people.person_no * 7919 + part(people.f, 1)) % sizes.count_companies as company_no
    from people_named as people
    cross join sizes
    where
        people.birth_date between date '1951-01-01' and date '1998-01-01'
        and unit(people.f, 1) < rate('people.employed')
)
select
    placed.person_no,
    companies.company_no,
    companies.company_name,
    companies.domain,
    job_titles.title as job_title
from placed
inner join companies using (company_no)
inner join job_titles on job_titles.place = placed.number % job_titles.choices;

create temp table mailboxes as
with spelled as (
    select
        people.person_no,
        people.f,
        draw('mail', people.person_no) as m,
        people.first_word,
        people.last_word,
        coalesce(ascii_letters(people.nickname), people.first_word) as nick_word,
        people.maiden_word,
        people.married_date,
        cast(year(people.birth_date) as varchar) as born,
        case when unit(people.f, 3) < rate('people.email_changed')
            then date '2016-03-01' + cast(unit(people.f, 3) / rate('people.email_changed') * 600 as integer) end as email_changed_date,
        unit(people.f, 4) < rate('people.second_email') as has_second
    from people_named as people
),
written as (
    select
        person_no,
        m,
        email_changed_date,
        has_second,
        case
            when unit(m, 0) < rate('people.handle_email')
                then list_extract(getvariable('adjectives'), 1 + part(m, 1) % len(getvariable('adjectives')))
                || list_extract(getvariable('nouns'), 1 + part(m, 2) % len(getvariable('nouns'))) || part(m, 1) % 100
            else case part(m, 0) % 7
                when 0 then first_word || '.' || last_word
                when 1 then first_word || last_word || right(born, 2)
                when 2 then left(first_word, 1) || last_word || part(m, 1) % 100
                when 3 then first_word || left(last_word, 1) || part(m, 1) % 1000
                when 4 then last_word || '.' || first_word
                when 5 then nick_word || part(m, 1) % 1000
                else first_word || '_' || last_word
            end
        end as local_now,
        case part(m, 3) % 5
            when 0 then first_word || '.' || case when married_date is null then last_word else maiden_word end
            when 1 then nick_word || '_' || left(last_word, 3) || part(m, 3) % 100
            when 2 then left(first_word, 1) || case when married_date is null then last_word else maiden_word end || right(born, 2)
            when 3 then list_extract(getvariable('nouns'), 1 + part(m, 3) % len(getvariable('nouns'))) || '.' || nick_word || part(m, 4) % 100
            else first_word || case when married_date is null then last_word else maiden_word end || part(m, 4) % 1000
        end as local_before,
        case part(m, 5) % 3
            when 0 then nick_word || last_word || part(m, 5) % 100
            when 1 then last_word || left(first_word, 1) || part(m, 5) % 1000
            else first_word || '.' || last_word || '.' || right(born, 2)
        end as local_second
    from spelled
),
used as (
    select person_no, 'now' as kind, local_now as local_part, part(m, 6) >> 4 as slot from written
    union all
    select person_no, 'before', local_before, part(m, 7) >> 4 from written where email_changed_date is not null
    union all
    select person_no, 'second', local_second, (part(m, 7) + 23456) % 65536 >> 4 from written where has_second
),
addressed as (
    select used.person_no, used.kind, used.local_part || '@' || mail_providers.name as email
    from used
    inner join mail_providers using (slot)
),
-- Two people cannot have one mailbox: later ones add their number. Gmail ignores dots, so compare without them.
counted as (
    select
        *,
        row_number() over (partition by replace(email, '.', '') order by person_no, kind) as taken
    from addressed
),
owned as (
    select
        person_no,
        kind,
        case when taken = 1 then email else replace(email, '@', cast(person_no as varchar) || '@') end as email
    from counted
)
select
    person_no,
    max(email) filter (where kind = 'now') as email,
    max(email) filter (where kind = 'before') as email_before,
    max(email) filter (where kind = 'second') as email_second
from owned
group by person_no;

create temp table people as
select
    people.person_no,
    'person_' || lpad(cast(people.person_no as varchar), 8, '0') as person_id,
    'household_' || lpad(cast(people.household_no as varchar), 8, '0') as household_id,
    people.household_no,
    people.member_no,
    people.role,
    people.gender,
    people.birth_date,
    people.culture,
    people.d,
    people.f,
    people.first_name,
    people.native_first_name,
    people.last_name,
    people.native_last_name,
    case when people.married_date is not null then people.maiden_name end as maiden_name,
    people.married_date,
    people.middle_initial,
    people.name_suffix,
    people.nickname,
    mailboxes.email,
    mailboxes.email_before,
    case when unit(people.f, 3) < rate('people.email_changed')
        then date '2016-03-01' + cast(unit(people.f, 3) / rate('people.email_changed') * 600 as integer) end as email_changed_date,
    mailboxes.email_second,
    case when households.has_shared_email
        then 'the' || households.last_word || 's' || people.household_no || '@'
            || case people.household_no % 3 when 0 then 'gmail.com' when 1 then 'yahoo.com' else 'comcast.net' end
    end as email_shared,
    households.has_shared_email,
    phone_digits(households.area_code, people.person_no * 3) as mobile,
    case when unit(people.f, 5) < rate('people.phone_changed')
        then phone_digits(households.area_code, people.person_no * 3 + 1) end as mobile_before,
    case when unit(people.f, 5) < rate('people.phone_changed')
        then date '2016-03-01' + cast(unit(people.f, 5) / rate('people.phone_changed') * 600 as integer) end as mobile_changed_date,
    phone_digits(households.area_code, households.household_no * 3 + 2) as landline,
    households.street || coalesce(', ' || households.apartment, '') as street,
    households.street_short || coalesce(' ' || replace(households.apartment, 'Apt ', '#'), '') as street_short,
    households.city,
    households.state,
    households.postal_code,
    households.moved_date,
    households.old_street,
    households.old_city,
    households.old_state,
    households.old_postal_code,
    households.spine_household_id,
    households.home_store_id,
    households.replica,
    employments.company_no,
    employments.company_name,
    employments.job_title,
    case when employments.domain is not null
        then people.first_word || '.' || people.last_word
            || case when people.person_no % 3 = 0 then '' else cast(people.person_no % 100 as varchar) end || '@' || employments.domain
    end as email_work,
    'info@' || employments.domain as email_info
from people_named as people
inner join households using (household_no)
inner join mailboxes using (person_no)
left join employments using (person_no);

-- A number that belonged to one person until they changed it, then to a stranger.
create temp table recycled_phones as
with givers as (
    select person_no, household_no, mobile_before, row_number() over (order by draw('giver', person_no)) as place
    from people
    where mobile_before is not null
),
takers as (
    select person_no, household_no, row_number() over (order by draw('taker', person_no)) as place
    from people
    where unit(f, 6) < rate('traps.recycled_phone') and mobile_before is null
)
select
    takers.person_no,
    givers.person_no as other_person_no,
    givers.mobile_before as phone
from takers
inner join givers on givers.place = takers.place and givers.household_no <> takers.household_no;

update people set mobile = recycled_phones.phone
from recycled_phones
where people.person_no = recycled_phones.person_no;

drop table people_named;
drop table mailboxes;

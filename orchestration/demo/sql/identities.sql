-- What each source holds of the people it knows, in the source's own columns. Views named <system>__<resource>; `day` is the folder.
create view hubspot__contacts as
select
    records.source_record_id as id,
    records.first_name as firstname,
    records.last_name as lastname,
    records.email,
    case when part(records.b, 4) % 2 = 0 then records.phone end as phone,
    case when part(records.b, 4) % 2 = 1 then records.phone end as mobilephone,
    records.birth_text as date_of_birth,
    case records.gender_text when 'f' then 'Female' when 'm' then 'male' end as gender,
    records.street as address,
    records.city,
    records.state,
    records.postal_code as zip,
    case when records.postal_code is not null then case part(records.c, 6) % 3 when 0 then 'USA' when 1 then 'United States' else 'US' end end
        as country,
    case when unit(records.b, 0) < 0.8 then records.company_name end as company,
    records.job_title as jobtitle,
    case part(records.c, 6) % 4 when 0 then 'lead' when 1 then 'opportunity' when 2 then 'subscriber' else 'customer' end as lifecyclestage,
    case part(records.c, 6) % 5 when 0 then 'OPEN' when 1 then 'CONNECTED' when 2 then 'NEW' end as lead_status,
    cast(7001 + part(records.c, 6) % 12 as varchar) as owner_id,
    cast(20000 + records.company_no as varchar) as company_id,
    case when again(records.c, 6) < rate('records.loyalty_number_in_crm') then members.source_record_id end as loyalty_number,
    unit(records.c, 6) > 1 - rate('consents.opted_out_of_email') as has_opted_out_of_email,
    records.created_at,
    case when records.updated_at < getvariable('until_at') then records.updated_at else records.created_at end as updated_at,
    again(records.c, 7) < 0.004 as is_archived
from observed as records
left join observed as members
    on members.source = 'receipts' and members.copy_no = 0 and members.person_no = records.person_no
where records.source = 'hubspot' and records.created_at < getvariable('until_at');

create view hubspot__companies as
select
    cast(20000 + company_no as varchar) as id,
    company_name as name,
    domain,
    industry,
    written_phone(phone, part(d, 3) % 5) as phone,
    city,
    state,
    postal_code as zip,
    'US' as country,
    timestamp '2016-01-04 09:00:00' + to_seconds(company_no * 977 % 20000000) as created_at,
    timestamp '2016-01-04 09:00:00' + to_seconds(company_no * 977 % 20000000 + part(d, 4) * 500) as updated_at,
    false as is_archived
from companies;

create view hubspot__owners as
select
    cast(7001 + owner_no as varchar) as id,
    ascii_letters(first_names.name) || '@tessera-market.example' as email,
    first_names.name as first_name,
    surnames.name as last_name,
    timestamp '2015-11-02 09:00:00' as created_at,
    timestamp '2016-11-02 09:00:00' as updated_at,
    owner_no = 11 as is_archived
from (select unnest(range(12)) as owner_no)
inner join first_names on first_names.group_name = 'en:f:era_1987' and first_names.slot = 5 + owner_no * 331
inner join surnames on surnames.group_name = 'en' and surnames.slot = 20 + owner_no * 1201;

create view mastodon__accounts as
select
    source_record_id as id,
    case
        when part(c, 4) % 3 = 0 then ascii_letters(split_part(email, '@', 1)) || part(c, 5) % 100
        else lower(left(md5(record_key), 2)) || '_' || ascii_letters(coalesce(first_name, 'user')) || part(c, 5) % 1000
    end as username,
    case when first_name is not null and last_name is not null then first_name || ' ' || last_name end as display_name,
    email,
    case when culture = 'eu' then 'de' when culture = 'en' then 'en' else culture end as locale,
    '203.0.113.' || part(c, 4) % 254 as ip,
    '<p>' || case part(c, 6) % 4 when 0 then 'Food, family and football.' when 1 then 'Coffee first.' when 2 then 'Opinions are mine.' else '' end
        || '</p>' as note,
    'https://community.tessera-market.example/@' || source_record_id as url,
    case when part(c, 7) % 8 = 0 then to_json([{name: 'E-mail', value: email}]) else '[]' end as fields,
    part(c, 7) % 97 = 0 as is_bot,
    true as is_confirmed,
    cast(pow(unit(c, 7), 4) * 900 as bigint) as followers_count,
    created_at,
    case when updated_at < getvariable('until_at') then updated_at else created_at end as updated_at
from observed
where source = 'mastodon' and created_at < getvariable('until_at');

-- A member is written on the day of joining and again on the day of a change; who joined before the year comes with its first day.
create view receipts__members as
with versions as (
    select *, 1 as version, created_at as written_at from observed where source = 'receipts'
    union all
    select *, 2 as version, updated_at as written_at from observed where source = 'receipts' and updated_at > created_at
),
dated as (
    select *, greatest(store_date(written_at), date '2017-01-01') as written_day, draw('bad', record_key || version) as bad from versions
),
visible as (
    select * from dated
    -- Two versions before the year are one line of its first folder.
    qualify row_number() over (partition by record_key, written_day order by version desc) = 1
)
select
    written_day as day,
    case when unit(bad, 0) < rate('bad_rows.members') and part(bad, 1) % 3 = 0 then null else source_record_id end as loyalty_number,
    first_name,
    last_name,
    birth_text as birth_date,
    case gender_text when 'f' then 'F' when 'm' then 'M' end as gender,
    email,
    phone,
    street,
    city,
    state,
    postal_code,
    cast(coalesce(home_store_id, 367) as varchar) as home_store_id,
    case
        when unit(bad, 0) < rate('bad_rows.members') and part(bad, 1) % 3 = 1 then 'perhaps'
        when unit(b, 0) < rate('consents.email') and not (version = 2 and part(c, 6) % 7 = 0) then 'true'
        else 'false'
    end as has_email_consent,
    case when unit(b, 5) < rate('consents.sms') then 'true' else 'false' end as has_sms_consent,
    case when unit(bad, 0) < rate('bad_rows.members') and part(bad, 1) % 3 = 2 then '2017-02-31T10:00:00Z' else iso(created_at) end as joined_at,
    iso(written_at) as updated_at
from visible;

create view helpdesk__users as
with versions as (
    select *, 1 as version, created_at as written_at from observed where source = 'helpdesk'
    union all
    select *, 2 as version, updated_at as written_at from observed where source = 'helpdesk' and updated_at > created_at
),
visible as (
    select *, greatest(cast(written_at as date), date '2017-01-01') as written_day
    from versions
    qualify row_number() over (partition by record_key, written_day order by version desc) = 1
)
select
    written_day as day,
    json_merge_patch('{}', to_json({
        id: source_record_id,
        name: coalesce(first_name || ' ' || last_name, last_name, first_name),
        email: email,
        phone: phone,
        created_at: iso(created_at),
        updated_at: iso(written_at)
    })) as line
from visible;

-- The partner's list comes four times a year, each time whole; a customer is on it from the quarter after the first purchase.
create view partner__customers as
with lists as (select unnest([date '2017-01-01', date '2017-04-01', date '2017-07-01', date '2017-10-01']) as day),
listed as (
    select records.*, lists.day, draw('bad', record_key || lists.day) as bad
    from observed as records
    inner join lists on records.created_at < lists.day
    where records.source = 'partner'
)
select
    day,
    case when unit(bad, 0) < rate('bad_rows.customers') and part(bad, 1) % 2 = 0 then null else source_record_id end as partner_customer_id,
    coalesce(first_name || ' ' || last_name, last_name, first_name) as full_name,
    birth_text as birth_date,
    email,
    phone,
    street,
    city,
    postal_code,
    case when postal_code is not null then 'US' end as country,
    case
        when unit(bad, 0) < rate('bad_rows.customers') then 'n/a'
        when unit(c, 6) < rate('consents.sharing') then 'true'
        else 'false'
    end as has_sharing_consent,
    strftime(least(cast(created_at as date) + part(c, 7) % 200, day - 1), '%Y-%m-%d') as last_purchase_date,
    iso(case when updated_at < day then updated_at else created_at end) as updated_at
from listed;

create view census__areas as
select
    date '2017-01-01' as day,
    postal_code,
    city,
    state,
    population,
    median_household_income || '.00' as median_household_income,
    median_age,
    share_owner_occupied,
    '2019-12-31' as valid_until,
    '2016-12-08T05:00:00Z' as updated_at
from read_csv(getvariable('names') || '/areas.csv', all_varchar = true);

-- What each record says, truthfully, as of its last change.
create temp table statements as
with joined as (
    select
        records.*,
        people.* exclude (person_no, d, f),
        sources.place,
        draw('names', record_key) as a,
        draw('contacts', record_key) as b,
        cast(records.updated_at as date) as known_date,
        sources.sloppiness,
        sources.names as names_rate,
        sources.birth_date as birth_date_rate,
        sources.email as email_rate,
        sources.phone as phone_rate,
        sources.address as address_rate,
        sources.gender as gender_rate,
        sources.work_email,
        sources.second_email as second_email_rate,
        people.d as person_draw
    from records
    inner join people using (person_no)
    inner join sources using (source)
),
judged as (
    select
        *,
        sloppiness * (0.5 + 2 * pow(unit(person_draw, 5), 3)) * (0.5 + 2 * pow(unit(a, 6), 3)) as mess
    from joined
),
dated as (
    select
        *,
        coalesce(known_date < married_date or unit(c, 4) < rate('corruption.old_value_kept') * mess, false) as is_before_marriage,
        coalesce(known_date < moved_date or unit(c, 4) > 1 - rate('corruption.old_value_kept') * mess, false) and moved_date is not null
            as is_before_move,
        coalesce(known_date < email_changed_date or again(b, 1) < rate('corruption.old_value_kept') * mess, false) as is_before_email,
        coalesce(known_date < mobile_changed_date or again(b, 3) < rate('corruption.old_value_kept') * mess, false) as is_before_mobile
    from judged
)
select
    record_key,
    person_no,
    person_id,
    household_id,
    source,
    copy_no,
    record_no,
    created_at,
    updated_at,
    a,
    b,
    c,
    mess,
    gender,
    birth_date,
    culture,
    first_name,
    native_first_name,
    nickname,
    case when is_before_marriage then coalesce(maiden_name, last_name) else last_name end as last_name,
    native_last_name,
    middle_initial,
    name_suffix,
    unit(a, 7) < names_rate as has_names,
    unit(b, 6) < birth_date_rate as has_birth_date,
    unit(c, 6) < gender_rate as has_gender,
    unit(c, 5) < address_rate as has_address,
    unit(b, 1) < email_rate as has_email,
    phone_rate > 0 and (unit(b, 3) < phone_rate or unit(b, 1) >= email_rate) as has_phone,
    case
        when source = 'hubspot' and email_work is not null and unit(b, 5) < rate('traps.info_address') then 'info'
        when has_shared_email and unit(b, 5) > 1 - rate('traps.shared_email_use') then 'shared'
        when email_work is not null and unit(b, 0) < work_email then 'work'
        when email_second is not null and unit(b, 0) > 1 - second_email_rate then 'second'
        when is_before_email and email_before is not null then 'before'
        else 'now'
    end as email_kind,
    case email_kind
        when 'info' then email_info
        when 'shared' then email_shared
        when 'work' then email_work
        when 'second' then email_second
        when 'before' then email_before
        else email
    end as email,
    case
        when unit(b, 2) < rate('corruption.phone_landline') then landline
        when is_before_mobile and mobile_before is not null then mobile_before
        else mobile
    end as phone_digits,
    landline,
    case when is_before_move then old_street else street end as street,
    case when is_before_move then old_street else street_short end as street_short,
    case when is_before_move then old_city else city end as city,
    case when is_before_move then old_state else state end as state,
    case when is_before_move then old_postal_code else postal_code end as postal_code,
    spine_household_id,
    home_store_id,
    company_no,
    company_name,
    job_title
from dated;

-- What each record says after the hands that typed it.
create temp table observed as
with named as (
    select
        *,
        case
            when not has_names then null
            when unit(a, 5) < rate('corruption.native_script') and native_first_name <> first_name then native_first_name
            when unit(a, 0) < mess * rate('corruption.first_name_typo') then slipped(first_name, part(a, 2))
            when unit(a, 0) < mess * (rate('corruption.first_name_typo') + rate('corruption.first_name_nickname')) and nickname is not null
                then nickname
            when unit(a, 0) > 1 - mess * rate('corruption.first_name_initial') then left(first_name, 1)
            when unit(a, 0) > 1 - mess * (rate('corruption.first_name_initial') + rate('corruption.first_name_missing')) then null
            else first_name
        end as given,
        case
            when not has_names then null
            when unit(a, 5) < rate('corruption.native_script') and native_last_name <> last_name then native_last_name
            when unit(a, 1) < mess * rate('corruption.last_name_typo') then slipped(last_name, part(a, 3))
            when unit(a, 1) > 1 - mess * rate('corruption.last_name_initial') then left(last_name, 1)
            else last_name
        end as family,
        case
            when not has_birth_date then null
            when unit(b, 7) < mess * rate('corruption.birth_day_month_swapped') and day(birth_date) <= 12
                then make_date(year(birth_date), day(birth_date), month(birth_date))
            when unit(b, 7) < mess * (rate('corruption.birth_day_month_swapped') + rate('corruption.birth_digit_wrong'))
                then case part(b, 7) % 3
                    when 0 then make_date(year(birth_date) - 1 - part(b, 7) % 9, month(birth_date), least(day(birth_date), 28))
                    when 1 then make_date(year(birth_date), 1 + (month(birth_date) + part(b, 7)) % 12, least(day(birth_date), 28))
                    else make_date(year(birth_date), month(birth_date), 1 + (day(birth_date) + part(b, 7)) % 28)
                end
            when unit(b, 7) > 1 - mess * rate('corruption.birth_first_of_january') then make_date(year(birth_date), 1, 1)
            else birth_date
        end as typed_birth_date,
        case when has_email then
            case
                when unit(c, 7) < mess * rate('corruption.email_typo') and source not in ('mastodon', 'telemetry')
                    then slipped(split_part(email, '@', 1), part(c, 7) + 977 * part(b, 6) % 65536) || '@' || split_part(email, '@', 2)
                else email
            end
        end as typed_email,
        case when has_phone then
            case
                when unit(b, 4) < mess * rate('corruption.phone_digit_wrong')
                    then left(phone_digits, 5) || (part(b, 4) + 3) % 10 || substr(phone_digits, 7)
                else phone_digits
            end
        end as typed_phone
    from statements
),
spelled as (
    select
        *,
        case when unit(a, 5) > 1 - rate('corruption.accents_dropped') then strip_accents(given) else given end as given_spelled,
        case when unit(a, 5) > 1 - rate('corruption.accents_dropped') then strip_accents(family) else family end as family_spelled,
        again(a, 5) < mess * rate('corruption.names_swapped') as is_swapped
    from named
),
ordered as (
    select
        *,
        case when is_swapped and family is not null then family_spelled else given_spelled end as given_ordered,
        case when is_swapped and given is not null then given_spelled else family_spelled end as family_ordered
    from spelled
)
select
    record_key,
    person_no,
    person_id,
    household_id,
    source,
    copy_no,
    record_no,
    created_at,
    updated_at,
    a,
    b,
    c,
    mess,
    culture,
    gender,
    case
        when unit(a, 4) < rate('corruption.upper_case') then upper(given_ordered)
        when unit(a, 4) > 1 - rate('corruption.lower_case') then lower(given_ordered)
        else given_ordered
    end || case when unit(c, 7) > 1 - rate('corruption.middle_initial') and source in ('hubspot', 'receipts', 'partner')
        then ' ' || middle_initial else '' end as first_name,
    case
        when unit(a, 4) < rate('corruption.upper_case') then upper(family_ordered)
        when unit(a, 4) > 1 - rate('corruption.lower_case') then lower(family_ordered)
        else family_ordered
    end || case when name_suffix is not null and again(a, 7) < 0.8 then ' ' || name_suffix else '' end as last_name,
    typed_birth_date as birth_date,
    written_date(typed_birth_date, case source
        when 'receipts' then 1 when 'partner' then 2 when 'hubspot' then part(b, 6) % 2 else 0 end) as birth_text,
    case when has_gender then gender end as gender_text,
    typed_email as email,
    email_kind,
    typed_phone as phone_digits,
    written_phone(typed_phone, part(b, 4) % 6) as phone,
    landline,
    case when has_address then
        case
            when unit(c, 5) < mess * rate('corruption.street_typo') then slipped(street, part(c, 5))
            else case part(c, 5) % 4 when 0 then street_short when 1 then upper(street) when 2 then replace(street, ', ', ' ') else street end
        end
    end as street,
    case when has_address then city end as city,
    case when has_address then state end as state,
    case when has_address then
        case
            when again(c, 5) < mess * rate('corruption.postal_code_wrong') then left(postal_code, 3) || lpad(cast(part(c, 5) % 100 as varchar), 2, '0')
            else postal_code
        end
    end as postal_code,
    spine_household_id,
    home_store_id,
    company_no,
    company_name,
    job_title,
    case source
        when 'hubspot' then cast(100000 + record_no as varchar)
        when 'segment' then 'u_' || cast(500000 + record_no as varchar)
        when 'mastodon' then cast(109300000000 + record_no * 37 as varchar)
        when 'receipts' then '4711' || lpad(cast((record_no * 7654321) % 99999989 as varchar), 8, '0')
        when 'mailer' then md5(getvariable('seed') || record_key)[:10]
        when 'helpdesk' then cast(360000000000 + record_no * 11 as varchar)
        when 'telemetry' then 'scale-' || md5(getvariable('seed') || record_key)[:12]
        else 'P' || lpad(cast(record_no as varchar), 7, '0')
    end as source_record_id
from ordered;

drop table statements;
drop table records;
drop table placements;

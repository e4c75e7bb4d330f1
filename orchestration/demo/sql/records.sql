-- Which source knows whom, under which id, since when. One row per source record.
create temp table placements as
with willing as (
    select
        person_no,
        draw('presence', person_no) as d,
        (0.6 + 0.8 * unit(f, 7)) * case when birth_date > date '2000-01-01' then rate('records.minors') else 1 end as willingness,
        spine_household_id is not null as is_shopping
    from people
)
select
    willing.person_no,
    sources.source,
    sources.place
from willing
inner join sources
    on unit(willing.d, sources.place) < willing.willingness * case
        when sources.source = 'receipts' and not willing.is_shopping then rate('records.members_outside')
        else sources.presence
    end;

create temp table records as
with drawn as (
    select
        placements.person_no,
        placements.source,
        placements.place,
        draw('copy', placements.source || placements.person_no) as d
    from placements
),
copied as (
    select
        person_no,
        source,
        place,
        unnest(range(case
            when unit(d, 0) < case when source = 'receipts' then rate('traps.re_registered') else rate('records.duplicates') end then 2
            else 1
        end)) as copy_no
    from drawn
),
timed as (
    select
        copied.person_no,
        copied.source,
        copied.copy_no,
        copied.source || ':' || copied.person_no || ':' || copied.copy_no as record_key,
        draw('times', record_key) as c,
        sources.first_date,
        sources.last_date,
        sources.updated,
        sources.last_date - sources.first_date as span
    from copied
    inner join sources using (source)
),
created as (
    select
        *,
        -- A second record comes in the last quarter of the time.
        cast(first_date + cast(case
            when copy_no = 0 then unit(c, 0) * span
            else span - unit(c, 0) * span / 4
        end as integer) as timestamp) + to_seconds(28800 + part(c, 1)) as created_at
    from timed
),
changed as (
    select
        *,
        case
            when unit(c, 2) < updated
                then created_at + to_seconds(cast(date_diff('second', created_at, timestamp '2017-12-31 21:00:00') * unit(c, 3) as bigint))
            else created_at
        end as updated_at
    from created
)
select
    person_no,
    source,
    copy_no,
    record_key,
    c,
    created_at,
    updated_at,
    row_number() over (partition by source order by created_at, record_key) as record_no
from changed;

-- Deals of the CRM: some contacts order catering.
create view hubspot__deals as
with drawn as (
    select *, draw('deal', record_key) as d
    from observed
    where source = 'hubspot'
),
dealt as (
    select
        *,
        created_at + to_seconds(part(d, 1) * 30) as opened_at,
        created_at + to_seconds(part(d, 1) * 30 + part(d, 2) * 60) as changed_at
    from drawn
    where unit(d, 0) < rate('behaviour.deals')
)
select
    cast(500000 + row_number() over (order by opened_at, record_key) as varchar) as id,
    coalesce(company_name, last_name, 'Private') || ' catering' as name,
    cast(80 + round(pow(unit(d, 3), 3) * 9000, 2) as decimal(18, 2)) as amount,
    'USD' as currency,
    'default' as pipeline,
    case part(d, 4) % 5 when 0 then 'appointmentscheduled' when 1 then 'qualifiedtobuy' when 2 then 'closedlost' else 'closedwon' end as stage,
    cast(7001 + part(d, 5) % 12 as varchar) as owner_id,
    source_record_id as contact_id,
    cast(20000 + company_no as varchar) as company_id,
    least(opened_at + interval 40 day, timestamp '2018-02-28') as closed_at,
    opened_at as created_at,
    case when changed_at < getvariable('until_at') then changed_at else opened_at end as updated_at,
    false as is_archived
from dealt
where opened_at < getvariable('until_at');

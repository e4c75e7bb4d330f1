-- Households: where they live, what they have in common, and which real household they shop like.
create temp table households_drawn as
select
    household_no,
    d,
    unit(d, 3) < rate('households.shopping') as is_shopping,
    case
        when unit(d, 0) < rate('cultures.es') then 'es'
        when unit(d, 0) < rate('cultures.es') + rate('cultures.eu') then 'eu'
        when unit(d, 0) < rate('cultures.es') + rate('cultures.eu') + rate('cultures.zh') then 'zh'
        when unit(d, 0) < rate('cultures.es') + rate('cultures.eu') + rate('cultures.zh') + rate('cultures.vi') then 'vi'
        when unit(d, 0) > 1 - rate('cultures.ru') then 'ru'
        when unit(d, 0) > 1 - rate('cultures.ru') - rate('cultures.fa') then 'fa'
        when unit(d, 0) > 1 - rate('cultures.ru') - rate('cultures.fa') - rate('cultures.ko') then 'ko'
        when unit(d, 0) > 1 - rate('cultures.ru') - rate('cultures.fa') - rate('cultures.ko') - rate('cultures.ja') then 'ja'
        else 'en'
    end as culture
from (
    select i as household_no, draw('household', i) as d
    from range(1, cast(getvariable('people') * 0.5 + 50 as bigint)) as numbers(i)
);

-- The first households take the spine's one by one; later ones repeat any of them (replica > 0).
create temp table household_spines as
with ranked as (
    select household_no, d, row_number() over (order by household_no) as taken
    from households_drawn
    where is_shopping
),
spine_size as (select count(*) as count_spine from spine_households),
placed as (
    select
        household_no,
        case when taken <= count_spine then taken else 1 + cast((d >> cast(96 as uhugeint)) % count_spine as bigint) end as place
    from ranked cross join spine_size
)
select household_no, place, row_number() over (partition by place order by household_no) - 1 as replica
from placed;

create temp table households as
with sized as (
    select
        drawn.household_no,
        drawn.d,
        drawn.culture,
        draw('home', drawn.household_no) as e,
        spine.spine_household_id,
        spine.home_store_id,
        spines.replica,
        spine.age_from,
        spine.marital_status,
        coalesce(spine.count_members, case
            when unit(drawn.d, 2) < rate('households.size_1') then 1
            when unit(drawn.d, 2) < rate('households.size_1') + rate('households.size_2') then 2
            when unit(drawn.d, 2) < rate('households.size_1') + rate('households.size_2') + rate('households.size_3') then 3
            when unit(drawn.d, 2) > 1 - rate('households.size_4') then 4
            else 5
        end) as size,
        spine.postal_code as spine_postal_code,
        spine.city as spine_city,
        spine.state as spine_state,
        spine.area_code as spine_area_code
    from households_drawn as drawn
    left join household_spines as spines using (household_no)
    left join spine_households as spine using (place)
),
counted as (
    select *, cast(sum(size) over (order by household_no) as bigint) - size as people_before
    from sized
    qualify people_before < getvariable('people')
)
select
    counted.household_no,
    counted.d,
    counted.e,
    counted.culture,
    counted.spine_household_id,
    counted.home_store_id,
    counted.replica,
    counted.people_before,
    least(counted.size, getvariable('people') - counted.people_before) as size,
    coalesce(counted.age_from, 19 + cast(unit(counted.e, 0) * 56 as integer)) as age_from,
    counted.size > 1 and (
        coalesce(counted.marital_status = 'Married', false)
        or (counted.marital_status is null and unit(counted.e, 1) < rate('households.couple'))
    ) as is_couple,
    surnames.name as last_name,
    surnames.native as native_last_name,
    surnames.word as last_word,
    coalesce(spine_postal_code, areas.name) as postal_code,
    coalesce(spine_city, areas.city) as city,
    coalesce(spine_state, areas.state) as state,
    coalesce(spine_area_code, areas.area_code) as area_code,
    (1 + part(counted.d, 5) % 9850) || ' ' || streets.name || ' ' || street_types.name as street,
    (1 + part(counted.d, 5) % 9850) || ' ' || streets.name || ' ' || street_types.short as street_short,
    case when unit(counted.e, 2) < rate('households.apartment') then 'Apt ' || (1 + part(counted.e, 2) % 38) end as apartment,
    case when unit(counted.e, 3) < rate('households.moved')
        then date '2016-03-01' + cast(unit(counted.e, 3) / rate('households.moved') * 620 as integer) end as moved_date,
    (1 + part(counted.e, 4) % 9850) || ' ' || old_streets.name || ' ' || street_types.name as old_street,
    old_areas.name as old_postal_code,
    old_areas.city as old_city,
    old_areas.state as old_state,
    counted.size > 1 and unit(counted.e, 7) < rate('traps.shared_email') as has_shared_email
from counted
inner join surnames on surnames.group_name = counted.culture and surnames.slot = part(counted.d, 1) >> 2
inner join areas on areas.slot = part(counted.d, 6) >> 4
inner join streets on streets.slot = part(counted.d, 4) >> 4
inner join streets as old_streets on old_streets.slot = part(counted.e, 5) >> 4
inner join street_types on street_types.slot = part(counted.d, 7) >> 8
inner join areas as old_areas on old_areas.slot = part(counted.e, 6) >> 4;

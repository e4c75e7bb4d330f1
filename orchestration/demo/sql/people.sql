-- The people of the households: who they are, before any source has seen them.
create temp table people_drawn as
with members as (
    select
        household_no,
        unnest(range(1, size + 1)) as member_no,
        people_before,
        age_from,
        is_couple,
        size,
        household_no as h
    from households
),
drawn as (
    select people_before + member_no as person_no, *, draw('person', people_before + member_no) as d
    from members
),
placed as (
    select
        *,
        case
            when member_no = 1 then 'head'
            when member_no = 2 and is_couple then 'partner'
            when age_from >= 34 then 'child'
            else 'other'
        end as role
    from drawn
),
aged as (
    select
        *,
        -- Days before 2018: a household's band of ten years for adults, 14 to the age of an adult's child for children.
        case role
            when 'child' then 365 * 14 + cast(unit(d, 0) * 365 * least(20, age_from - 19) as integer)
            else cast(365.25 * (least(age_from, 80) + case when role = 'other' then unit(d, 0) * 8 - 2 else unit(d, 0) * 9 end) as integer)
        end as age_days
    from placed
)
select
    person_no,
    household_no,
    member_no,
    d,
    role,
    case
        when role = 'partner' then case when unit(draw('person', people_before + 1), 1) < rate('people.women') then 'm' else 'f' end
        when unit(d, 1) < rate('people.women') then 'f'
        else 'm'
    end as gender,
    date '2018-01-01' - greatest(age_days, 365 * 14) as birth_date
from aged;

-- Twins: the third and fourth of a household with two children, born on one day.
create temp table twins as
select younger.person_no, older.person_no as other_person_no, older.birth_date
from people_drawn as younger
inner join people_drawn as older
    on older.household_no = younger.household_no and older.member_no = younger.member_no - 1 and older.role = 'child'
where
    younger.role = 'child' and younger.member_no % 2 = 0
    and unit(younger.d, 7) < rate('traps.twins');

create temp table fathers_and_sons as
select sons.person_no, fathers.person_no as other_person_no
from people_drawn as sons
inner join people_drawn as fathers
    on fathers.household_no = sons.household_no and fathers.role in ('head', 'partner') and fathers.gender = 'm'
where
    sons.role = 'child' and sons.gender = 'm' and unit(sons.d, 6) < rate('traps.father_and_son')
    and sons.person_no not in (select person_no from twins)
    and sons.person_no not in (select other_person_no from twins)
qualify row_number() over (partition by fathers.household_no order by sons.person_no, fathers.person_no) = 1;

create temp table people_called as
with born as (
    select
        people.person_no,
        people.household_no,
        people.member_no,
        people.role,
        people.gender,
        people.d,
        draw('facts', people.person_no) as f,
        coalesce(twins.birth_date, people.birth_date) as birth_date,
        fathers_and_sons.other_person_no as father_no,
        households.culture,
        households.culture || ':' || people.gender || ':' || case
            when people.birth_date < date '1950-01-01' then 'era_1940'
            when people.birth_date < date '1965-01-01' then 'era_1957'
            when people.birth_date < date '1980-01-01' then 'era_1972'
            when people.birth_date < date '1995-01-01' then 'era_1987'
            else 'era_2001'
        end as group_name
    from people_drawn as people
    inner join households using (household_no)
    left join twins using (person_no)
    left join fathers_and_sons using (person_no)
),
-- Nobody gives two children one name: who draws the name of an older member takes another.
called as (
    select
        born.*,
        first_names.name as first_choice,
        row_number() over (partition by born.household_no, first_names.name order by born.member_no) - 1 as taken
    from born
    inner join first_names on first_names.group_name = born.group_name and first_names.slot = part(born.d, 2) >> 4
)
select
    called.*,
    households.last_name as household_last_name,
    households.native_last_name as household_native_last_name,
    households.last_word as household_last_word,
    first_names.name as drawn_first_name,
    first_names.native as drawn_native_first_name,
    first_names.word as drawn_first_word,
    surnames.name as own_last_name,
    surnames.native as own_native_last_name,
    surnames.word as own_last_word,
    case
        when called.role in ('head', 'child') then true
        when called.role = 'partner' then unit(called.d, 3) < rate('households.same_surname_partner')
        else unit(called.d, 3) < rate('households.same_surname_other')
    end as takes_household_name
from called
inner join households using (household_no)
inner join first_names
    on first_names.group_name = called.group_name
    and first_names.slot = ((part(called.d, 2) >> 4) + 1237 * called.taken) % 4096
inner join surnames on surnames.group_name = called.culture and surnames.slot = part(called.d, 4) >> 2;

create temp table people_named as
select
    named.person_no,
    named.household_no,
    named.member_no,
    named.role,
    named.gender,
    named.birth_date,
    named.culture,
    named.d,
    named.f,
    coalesce(fathers.drawn_first_name, named.drawn_first_name) as first_name,
    coalesce(fathers.drawn_native_first_name, named.drawn_native_first_name) as native_first_name,
    case when named.takes_household_name then named.household_last_name else named.own_last_name end as last_name,
    case when named.takes_household_name then named.household_native_last_name else named.own_native_last_name end as native_last_name,
    coalesce(fathers.drawn_first_word, named.drawn_first_word) as first_word,
    nicknames.nicknames[1 + part(named.f, 2) % len(nicknames.nicknames)] as nickname,
    case when named.takes_household_name then named.household_last_word else named.own_last_word end as last_word,
    named.own_last_name as maiden_name,
    named.own_last_word as maiden_word,
    case when named.role = 'partner' and named.gender = 'f' and named.takes_household_name and unit(named.f, 0) < rate('people.married_lately')
        then date '2016-02-01' + cast(unit(named.f, 0) / rate('people.married_lately') * 660 as integer) end as married_date,
    chr(65 + part(named.d, 5) % 25) as middle_initial,
    case when named.father_no is not null then 'Jr' when sons.father_no is not null then 'Sr' end as name_suffix
from people_called as named
left join people_called as fathers on fathers.person_no = named.father_no
left join nicknames on nicknames.name = coalesce(fathers.drawn_first_name, named.drawn_first_name)
left join (select distinct other_person_no as father_no from fathers_and_sons) as sons on sons.father_no = named.person_no;

drop table people_drawn;
drop table people_called;
drop table households_drawn;

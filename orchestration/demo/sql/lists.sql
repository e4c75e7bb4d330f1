-- Weighted lists as slots: part of a draw, cut to the list's number of slots, picks a row by an equality join.
create or replace macro slots_of(list_name, size) as table
with summed as (
    select
        *,
        sum(weight) over (partition by group_name order by weight desc, name) as upper,
        sum(weight) over (partition by group_name) as total
    from query_table(list_name)
)
select
    * exclude (weight, upper, total),
    unnest(range(cast((upper - weight) * size // total as bigint), cast(upper * size // total as bigint))) as slot
from summed;

create temp table listed_first_names as
select culture || ':' || gender || ':' || era as group_name, name, native, cast(weight as bigint) as weight
from (
    unpivot read_csv(getvariable('names') || '/first_names.csv', all_varchar = true)
    on era_1940, era_1957, era_1972, era_1987, era_2001 into name era value weight
)
where cast(weight as bigint) > 0;

create temp table listed_surnames as
select culture as group_name, name, native, cast(weight as bigint) as weight
from read_csv(getvariable('names') || '/surnames.csv', all_varchar = true);

create temp table listed_areas as
select 'all' as group_name, postal_code as name, city, state, area_code, cast(weight as bigint) as weight
from read_csv(getvariable('names') || '/areas.csv', all_varchar = true);

create temp table listed_streets as
select 'all' as group_name, name, cast(weight as bigint) as weight
from read_csv(getvariable('names') || '/streets.csv', all_varchar = true);

create temp table listed_street_types as
select 'all' as group_name, name, short, cast(weight as bigint) as weight
from read_csv(getvariable('names') || '/street_types.csv', all_varchar = true);

create temp table listed_mail_providers as
select 'all' as group_name, domain as name, cast(weight as bigint) as weight
from read_csv(getvariable('names') || '/mail_providers.csv', all_varchar = true);

-- `word` is the name in plain letters, as in an address.
create temp table first_names as select *, ascii_letters(name) as word from slots_of('listed_first_names', 4096);
create temp table surnames as select *, ascii_letters(name) as word from slots_of('listed_surnames', 16384);
create temp table areas as from slots_of('listed_areas', 4096);
create temp table streets as from slots_of('listed_streets', 4096);
create temp table street_types as from slots_of('listed_street_types', 256);
create temp table mail_providers as from slots_of('listed_mail_providers', 4096);

create temp table nicknames as
select name, list(nickname order by nickname) as nicknames
from read_csv(getvariable('names') || '/nicknames.csv', all_varchar = true)
group by name;

-- Free texts: `place` counts within kind and language, so that a draw picks one.
create temp table texts as
select
    kind,
    language,
    sentiment,
    topic,
    subject,
    text,
    row_number() over (partition by kind, language order by sentiment, topic, text) - 1 as place,
    count(*) over (partition by kind, language) as choices
from read_csv(getvariable('names') || '/texts.csv', all_varchar = true);

-- The real behaviour, as the package ships it, and what of it shapes a household.
create or replace view spine_transactions as from read_parquet(getvariable('spine') || '/transactions.parquet');
create or replace view spine_products as from read_parquet(getvariable('spine') || '/products.parquet');
create or replace view spine_campaigns as from read_parquet(getvariable('spine') || '/campaigns.parquet');
create or replace view spine_campaign_descriptions as
from read_parquet(getvariable('spine') || '/campaign_descriptions.parquet');
create or replace view spine_redemptions as from read_parquet(getvariable('spine') || '/coupon_redemptions.parquet');
create or replace view spine_demographics as from read_parquet(getvariable('spine') || '/demographics.parquet');

create temp table stores as
with drawn as (
    select store_id, draw('store', store_id) as d
    from (select distinct store_id from spine_transactions)
)
select drawn.store_id, areas.name as postal_code, areas.city, areas.state, areas.area_code
from drawn
inner join areas on areas.slot = part(drawn.d, 0) >> 4;

-- One row per household of the spine, in the order in which the population's households take them.
create temp table spine_households as
with favourites as (
    select household_id, store_id
    from spine_transactions
    group by household_id, store_id
    qualify row_number() over (partition by household_id order by count(*) desc, store_id) = 1
)
select
    favourites.household_id as spine_household_id,
    favourites.store_id as home_store_id,
    row_number() over (order by draw('spine', favourites.household_id)) as place,
    try_cast(left(demographics.household_size, 1) as integer) as count_members,
    demographics.marital_status,
    try_cast(left(demographics.age, 2) as integer) as age_from,
    stores.postal_code,
    stores.city,
    stores.state,
    stores.area_code
from favourites
left join spine_demographics as demographics using (household_id)
inner join stores using (store_id);

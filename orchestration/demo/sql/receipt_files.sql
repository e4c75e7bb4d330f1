-- What the tills drop every night: lines, payments, redemptions, and the lists of stores and products.
create view receipts__receipt_lines as
select
    business_date as day,
    case when bad < rate('bad_rows.receipt_lines') * 0.2 then '2017-13-45' else strftime(business_date, '%Y-%m-%d') end as business_date,
    store_id,
    receipt_id,
    case when bad between rate('bad_rows.receipt_lines') * 0.2 and rate('bad_rows.receipt_lines') * 0.5 then -line_no else line_no end as line_no,
    case when bad between rate('bad_rows.receipt_lines') * 0.5 and rate('bad_rows.receipt_lines') * 0.8 then 'swap' else line_type end
        as line_type,
    register_id,
    iso(sold_at) as sold_at,
    case when bad between rate('bad_rows.receipt_lines') * 0.8 and rate('bad_rows.receipt_lines') then null else product_id end as product_id,
    quantity,
    gross_amount,
    discount_amount,
    coupon_amount,
    net_amount,
    currency,
    loyalty_number
from receipt_lines;

create temp table receipt_totals as
with sums as (
    select basket_id, sum(net_amount) as net_amount, sum(net_amount) filter (where line_no <= 2 and quantity > 0) as returned_amount
    from spine_lines
    group by basket_id
)
select
    baskets.business_date,
    baskets.store_id,
    baskets.receipt_no,
    baskets.d,
    baskets.luck,
    baskets.card_token,
    baskets.person_id,
    sums.net_amount as amount
from baskets
inner join sums using (basket_id)
union all
select
    store_date(sold_at + to_days(cast(2 + part(d, 5) % 9 as integer))),
    store_id,
    receipt_no + 5000,
    d,
    luck,
    card_token,
    person_id,
    -sums.returned_amount
from baskets
inner join sums using (basket_id)
where
    unit(d, 6) < rate('behaviour.returned_receipts')
    and sums.returned_amount is not null
    and sold_at + to_days(cast(2 + part(d, 5) % 9 as integer)) < timestamp '2017-12-31 12:00:00';

create view receipts__payments as
with tendered as (
    select
        *,
        case
            when part(d, 3) % 100 < 62 then 'card'
            when part(d, 3) % 100 < 87 then 'cash'
            when part(d, 3) % 100 < 97 then 'mobile'
            else 'voucher'
        end as first_method,
        unit(d, 4) < rate('behaviour.split_payments') and amount > 10 as is_split
    from receipt_totals
    where amount <> 0
),
paid as (
    select *, 1 as payment_no, first_method as method, case when is_split then amount - 5 else amount end as paid_amount from tendered
    union all
    select *, 2, 'voucher', cast(5 as decimal(18, 2)) from tendered where is_split
)
select
    business_date as day,
    strftime(business_date, '%Y-%m-%d') as business_date,
    cast(store_id as varchar) as store_id,
    cast(receipt_no as varchar) as receipt_id,
    payment_no,
    case when line_unit(luck, 200000 + payment_no) < rate('bad_rows.payments') then 'barter' else method end as method,
    cast(paid_amount as decimal(18, 2)) as amount,
    'USD' as currency,
    case when method in ('card', 'mobile') then card_token end as card_token
from paid;

create view receipts__redemptions as
with numbers as (
    select household_no, min_by(loyalty_number, joined_at) as loyalty_number, min(joined_at) as joined_at
    from members_by_household
    where loyalty_number is not null
    group by household_no
),
visits as (
    select
        household_no,
        business_date,
        min(receipt_no) as receipt_no,
        min_by(store_id, receipt_no) as store_id,
        min_by(loyalty_number, receipt_no) as loyalty_number
    from baskets
    group by household_no, business_date
)
select
    cast(redemptions.redemption_date as date) as day,
    strftime(redemptions.redemption_date, '%Y-%m-%d') as business_date,
    coalesce(visits.loyalty_number, numbers.loyalty_number) as loyalty_number,
    cast(redemptions.coupon_upc as varchar) as coupon_upc,
    cast(redemptions.campaign_id as varchar) as campaign_id,
    cast(coalesce(visits.store_id, households.home_store_id) as varchar) as store_id,
    cast(visits.receipt_no as varchar) as receipt_id
from spine_redemptions as redemptions
inner join households on households.spine_household_id = redemptions.household_id
inner join numbers
    on numbers.household_no = households.household_no and numbers.joined_at <= redemptions.redemption_date + interval 1 day
left join visits
    on visits.household_no = households.household_no and visits.business_date = cast(redemptions.redemption_date as date);

create view receipts__stores as
select
    cast(store_id as varchar) as store_id,
    'Tessera Market ' || city || ' ' || store_id as name,
    city,
    state,
    postal_code,
    'America/New_York' as timezone
from stores;

create view receipts__products as
select
    cast(product_id as varchar) as product_id,
    department,
    product_category as category,
    product_type as type,
    brand as brand_type,
    cast(manufacturer_id as varchar) as manufacturer_id,
    package_size
from spine_products;

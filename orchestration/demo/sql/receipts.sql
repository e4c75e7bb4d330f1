-- The tills: each shopping household repeats the baskets of its household of the spine, and one of its members pays.
create temp table members_by_household as
select
    people.household_no,
    people.member_no,
    people.person_no,
    people.person_id,
    records.source_record_id as loyalty_number,
    records.copy_no,
    records.created_at as joined_at
from people
left join observed as records on records.source = 'receipts' and records.person_no = people.person_no
where people.spine_household_id is not null;

create temp table baskets as
with spine_baskets as (
    select
        basket_id,
        any_value(household_id) as household_id,
        any_value(store_id) as store_id,
        any_value(transaction_timestamp) as sold_at
    from spine_transactions
    group by basket_id
),
repeated as (
    select
        baskets.*,
        store_date(baskets.sold_at) as business_date,
        households.household_no,
        households.size,
        baskets.basket_id * 10000 + households.replica as receipt_no,
        draw('basket', baskets.basket_id * 10000 + households.replica) as d
    from spine_baskets as baskets
    inner join households on households.spine_household_id = baskets.household_id
),
shopped as (
    select
        *,
        least(size, case
            when unit(d, 0) < rate('behaviour.shopper_first') then 1
            when unit(d, 0) < rate('behaviour.shopper_first') + rate('behaviour.shopper_second') then 2
            else 3 + part(d, 0) % greatest(size - 2, 1)
        end) as member_no
    from repeated
),
numbers as (
    select
        household_no,
        member_no,
        loyalty_number,
        joined_at,
        coalesce(
            lead(joined_at) over (partition by person_no order by joined_at, loyalty_number), timestamp '2100-01-01'
        ) as replaced_at
    from members_by_household
    where loyalty_number is not null
),
lenders as (
    select household_no, min_by(loyalty_number, joined_at) as loyalty_number, min(joined_at) as joined_at
    from members_by_household
    where loyalty_number is not null
    group by household_no
),
shoppers as (select distinct household_no, member_no, person_id from members_by_household)
select
    shopped.receipt_no,
    shopped.basket_id,
    shopped.household_no,
    shopped.store_id,
    shopped.sold_at,
    shopped.business_date,
    shopped.d,
    cast(part(shopped.d, 6) as bigint) * 65536 + part(shopped.d, 7) as luck,
    shoppers.person_id,
    case
        when numbers.loyalty_number is not null and unit(shopped.d, 1) < rate('behaviour.loyalty_shown') then numbers.loyalty_number
        when numbers.loyalty_number is null and unit(shopped.d, 1) < rate('behaviour.loyalty_borrowed') and lenders.joined_at <= shopped.sold_at
            then lenders.loyalty_number
    end as loyalty_number,
    cast(1 + part(shopped.d, 2) % 8 as varchar) as register_id,
    'tok_' || left(md5(getvariable('seed') || shoppers.person_id || part(shopped.d, 3) % 2), 12) as card_token
from shopped
inner join shoppers using (household_no, member_no)
left join numbers
    on numbers.household_no = shopped.household_no and numbers.member_no = shopped.member_no
    and numbers.joined_at <= shopped.sold_at and numbers.replaced_at > shopped.sold_at
left join lenders on lenders.household_no = shopped.household_no;

-- The spine's lines in an order of their own; equal lines are interchangeable.
create temp table spine_lines as
select
    basket_id,
    product_id,
    quantity,
    cast(sales_value as decimal(18, 2)) as net_amount,
    cast(retail_disc as decimal(18, 2)) + cast(coupon_match_disc as decimal(18, 2)) as discount_amount,
    cast(coupon_disc as decimal(18, 2)) as coupon_amount,
    row_number() over (
        partition by basket_id
        order by product_id, sales_value, quantity, retail_disc, coupon_disc, coupon_match_disc
    ) as line_no
from spine_transactions;

create view receipt_sales as
select
    baskets.business_date,
    baskets.store_id,
    baskets.receipt_no,
    lines.line_no,
    'sale' as line_type,
    baskets.register_id,
    baskets.sold_at,
    lines.product_id,
    lines.quantity,
    lines.net_amount,
    lines.discount_amount,
    lines.coupon_amount,
    baskets.loyalty_number,
    baskets.luck
from baskets
inner join spine_lines as lines using (basket_id);

-- A wrong scan is a pair of lines after the others that adds up to nothing: of one line of a receipt, or of none.
create view receipt_voids as
with scanned as (
    select *, 1 + luck % 12 as scanned_line_no
    from baskets
    where unit(d, 4) < rate('behaviour.wrong_scans')
)
select
    scanned.business_date,
    scanned.store_id,
    scanned.receipt_no,
    500 + kind as line_no,
    case kind when 0 then 'sale' else 'void' end as line_type,
    scanned.register_id,
    scanned.sold_at,
    lines.product_id,
    lines.quantity * (1 - 2 * kind) as quantity,
    lines.net_amount * (1 - 2 * kind) as net_amount,
    cast(0 as decimal(18, 2)) as discount_amount,
    cast(0 as decimal(18, 2)) as coupon_amount,
    scanned.loyalty_number,
    scanned.luck
from scanned
inner join spine_lines as lines
    on lines.basket_id = scanned.basket_id and lines.line_no = scanned.scanned_line_no and lines.quantity > 0
cross join (select unnest([0, 1]) as kind);

-- A return is a receipt of its own some days later, in the same store.
create view receipt_returns as
with returned as (
    select *, sold_at + to_days(cast(2 + part(d, 5) % 9 as integer)) as returned_at
    from baskets
    where unit(d, 6) < rate('behaviour.returned_receipts')
)
select
    store_date(returned.returned_at) as business_date,
    returned.store_id,
    returned.receipt_no + 5000 as receipt_no,
    lines.line_no,
    'return' as line_type,
    'service' as register_id,
    returned.returned_at as sold_at,
    lines.product_id,
    -lines.quantity as quantity,
    -lines.net_amount as net_amount,
    -lines.discount_amount as discount_amount,
    -lines.coupon_amount as coupon_amount,
    returned.loyalty_number,
    returned.luck
from returned
inner join spine_lines as lines using (basket_id)
where lines.line_no <= 2 and lines.quantity > 0 and returned.returned_at < timestamp '2017-12-31 12:00:00';

create view receipt_lines as
select
    business_date,
    cast(store_id as varchar) as store_id,
    cast(receipt_no as varchar) as receipt_id,
    cast(line_no as bigint) as line_no,
    line_type,
    register_id,
    sold_at,
    cast(product_id as varchar) as product_id,
    cast(quantity as double) as quantity,
    cast(net_amount + discount_amount + coupon_amount as decimal(18, 2)) as gross_amount,
    cast(discount_amount as decimal(18, 2)) as discount_amount,
    cast(coupon_amount as decimal(18, 2)) as coupon_amount,
    cast(net_amount as decimal(18, 2)) as net_amount,
    'USD' as currency,
    loyalty_number,
    line_unit(luck, line_no + 100000) as bad
from (
    from receipt_sales
    union all
    from receipt_voids
    union all
    from receipt_returns
);

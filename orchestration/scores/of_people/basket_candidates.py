"""Products that may be in a person's next basket, and what is known of each pair: nothing later than the day asked for.

Candidates are the person's own products, what everybody buys lately, and what others buy of the types the person likes.
Nothing here knows a model.
"""

from datetime import date, timedelta

import duckdb

NUMBERS = (
    "baskets", "baskets_28d", "baskets_91d", "faded_slowly", "faded_fast", "recency", "age", "gap", "recency_in_gaps",
    "share", "share_91d", "person_baskets", "person_baskets_28d", "person_baskets_91d", "person_recency", "person_gap",
    "person_size", "product_people_28d", "product_repeats", "product_baskets_28d", "type_baskets", "type_baskets_91d",
    "type_recency", "type_share",
)  # fmt: skip
# Candidates of each kind a person; with more the answer is the same and takes longer.
_OWN, _POPULAR, _OF_TYPE, _TYPES = 50, 15, 3, 5
# Days after which a purchase counts a third. Summed as whole millionths: sums of reals depend on their order.
_SLOWLY, _FAST = 90.0, 25.0
# Days of history that say something of the next basket.
_LOOK_BACK_DAYS = 365

_BASKETS = """
    create or replace temp table baskets as
    select distinct owners.person_id, lines.business_date as day, lines.order_id as basket, lines.product_id as product,
        lines.ordered_at as bought_at
    from conformed.order_lines as lines
    inner join identity.person_records as owners on lines.record_id = owners.record_id
    where lines.line_type = 'sale' and lines.product_id is not null and lines.business_date > $from
        and lines.business_date <= $day
"""
_PRODUCTS = """
    create or replace temp table products_past as
    select product, count(distinct person_id) filter ($day::date - day < 28) as product_people_28d,
        count(*) / count(distinct person_id) as product_repeats,
        count(*) filter ($day::date - day < 28) as product_baskets_28d,
        any_value(product_type) as product_type
    from baskets left join conformed.products as products on baskets.product = products.product_id
    where day <= $day group by product
"""
_TABLES = """
    create or replace temp table past as
    from baskets where day <= $day and ($one_in = 1 or hash(person_id) % $one_in = $part);
    create or replace temp table people_past as
    select person_id, count(distinct basket) as person_baskets,
        count(distinct basket) filter ($day::date - day < 28) as person_baskets_28d,
        count(distinct basket) filter ($day::date - day < 91) as person_baskets_91d,
        $day::date - max(day) as person_recency,
        (max(day) - min(day)) / nullif(count(distinct basket) - 1, 0) as person_gap,
        count(*) / count(distinct basket) as person_size
    from past group by person_id;
    create or replace temp table pairs as
    select person_id, product, count(*) as baskets,
        count(*) filter ($day::date - day < 28) as baskets_28d,
        count(*) filter ($day::date - day < 91) as baskets_91d,
        $day::date - max(day) as recency,
        $day::date - min(day) as age,
        (max(day) - min(day)) / nullif(count(*) - 1, 0) as gap,
        sum((1e6 * exp(-($day::date - day) / {slowly}))::bigint) / 1e6 as faded_slowly,
        sum((1e6 * exp(-($day::date - day) / {fast}))::bigint) / 1e6 as faded_fast
    from past group by person_id, product;
    create or replace temp table types as
    select person_id, product_type, count(distinct basket) as type_baskets,
        count(distinct basket) filter ($day::date - day < 91) as type_baskets_91d,
        $day::date - max(day) as type_recency
    from past inner join products_past using (product) where product_type is not null
    group by person_id, product_type;
    create or replace temp table candidates as
    select person_id, product from pairs
    qualify row_number() over (partition by person_id order by faded_slowly desc, recency, product) <= {own}
    union
    select person_id, product from people_past cross join
        (select product from products_past order by product_people_28d desc, product limit {popular})
    union
    select person_id, product from
        (select person_id, product_type from types
            qualify row_number() over (partition by person_id order by type_baskets desc, product_type) <= {types})
        inner join (
            select product_type, product from products_past where product_type is not null
            qualify row_number() over (partition by product_type order by product_people_28d desc, product) <= {of_type}
        ) using (product_type);
"""
_TOLD = """
    select
        candidates.person_id,
        candidates.product,
        coalesce(baskets, 0) as baskets,
        coalesce(baskets_28d, 0) as baskets_28d,
        coalesce(baskets_91d, 0) as baskets_91d,
        coalesce(faded_slowly, 0) as faded_slowly,
        coalesce(faded_fast, 0) as faded_fast,
        recency, age, gap,
        recency / nullif(gap, 0) as recency_in_gaps,
        coalesce(baskets, 0) / person_baskets as share,
        coalesce(baskets_91d, 0) / nullif(person_baskets_91d, 0) as share_91d,
        person_baskets, person_baskets_28d, person_baskets_91d, person_recency, person_gap, person_size,
        product_people_28d, product_repeats, product_baskets_28d,
        type_baskets, type_baskets_91d, type_recency,
        coalesce(baskets, 0) / type_baskets as type_share
    from candidates
    inner join people_past using (person_id)
    inner join products_past using (product)
    left join pairs using (person_id, product)
    left join types using (person_id, product_type)
"""


def prepare(con: duckdb.DuckDBPyConnection, as_of: date) -> date | None:
    """Temp table `baskets` of people by a day; returns the first day, None where there is none."""
    con.execute(_BASKETS, {"day": as_of, "from": as_of - timedelta(days=_LOOK_BACK_DAYS)})
    return con.execute("select min(day) from baskets").fetchall()[0][0]


def products(con: duckdb.DuckDBPyConnection, day: date) -> None:
    """Temp table `products_past`: what is known of each product at the end of a day."""
    con.execute(_PRODUCTS, {"day": day})


def told(con: duckdb.DuckDBPyConnection, day: date, one_in: int = 1, part: int = 0) -> None:
    """Temp table `told`: one row per person and candidate as known at the end of a day, after `products` of that day.

    Of one in so many people; `part` says which.
    """
    sql = _TABLES.format(own=_OWN, popular=_POPULAR, of_type=_OF_TYPE, types=_TYPES, slowly=_SLOWLY, fast=_FAST)
    for statement in sql.split(";"):
        if statement.strip():
            given = {"day": day, "one_in": one_in, "part": part}
            con.execute(statement, {name: value for name, value in given.items() if f"${name}" in statement} or None)
    con.execute(f"create or replace temp table told as {_TOLD}")


def came(con: duckdb.DuckDBPyConnection, day: date, within_days: int) -> None:
    """Temp table `came`: person_id and product of each person's first basket in the days after a day."""
    con.execute(
        "create or replace temp table came as with later as (from baskets where day > $day and day <= $end), "
        "next as (select person_id, arg_min(basket, (bought_at, basket)) as basket from later group by person_id) "
        "select distinct later.person_id, product from later inner join next using (person_id, basket)",
        {"day": day, "end": day + timedelta(days=within_days)},
    )

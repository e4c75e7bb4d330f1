"""A shop as a warehouse: people with habits, campaigns, and everything that scores read."""

from datetime import date, timedelta

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.settings import Settings
from orchestration.warehouse import engine

FIRST, LAST = date(2023, 1, 1), date(2023, 12, 31)
PEOPLE, PRODUCTS, CAMPAIGNS = 500, 60, 20


def build(settings: Settings, *, seed: int = 7, until: date = LAST) -> None:
    """Write the warehouse of a home; nothing after `until` is in it."""
    chance = np.random.default_rng(seed)
    orders, lines, touches, used = [], [], [], []
    campaigns = [
        (f"c{no}", "big" if no % 3 == 0 else "small", FIRST + timedelta(days=20 + 15 * no)) for no in range(CAMPAIGNS)
    ]
    for person in range(PEOPLE):
        rate, stops, likes_coupons = chance.gamma(1.2, 0.06), chance.beta(1.2, 14), chance.random() < 0.25
        liked = chance.choice(PRODUCTS, 6, replace=False)
        day = int(chance.integers(0, 150))
        while day <= (LAST - FIRST).days:
            bought_on = FIRST + timedelta(days=day)
            basket = [*chance.choice(liked, 3, replace=False), int(chance.integers(0, PRODUCTS))]
            order = f"o{person}-{day}"
            orders.append((order, f"r{person}", "sale", bought_on, 4 * 5.0, 4))
            lines += [(order, f"r{person}", f"p{product}", bought_on, 5.0) for product in dict.fromkeys(basket)]
            if chance.random() < stops:
                break
            day += max(int(chance.exponential(1 / rate)), 1)
        for campaign, kind, sent in campaigns:
            if chance.random() < 0.8:
                touches.append((f"r{person}", "sent", campaign, sent))
                if likes_coupons and chance.random() < (0.5 if kind == "big" else 0.3):
                    used.append((f"r{person}", campaign, sent + timedelta(days=int(chance.integers(1, 20)))))
    _write(settings, until, {
        "orders": (orders, ("order_id", "record_id", "order_type", "business_date", "net_amount", "count_lines")),
        "order_lines": (lines, ("order_id", "record_id", "product_id", "business_date", "net_amount")),
        "interactions": (touches, ("record_id", "interaction_type", "campaign_id", "event_date")),
        "coupon_redemptions": (used, ("record_id", "campaign_id", "business_date")),
    }, campaigns)  # fmt: skip


def _write(settings, until, tables, campaigns) -> None:
    with engine.writing(settings) as con:
        for schema in ("conformed", "identity"):
            con.execute(f"create schema if not exists {schema}")
        for name, (rows, columns) in tables.items():
            con.register("rows_in", pa.table(dict(zip(columns, zip(*rows, strict=True), strict=True))))
            con.execute(f"create or replace table conformed.{name} as from rows_in")
            con.unregister("rows_in")
        con.register(
            "rows_in",
            pa.table(
                dict(zip(("campaign_id", "campaign_type", "start_date"), zip(*campaigns, strict=True), strict=True))
            ),
        )
        con.execute("create or replace table conformed.campaigns as select *, start_date + 20 as end_date from rows_in")
        _complete(con)
        for name, day in (("orders", "business_date"), ("order_lines", "business_date"), ("interactions", "event_date"),
                          ("coupon_redemptions", "business_date")):  # fmt: skip
            con.execute(f"delete from conformed.{name} where {day} > ?", [until])
        _features(con)


def _features(con: duckdb.DuckDBPyConnection) -> None:
    """A part of features.people as of the last day of orders."""
    con.execute("create schema if not exists features")
    con.execute(
        "create or replace table features.people as select person_id, count(*) as count_orders_365d, "
        "(select max(business_date) from conformed.orders) - max(business_date) as recency_days, "
        "max(business_date) - min(business_date) as tenure_days, avg(net_amount) as average_order_value_usd "
        "from conformed.orders inner join identity.person_records using (record_id) group by person_id"
    )


def _complete(con: duckdb.DuckDBPyConnection) -> None:
    """The columns that are the same everywhere here, products, and who is who."""
    con.execute(
        "create or replace table conformed.orders as select *, 'USD' as currency, net_amount as gross_amount, "
        "0.0 as coupon_amount, 0.0 as discount_amount from conformed.orders"
    )
    con.execute(
        "create or replace table conformed.order_lines as "
        "select *, 'sale' as line_type, business_date::timestamp as ordered_at from conformed.order_lines"
    )
    con.execute(
        f"create or replace table conformed.products as select 'p' || i as product_id, 't' || i % 8 as product_type, "
        f"'c' || i % 4 as category from range({PRODUCTS}) as t(i)"
    )
    con.execute(
        f"create or replace table identity.person_records as "
        f"select 'r' || i as record_id, 'person' || lpad(i::varchar, 4, '0') as person_id from range({PEOPLE}) as t(i)"
    )

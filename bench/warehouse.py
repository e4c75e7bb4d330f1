"""A warehouse of a million people with their acts, made by SQL, for `bench.segments` and `bench.volume`.

Sizes are those of a large grocer with a shop on the web. Values are drawn by hashes: the same every time.
"""

from collections.abc import Collection
from datetime import date

import duckdb

from orchestration.segments import catalogue
from orchestration.settings import Settings

AS_OF = date(2017, 12, 31)
PEOPLE, ORDERS, LINES, EVENTS, INTERACTIONS, TICKETS = 1_000_000, 5_000_000, 20_000_000, 10_000_000, 4_000_000, 200_000
REDEMPTIONS, FEEDBACK = 500_000, 300_000
_VALUES = {
    "text": "'{name}' || hash(i, '{name}') % 50",
    "number": "(hash(i, '{name}') % 400)::bigint",
    "boolean": "hash(i, '{name}') % 10 < 4",
    "date": "date '2017-12-31' - (hash(i, '{name}') % 700)::integer",
}
# Values that documents ask for by name, or that are a share.
_OWN = {
    "person_id": "'p_' || md5(i::varchar)[:16]",
    "email": "'a' || i || '@mail.example'",
    "email_std": "'a' || i || '@mail.example'",
    "phone": "'+1555' || lpad(i::varchar, 7, '0')",
    "state": "['OH', 'NY', 'KY', 'IN', 'TX', 'CA'][1 + (hash(i, 'state') % 6)::integer]",
    "is_identified": "hash(i, 'identified') % 10 < 8",
    "as_of_date": "date '2017-12-31'",
    **{name: f"(hash(i, '{name}') % 5 + 1)::bigint" for name in ("rfm_recency", "rfm_frequency", "rfm_monetary")},
    **{name: f"(hash(i, '{name}') % 1000) / 1000" for name in ("coupon_share", "purchase_probability_28d",
                                                               "churn_probability_28d", "coupon_probability")},
}  # fmt: skip
_TABLES = {
    "identity.person_records": f"""
        select ['receipts:members:', 'segment:users:'][1 + system::integer] || i as record_id,
            'p_' || md5(i::varchar)[:16] as person_id
        from range({PEOPLE}) as t(i), range(2) as s(system)""",
    "conformed.identifiers": f"""
        select 'receipts:members:' || i as record_id, 'email' as identifier_type,
            'a' || i || '@mail.example' as identifier_value from range({PEOPLE}) as t(i)""",
    "conformed.orders": f"""
        select 'o' || i as order_id, 'receipts:members:' || hash(i) % {PEOPLE} as record_id,
            case when i % 50 = 0 then 'return' else 'sale' end as order_type,
            case when i % 5 = 0 then 'web' else 'pos' end as channel, 's' || i % 457 as store_id, 'main' as brand,
            date '2017-01-01' + (i * 365 // {ORDERS})::integer as business_date,
            timestamp '2017-01-01' + to_seconds(i * 31536000 // {ORDERS}) as ordered_at,
            (hash(i, 9) % 10000 / 100)::decimal(18, 2) as net_amount, (1 + hash(i, 10) % 20)::bigint as count_lines,
            'USD' as currency, (hash(i, 9) % 10000 / 100 + hash(i, 11) % 300 / 100)::decimal(18, 2) as gross_amount,
            (hash(i, 11) % 200 / 100)::decimal(18, 2) as discount_amount,
            (hash(i, 11) % 300 / 100 - hash(i, 11) % 200 / 100)::decimal(18, 2) as coupon_amount
        from range({ORDERS}) as t(i)""",
    "conformed.products": """
        select 'prod' || i as product_id, 'DEPARTMENT ' || i % 44 as department, 'CATEGORY ' || i % 300 as category,
            'TYPE ' || i % 2000 as product_type, ['National', 'Private'][1 + i % 2] as brand_type,
            'm' || i % 6000 as manufacturer_id
        from range(92000) as t(i)""",
    "conformed.order_lines": f"""
        select 'o' || i // 4 as order_id, 'receipts:members:' || hash(i // 4) % {PEOPLE} as record_id,
            case when i // 4 % 50 = 0 then 'return' else 'sale' end as line_type,
            'prod' || hash(i, 4) % 92000 as product_id, case when i // 4 % 5 = 0 then 'web' else 'pos' end as channel,
            's' || i // 4 % 457 as store_id, 'main' as brand,
            date '2017-01-01' + (i * 365 // {LINES})::integer as business_date,
            timestamp '2017-01-01' + to_seconds(i * 31536000 // {LINES}) as ordered_at,
            (hash(i, 9) % 3000 / 100)::decimal(18, 2) as net_amount, 1.0::double as quantity, 'USD' as currency,
            (hash(i, 11) % 200 / 100)::decimal(18, 2) as discount_amount, 0::decimal(18, 2) as coupon_amount
        from range({LINES}) as t(i)""",
    "conformed.events": f"""
        select 'segment:users:' || hash(i, 3) % {PEOPLE} as record_id, 'web' as channel, 'main' as brand,
            ['page', 'product_viewed', 'cart_added', 'order_completed', 'search'][1 + (hash(i, 4) % 5)::integer]
                as event_type, 'prod' || hash(i, 5) % 92000 as product_id,
            date '2017-01-01' + (i * 365 // {EVENTS})::integer as event_date,
            timestamp '2017-01-01' + to_seconds(i * 31536000 // {EVENTS}) as occurred_at
        from range({EVENTS}) as t(i)""",
    "conformed.interactions": f"""
        select 'receipts:members:' || hash(i, 6) % {PEOPLE} as record_id, 'email' as channel, 'main' as brand,
            ['sent', 'opened', 'clicked', 'unsubscribed'][1 + (hash(i, 7) % 4)::integer] as interaction_type,
            'c' || i % 27 as campaign_id, date '2017-01-01' + (i * 365 // {INTERACTIONS})::integer as event_date,
            timestamp '2017-01-01' + to_seconds(i * 31536000 // {INTERACTIONS}) as occurred_at
        from range({INTERACTIONS}) as t(i)""",
    "conformed.tickets": f"""
        select 'receipts:members:' || hash(i, 8) % {PEOPLE} as record_id, 'phone' as channel, 'main' as brand,
            ['open', 'solved', 'new'][1 + (hash(i, 9) % 3)::integer] as status,
            (1 + hash(i, 10) % 5)::bigint as satisfaction_score,
            timestamp '2017-01-01' + to_seconds(i * 31536000 // {TICKETS}) as opened_at
        from range({TICKETS}) as t(i)""",
    "conformed.campaigns": """
        select 'c' || i as campaign_id, 'Type ' || 'ABC'[1 + i % 3] as campaign_type,
            date '2017-01-01' + 13 * i::integer as start_date, date '2017-01-20' + 13 * i::integer as end_date
        from range(27) as t(i)""",
    "conformed.coupon_redemptions": f"""
        select 'receipts:members:' || hash(i, 12) % {PEOPLE} as record_id,
            'c' || i * 27 // {REDEMPTIONS} as campaign_id,
            date '2017-01-02' + (13 * (i * 27 // {REDEMPTIONS}) + hash(i, 13) % 17)::integer as business_date
        from range({REDEMPTIONS}) as t(i)""",
    "conformed.feedback": f"""
        select 'receipts:members:' || hash(i, 14) % {PEOPLE} as record_id, 'm' || i as message_id,
            's' || i as subject_id, date '2017-01-01' + (i * 365 // {FEEDBACK})::integer as feedback_date,
            hash(i, 15) % 200 / 100.0 - 1 as sentiment,
            case when i % 7 = 0 then date '2017-01-01' + (i * 365 // {FEEDBACK})::integer end as complaint_date
        from range({FEEDBACK}) as t(i)""",
}


def fill(settings: Settings, wide: Collection[str] = ("profile", "features", "scores")) -> None:
    """People and their acts of a year. `wide`: schemas whose table people has every column that rules may name."""
    known = catalogue.read()
    with duckdb.connect(str(settings.warehouse), config={"memory_limit": settings.memory_limit, "threads": 2}) as con:
        con.execute(f"set preserve_insertion_order = false; set temp_directory = '{settings.spill}'")
        for schema in ("profile", "features", "scores", "conformed", "identity"):
            con.execute(f"create schema {schema}")
        for table, columns in (("profile", known.attributes), ("features", known.features), ("scores", known.scores)):
            if table not in wide:
                continue
            made = [f"{_OWN.get(n, _VALUES[kind].format(name=n))} as {n}" for n, kind in columns.items()]
            con.execute(f"create table {table}.people as select {', '.join(made)} from range({PEOPLE}) as t(i)")
        for table, query in _TABLES.items():
            con.execute(f"create table {table} as {query}")


def next_day(settings: Settings) -> None:
    """A day later: one in fifty has other figures, and everybody's acts are a day older."""
    with duckdb.connect(str(settings.warehouse)) as con:
        con.execute(
            "update features.people set recency_days = (hash(person_id, 'next') % 400)::bigint, "
            "count_orders_365d = count_orders_365d + 1 where hash(person_id, 'who') % 50 = 0"
        )
        con.execute("update features.people set as_of_date = date '2018-01-01'")

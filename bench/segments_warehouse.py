"""A warehouse of a million people with their acts, made by SQL, for `bench.segments`; and a hundred documents over it.

Sizes are those of a large grocer with a shop on the web. Values are drawn by hashes: the same every time.
"""

from datetime import date, timedelta
from pathlib import Path

import duckdb
import yaml

from orchestration.segments import catalogue
from orchestration.settings import Settings

AS_OF = date(2017, 12, 31)
PEOPLE, ORDERS, LINES, EVENTS, INTERACTIONS, TICKETS = 1_000_000, 5_000_000, 20_000_000, 10_000_000, 4_000_000, 200_000
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
            (hash(i, 9) % 10000 / 100)::decimal(18, 2) as net_amount, (1 + hash(i, 10) % 20)::bigint as count_lines
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
            (hash(i, 9) % 3000 / 100)::decimal(18, 2) as net_amount, 1.0::double as quantity
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
}


def fill(settings: Settings) -> None:
    """People with every attribute, feature and score that rules may name, and their acts of a year."""
    known = catalogue.read()
    with duckdb.connect(str(settings.warehouse), config={"memory_limit": settings.memory_limit, "threads": 2}) as con:
        con.execute(f"set preserve_insertion_order = false; set temp_directory = '{settings.spill}'")
        for schema in ("profile", "features", "scores", "conformed", "identity"):
            con.execute(f"create schema {schema}")
        for table, columns in (("profile", known.attributes), ("features", known.features), ("scores", known.scores)):
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


# Most segments of a shop are a small part of its people: all together each person is in about seven.
KINDS = {
    "attributes": "{and: [{attribute: state, eq: %(state)s}, {attribute: is_sms_consented, eq: true}]}",
    "features": "{and: [{feature: rfm_monetary, eq: 5}, {feature: recency_days, between: [%(days)d, 300]}]}",
    "scores": "{and: [{score: purchase_probability_28d, gte: 0.9}, {feature: count_orders_365d, gte: %(n)d}]}",
    "orders, lately": "{did: order, where: {channel: web}, at_least: 2, within_days: %(days)d}",
    "orders, ever": "{did: order, where: {net_amount: {gte: %(n)d}}, at_least: 7}",
    "no order lately": "{and: [{attribute: state, eq: %(state)s}, {did_not: order, within_days: %(days)d}]}",
    "last order": "{last: order, not_within_days: 2%(n)d}",
    "lines of a department": "{did: purchase, where: {department: DEPARTMENT %(n)d}, at_least: 2}",
    "lines, all, ever": "{did: purchase, where: {net_amount: {gt: %(n)d}}, at_least: 20}",
    "web events": "{did: event, where: {event_type: cart_added}, at_least: 2, within_days: %(days)d}",
    "web events, ever": "{did: event, where: {event_type: {in: [cart_added, search]}}, at_least: %(few)d}",
    "mail and tickets": "{or: [{did: interaction, where: {interaction_type: unsubscribed}, within_days: %(days)d}, "
    "{did: ticket, where: {satisfaction_score: {lte: 2}}, within_days: 91}]}",
    "sequence": "{sequence: [{did: event, where: {event_type: cart_added}}, {did: order}], within_days: 3, "
    "in_last_days: 28}",
    "in other segments": "{and: [{segment: attributes_0}, {not: {segment: features_0}}]}",
    "nested": "{and: [{attribute: is_email_consented, eq: true}, {or: [{score: churn_probability_28d, gte: 0.9}, "
    "{and: [{feature: rfm_frequency, eq: 5}, {did_not: order, within_days: 2%(n)d}]}]}, "
    "{not: {did: ticket, where: {status: open}}}]}",
}
# Two sequences: each is a query of its own.
_COUNTS = {"sequence": 2, "lines, all, ever": 3, "nested": 10, "features": 10, "attributes": 9, "scores": 9}


def documents(folder: Path, count: int = 100) -> dict[str, Path]:
    """Documents of every kind; the first of each by kind. Among them a list, an exclusion and a group of three."""
    firsts: dict[str, Path] = {}
    written = 0
    for kind, rules in KINDS.items():
        for number in range(_COUNTS.get(kind, 6)):
            values = {"state": ["OH", "NY", "KY", "IN", "TX", "CA"][number % 6], "days": 14 + 7 * number,
                      "n": 10 + 3 * number, "few": 7 + number}  # fmt: skip
            own = {"rules": yaml.safe_load(rules % values)}
            own |= (
                {"priority_group": "order", "priority": number + 1} if kind == "orders, lately" and number < 3 else {}
            )
            file = _write(folder, f"{''.join(c if c.isalnum() else '_' for c in kind)}_{number}", own)
            firsts.setdefault(kind, file)
            written += 1
    (folder / "fair.csv").write_text("email\n" + "".join(f"A{i}@mail.example\n" for i in range(0, 50_000, 5)))
    firsts["list of 10,000"] = _write(
        folder, "fair", {"kind": "list", "file": "fair.csv", "expires_date": AS_OF + timedelta(days=365)}
    )
    _write(folder, "staff", {"kind": "exclusion", "rules": {"attribute": "city", "eq": "city7"},
                             "excluded_from": [firsts["attributes"].stem, firsts["features"].stem]})  # fmt: skip
    for number in range(count - written - 2):
        _write(folder, f"rfm_{number}", {"rules": {"and": [
            {"feature": "rfm_recency", "eq": 1 + number % 5}, {"feature": "rfm_frequency", "eq": 5 - number % 4},
            {"feature": "tenure_days", "gte": number * 9}]}})  # fmt: skip
    return firsts


def _write(folder: Path, name: str, own: dict) -> Path:
    attributes = {"name": name, "description": "Of the measurement.", "owner": "team:data", "status": "active",
                  "approved_by": "team:data", "approved_date": AS_OF, **own}  # fmt: skip
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump({"type": "orchestration.components.Segment", "attributes": attributes}))
    return file

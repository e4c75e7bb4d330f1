"""Campaigns as cases: one sent to one person, what was known of the person the day before, and whether a coupon came.

Nothing here knows a model. Frames have one row a case.
"""

from datetime import date
from typing import Any

import duckdb

NUMBERS = (
    "campaign_days", "orders_28d", "orders_91d", "orders_all", "spend_28d", "spend_91d", "spend_all", "recency",
    "tenure", "coupon_orders", "coupon_orders_91d", "coupon_recency", "coupon_amount", "coupon_share", "discount_share",
    "lines_per_order", "received_before", "ended_before", "redeemed_before", "coupons_before", "redemption_recency",
    "received_kind", "redeemed_kind", "redeemed_share", "opened_before", "clicked_before",
)  # fmt: skip

_SENT = """
    select
        owners.person_id,
        touches.campaign_id,
        coalesce(campaigns.campaign_type, 'unknown') as kind,
        min(touches.event_date) as sent,
        coalesce(any_value(campaigns.end_date), min(touches.event_date) + 30) as ended,
        coalesce(any_value(campaigns.end_date) - any_value(campaigns.start_date), 30) as campaign_days
    from conformed.interactions as touches
    inner join identity.person_records as owners on touches.record_id = owners.record_id
    left join conformed.campaigns as campaigns on touches.campaign_id = campaigns.campaign_id
    where touches.interaction_type = 'sent' and touches.campaign_id is not null and touches.event_date <= $day
    group by owners.person_id, touches.campaign_id, campaigns.campaign_type
"""
_PREPARED = """
    create or replace temp table coupon_sends as {sent};
    create or replace temp table coupon_used as
    select owners.person_id, used.campaign_id, min(used.business_date) as first_day, count(*) as coupons
    from conformed.coupon_redemptions as used
    inner join identity.person_records as owners on used.record_id = owners.record_id
    where used.business_date <= $day
    group by owners.person_id, used.campaign_id;
    create or replace temp table coupon_orders as
    select
        owners.person_id,
        orders.business_date as day,
        orders.net_amount::double as net,
        orders.gross_amount::double as gross,
        coalesce(orders.coupon_amount, 0)::double as coupon,
        coalesce(orders.discount_amount, 0)::double as discount,
        orders.count_lines
    from conformed.orders as orders
    inner join identity.person_records as owners on orders.record_id = owners.record_id
    where orders.order_type = 'sale' and orders.business_date <= $day;
    create or replace temp table coupon_touches as
    select owners.person_id, touches.event_date as day, touches.interaction_type as kind, touches.campaign_id
    from conformed.interactions as touches
    inner join identity.person_records as owners on touches.record_id = owners.record_id
    where touches.interaction_type in ('opened', 'clicked') and touches.campaign_id is not null
        and touches.event_date <= $day;
"""
# Everything about a case ends the day before it was sent.
_TOLD = """
    with bought as (
        select
            cases.person_id,
            cases.sent,
            count(*) filter (cases.sent - day <= 28) as orders_28d,
            count(*) filter (cases.sent - day <= 91) as orders_91d,
            count(*) as orders_all,
            sum(net) filter (cases.sent - day <= 28) as spend_28d,
            sum(net) filter (cases.sent - day <= 91) as spend_91d,
            sum(net) as spend_all,
            min(cases.sent - day) as recency,
            max(cases.sent - day) as tenure,
            count(*) filter (coupon > 0) as coupon_orders,
            count(*) filter (coupon > 0 and cases.sent - day <= 91) as coupon_orders_91d,
            min(cases.sent - day) filter (coupon > 0) as coupon_recency,
            sum(coupon) as coupon_amount,
            avg((coupon > 0)::int) as coupon_share,
            sum(discount) / nullif(sum(gross), 0) as discount_share,
            avg(count_lines) as lines_per_order
        from (select distinct person_id, sent from cases) as cases
        inner join coupon_orders as orders on orders.person_id = cases.person_id and orders.day < cases.sent
        group by cases.person_id, cases.sent
    ),
    received as (
        select
            cases.person_id,
            cases.sent,
            cases.kind,
            count(*) as received_before,
            count(*) filter (earlier.ended < cases.sent) as ended_before,
            count(used.campaign_id) as redeemed_before,
            sum(used.coupons) as coupons_before,
            min(cases.sent - used.first_day) as redemption_recency,
            count(*) filter (earlier.kind = cases.kind) as received_kind,
            count(used.campaign_id) filter (earlier.kind = cases.kind) as redeemed_kind
        from (select distinct person_id, sent, kind from cases) as cases
        inner join coupon_sends as earlier on earlier.person_id = cases.person_id and earlier.sent < cases.sent
        left join coupon_used as used
            on used.person_id = earlier.person_id and used.campaign_id = earlier.campaign_id
                and used.first_day < cases.sent
        group by cases.person_id, cases.sent, cases.kind
    ),
    heard as (
        select
            cases.person_id,
            cases.sent,
            count(distinct touches.campaign_id) filter (touches.kind = 'opened') as opened_before,
            count(distinct touches.campaign_id) filter (touches.kind = 'clicked') as clicked_before
        from (select distinct person_id, sent from cases) as cases
        inner join coupon_touches as touches on touches.person_id = cases.person_id and touches.day < cases.sent
        group by cases.person_id, cases.sent
    )
    select
        cases.*,
        bought.* exclude (person_id, sent),
        coalesce(received_before, 0) as received_before,
        coalesce(ended_before, 0) as ended_before,
        coalesce(redeemed_before, 0) as redeemed_before,
        coalesce(coupons_before, 0) as coupons_before,
        redemption_recency,
        coalesce(received_kind, 0) as received_kind,
        coalesce(redeemed_kind, 0) as redeemed_kind,
        redeemed_before / nullif(received_before, 0) as redeemed_share,
        coalesce(opened_before, 0) as opened_before,
        coalesce(clicked_before, 0) as clicked_before
    from cases
    left join bought on cases.person_id = bought.person_id and cases.sent = bought.sent
    left join received
        on cases.person_id = received.person_id and cases.sent = received.sent and cases.kind = received.kind
    left join heard on cases.person_id = heard.person_id and cases.sent = heard.sent
"""


def sent(con: duckdb.DuckDBPyConnection, as_of: date) -> Any:
    """Every campaign sent by a day: NUMBERS, person_id, kind, sent, ended, redeemed, and whether the outcome is known.

    Ordered by sent, campaign, person.
    """
    _prepare(con, as_of)
    con.execute(
        "create or replace temp table cases as select sends.*, used.campaign_id is not null as redeemed, "
        "sends.ended < $day as is_known "
        "from coupon_sends as sends left join coupon_used as used on used.person_id = sends.person_id "
        "and used.campaign_id = sends.campaign_id and used.first_day >= sends.sent",
        {"day": as_of},
    )
    return _told(con, "sent, campaign_id, person_id")


def to_come(con: duckdb.DuckDBPyConnection, as_of: date) -> Any:
    """A campaign of each kind sent to each person the next day; `weight` is how often that kind was sent in a year."""
    _prepare(con, as_of)
    con.execute(
        """
        create or replace temp table cases as
        with kinds as (
            select kind, count(*) / sum(count(*)) over () as weight, avg(campaign_days) as campaign_days
            from coupon_sends where sent > $day::date - 365 group by kind
        ),
        reached as (
            select distinct person_id from coupon_sends union select distinct person_id from coupon_orders
        )
        select person_id, kind, $day::date + 1 as sent, campaign_days, weight from reached cross join kinds
        """,
        {"day": as_of},
    )
    return _told(con, "person_id, kind")


def _prepare(con: duckdb.DuckDBPyConnection, as_of: date) -> None:
    for statement in _PREPARED.format(sent=_SENT).split(";"):
        if statement.strip():
            con.execute(statement, {"day": as_of} if "$day" in statement else None)


def _told(con: duckdb.DuckDBPyConnection, order: str) -> Any:
    frame = con.execute(f"select * from ({_TOLD}) order by {order}").df()
    for name in NUMBERS:
        frame[name] = frame[name].astype("float64")
    return frame

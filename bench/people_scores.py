"""Scores of people measured on the demo's spine alone: real households, nothing generated. Part of `make bench-scores`.

The spine is laid out as the conformed tables that scores read; each household is a person.
"""

import tempfile
import time
from datetime import date
from pathlib import Path

from bench import identity_page
from orchestration.demo.spine import spine_folder
from orchestration.scores.of_people import coupon_response, next_products
from orchestration.scores.of_people.learned import Learned
from orchestration.settings import Settings
from orchestration.warehouse import engine

LAST_DAY = date(2017, 12, 31)
SHOWN = {
    coupon_response: "campaigns sent after {day}, {count:,} cases: the chance that a coupon of it is redeemed",
    next_products: "the first basket in the 28 days after {day} of {count:,} households",
}
# The figure by which a score is judged, and what it has to reach.
BARS = {coupon_response: ("AUC", 0.81), next_products: ("recall@10", 0.139)}
_LAID_OUT = """
    create schema conformed;
    create schema identity;
    create table conformed.order_lines as
    select household_id as record_id, basket_id as order_id, product_id, 'sale' as line_type,
        transaction_timestamp::date as business_date, transaction_timestamp as ordered_at, sales_value as net_amount,
        retail_disc as discount_amount, coupon_disc + coupon_match_disc as coupon_amount
    from '{spine}/transactions.parquet';
    create table conformed.orders as
    select record_id, order_id, 'sale' as order_type, 'USD' as currency, min(business_date) as business_date,
        sum(net_amount) as net_amount, sum(net_amount + discount_amount + coupon_amount) as gross_amount,
        sum(discount_amount) as discount_amount, sum(coupon_amount) as coupon_amount, count(*) as count_lines
    from conformed.order_lines group by record_id, order_id;
    create table conformed.products as
    select product_id, product_type, product_category as category from '{spine}/products.parquet';
    create table conformed.campaigns as
    select campaign_id, campaign_type, start_date::date as start_date, end_date::date as end_date
    from '{spine}/campaign_descriptions.parquet';
    create table conformed.interactions as
    select household_id as record_id, 'sent' as interaction_type, campaign_id, start_date as event_date
    from '{spine}/campaigns.parquet' as sent inner join conformed.campaigns using (campaign_id);
    create table conformed.coupon_redemptions as
    select household_id as record_id, campaign_id, redemption_date::date as business_date
    from '{spine}/coupon_redemptions.parquet';
    create table identity.person_records as
    select distinct record_id, record_id as person_id
    from (select record_id from conformed.orders union all select record_id from conformed.interactions);
"""


def laid_out(home: Path) -> Settings:
    """A home whose warehouse holds the spine."""
    settings = Settings(home=home)
    with engine.writing(settings) as con:
        for statement in _LAID_OUT.format(spine=spine_folder()).split(";"):
            if statement.strip():
                con.execute(statement)
    return settings


def block() -> tuple[str, list[str]]:
    """The tables of the page, and what is below its bar."""
    text, below = [], []
    with tempfile.TemporaryDirectory() as passing:
        settings = laid_out(Path(passing))
        for module, told in SHOWN.items():
            started = time.monotonic()
            with engine.reading(settings) as con:
                learned = module.learn(con, LAST_DAY)
            seconds = time.monotonic() - started
            one = learned.measures[0]
            head = f"**{module.NAME}** on {told.format(day=one.holdout_date, count=one.count_cases)} ({seconds:.0f} s)."
            text += [head, "", _table(learned), ""]
            figure, bar = BARS[module]
            value = next(found.value for found in learned.measures if found.is_used and found.measure == figure)
            below += [f"below its bar: {module.NAME}: {figure} {value:.3f} (bar {bar})"] if value < bar else []
    return "\n".join(text).rstrip(), below


def _table(learned: Learned) -> str:
    methods = list(dict.fromkeys(one.method for one in learned.measures))
    used = {one.method for one in learned.measures if one.is_used}
    value = {(one.measure, one.method): one.value for one in learned.measures}
    names = list(dict.fromkeys(one.measure for one in learned.measures))
    rows = [[name, *(f"{value[name, method]:.3f}" for method in methods)] for name in names]
    return identity_page.table(["", *(f"{method} (speaks)" if method in used else method for method in methods)], rows)

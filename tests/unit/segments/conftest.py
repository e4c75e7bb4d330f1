"""A small town of people with a year of acts, and a folder to write segment documents to."""

import textwrap
from datetime import date

import pytest

from orchestration.warehouse import engine

TODAY = date(2017, 12, 31)
_TOWN = """
    create schema profile; create schema features; create schema conformed; create schema identity;
    create table profile.people as from (values
        ('p1', 'Anna', 'Ash', 'anna@mail.example', '+15550100001', 'OH', true, true, true, date '1980-01-01'),
        ('p2', 'Bob', 'Birch', 'bob@mail.example', '+15550100002', 'OH', true, false, true, date '1990-06-15'),
        ('p3', 'Cleo', 'Cedar', null, null, 'NY', true, false, false, null),
        ('p4', null, null, null, null, null, false, false, false, null)
    ) as t(person_id, first_name, last_name, email, phone, state, is_identified, is_email_consented, is_sms_consented,
        birth_date);
    create table features.people as from (values
        ('p1', 12::bigint, 3::bigint, 5::bigint, 0.25::double, 3::bigint, 4::bigint, date '2017-12-31'),
        ('p2', 4, 60, 2, 0.0, 60, null, date '2017-12-31'),
        ('p3', 0, null, null, null, null, 1, date '2017-12-31'),
        ('p4', 0, null, null, null, null, null, date '2017-12-31')
    ) as t(person_id, count_orders_365d, recency_days, rfm_monetary, coupon_share, recency_days_pos, recency_days_web,
        as_of_date);
    create table identity.person_records as from (values
        ('r1', 'p1'), ('w1', 'p1'), ('r2', 'p2'), ('w3', 'p3'), ('w4', 'p4')) as t(record_id, person_id);
    create table conformed.orders as from (values
        ('o1', 'r1', 'sale', 'pos', 's1', 'main', date '2017-12-28', timestamp '2017-12-28 18:00', 50.00),
        ('o2', 'r1', 'sale', 'web', null, 'main', date '2017-12-01', timestamp '2017-12-01 18:00', 10.00),
        ('o3', 'r1', 'return', 'pos', 's1', 'main', date '2017-12-29', timestamp '2017-12-29 18:00', -5.00),
        ('o4', 'r2', 'sale', 'pos', 's2', 'main', date '2017-11-01', timestamp '2017-11-01 18:00', 20.00),
        ('o5', 'r2', 'sale', 'pos', 's2', 'main', date '2018-01-01', timestamp '2018-01-01 18:00', 20.00),
        ('o6', 'w3', 'void', 'pos', 's2', 'main', date '2017-12-30', timestamp '2017-12-30 18:00', 99.00)
    ) as t(order_id, record_id, order_type, channel, store_id, brand, business_date, ordered_at, net_amount);
    create table conformed.order_lines as from (values
        ('o1', 'r1', 'sale', 'wine', date '2017-12-28', timestamp '2017-12-28 18:00', 30.00::decimal(18, 2)),
        ('o4', 'r2', 'sale', 'milk', date '2017-11-01', timestamp '2017-11-01 18:00', 20.00)
    ) as t(order_id, record_id, line_type, product_id, business_date, ordered_at, net_amount);
    create table conformed.products as from (values
        ('wine', 'SPIRITS', 'WINE', 'RED', 'National', 'm1'), ('milk', 'GROCERY', 'MILK', 'WHOLE', 'Private', 'm2')
    ) as t(product_id, department, category, product_type, brand_type, manufacturer_id);
    create table conformed.events as from (values
        ('w1', 'web', 'cart_added', timestamp '2017-12-27 10:00', date '2017-12-27'),
        ('w1', 'web', 'page', timestamp '2017-12-27 09:00', date '2017-12-27'),
        ('w3', 'web', 'cart_added', timestamp '2017-12-30 10:00', date '2017-12-30')
    ) as t(record_id, channel, event_type, occurred_at, event_date);
    create table conformed.feedback as from (values
        ('r1', 'post', 'praise', 0.8::double, false, timestamp '2017-12-30 10:00', date '2017-12-30'),
        ('r2', 'ticket', 'delivery staff', -0.6, true, timestamp '2017-12-20 10:00', date '2017-12-20'),
        ('w3', 'ticket', 'delivery', null, true, timestamp '2017-11-01 10:00', date '2017-11-01')
    ) as t(record_id, feedback_type, topics, sentiment, is_complaint, occurred_at, feedback_date);
    create table conformed.interactions as from (values
        ('r2', 'email', 'clicked', 'c1', timestamp '2017-10-20 10:00', date '2017-10-20')
    ) as t(record_id, channel, interaction_type, campaign_id, occurred_at, event_date);
"""


@pytest.fixture
def town(settings):
    """Settings whose warehouse holds four people: p1 a regular, p2 lapsing, p3 a browser without orders, p4 nobody."""
    with engine.writing(settings) as con:
        con.execute(_TOWN)
    return settings


@pytest.fixture
def folder(tmp_path):
    """An empty folder for documents."""
    made = tmp_path / "segments"
    made.mkdir()
    return made


@pytest.fixture
def write(folder):
    """`write("vip", "- ...")` makes vip.yaml with the rules given, active unless said otherwise; returns its path.

    Keyword arguments are further fields of the document, before the rules; rules may be None.
    """

    def _write(name: str, rules: str | None, status: str = "active", **fields):
        lines = [
            "type: orchestration.components.Segment",
            "attributes:",
            f"  name: {name}",
            "  description: A segment of a test.",
            "  owner: team:marketing",
            f"  status: {status}",
            "  approved_by: team:marketing",
            "  approved_date: 2017-12-01",
            *(f"  {key}: {value}" for key, value in fields.items()),
        ]
        if rules is not None:
            lines += ["  rules:", textwrap.indent(textwrap.dedent(rules).strip(), "    ")]
        file = folder / f"{name}.yaml"
        file.write_text("\n".join(lines) + "\n")
        return file

    return _write

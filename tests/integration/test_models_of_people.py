"""Profiles, features and marts kept up to date hold what a rebuild holds, and write no more than needed."""

import os
from datetime import date

import pytest

from orchestration.home import prepare, variables
from orchestration.settings import Settings
from orchestration.warehouse import dbt, engine
from orchestration.warehouse.publish import content_hash

AS_OF = date(2017, 12, 31)
# What follows from logs of runs and from trained models, not from people as they are.
_OTHERS = [
    f"marts__{mart}"
    for mart in ("sync_results", "identity_quality", "identity_changes", "period_close", "period_restatement", "scores")
]
_MODELS = ["profile", "features", "measurement__period_orders", "marts"]
_SELECTION = ["--select", *_MODELS, "--exclude", *_OTHERS]

# Forty people with two records each; p07 and p08 are one person, which the first run does not know yet.
_INPUT = """
    create schema conformed; create schema identity; create schema segments; create schema staging;
    create table conformed.contacts as
    select
        source || ':' || object || ':' || i as record_id, source, object, i::varchar as source_record_id,
        'main' as brand, channel, 'Name' || i as first_name, 'name' || i as first_name_std,
        'Last' || i as last_name, 'last' || i as last_name_std, date '1980-01-01' + i::int as birth_date, 'f' as gender,
        i || '@' || channel || '.example' as email, i || '@' || channel || '.example' as email_std,
        '+1555010' || lpad(i::varchar, 4, '0') as phone, '+1555010' || lpad(i::varchar, 4, '0') as phone_std,
        i || ' Main St' as street, i || ' main st' as street_std, 'Akron' as city, 'akron' as city_std, 'OH' as state,
        '44301' as postal_code, '44301' as postal_code_std, 'US' as country, null::varchar as company_name,
        null::varchar as job_title, if(source = 'receipts', i::varchar, null) as loyalty_number,
        false as is_suppressed_evidence, timestamp '2017-01-01' as created_at, timestamp '2017-02-01' as updated_at,
        false as is_deleted, 'b' as _batch_id, 'l' as _load_id
    from range(40) as people(i)
    cross join (values ('hubspot', 'contacts', 'crm'), ('receipts', 'members', 'pos')) as s(source, object, channel);
    create table conformed.identifiers as
    select record_id || '|email' as identifier_id, record_id, 'email' as identifier_type, email_std as identifier_value,
        source, brand, created_at as first_seen_at, updated_at as last_seen_at, 'b' as _batch_id, 'l' as _load_id
    from conformed.contacts;
    create table identity.person_records as
    select record_id, 'p' || lpad(source_record_id, 2, '0') as person_id, 0.99::double as match_confidence
    from conformed.contacts;
    create view identity.people as
    select person_id, count(*) as count_records, count(distinct split_part(record_id, ':', 1)) as count_sources,
        timestamp '2017-01-01' as first_seen_at, min(match_confidence) as match_confidence
    from identity.person_records group by person_id;
    create table identity.household_members as
    select person_id, 'h' || right(person_id, 1) as household_id, 'place' as why from identity.people
    where person_id < 'p30';
    create table identity.accounts as select 'a1' as account_id, 'Acme' as name, 'acme.example' as domain,
        'name' as evidence, 2::bigint as count_people, 1::bigint as count_companies;
    create table identity.account_people as
    select account_id, person_id, 'company name' as why, count_records
    from (values ('a1', 'p05', 1::bigint), ('a0', 'p05', 2::bigint), ('a1', 'p06', 1::bigint))
        as t(account_id, person_id, count_records);
    create table conformed.orders as
    select 'o' || d || '/' || i as order_id, 'receipts' as source, 'main' as brand,
        'receipts:members:' || i as record_id,
        'pos' as channel, 'sale' as order_type, 's1' as store_id,
        date '2017-12-01' + d::int as business_date,
        timestamp '2017-12-01' + to_days(d::int) as ordered_at, 'USD' as currency,
        10.00::decimal(18, 2) as gross_amount,
        1.00::decimal(18, 2) as discount_amount, 0.00::decimal(18, 2) as coupon_amount,
        (9 + i)::decimal(18, 2) as net_amount, 1::bigint as count_lines, 1.0::double as count_units,
        i::varchar as loyalty_number, 'b' as _batch_id, 'l' as _load_id
    from range(40) as people(i) cross join range(20) as days(d);
    create table conformed.order_lines as
    select order_id || '/1' as order_line_id, order_id, source, brand, record_id, channel, 1::bigint as line_no,
        'sale' as line_type, store_id, 'milk' as product_id, business_date, ordered_at, 1.0::double as quantity,
        gross_amount, discount_amount, coupon_amount, net_amount, currency, 'b' as _batch_id, 'l' as _load_id
    from conformed.orders;
    create table conformed.payments as
    select order_id || '/1' as payment_id, order_id, source, brand, 'card' as method, net_amount as amount, currency,
        null::varchar as card_token, business_date, 'b' as _batch_id, 'l' as _load_id from conformed.orders;
    create table conformed.events (event_id varchar, source varchar, brand varchar, record_id varchar, channel varchar,
        event_type varchar, event_date date);
    create table conformed.interactions (interaction_id varchar, source varchar, brand varchar, record_id varchar,
        channel varchar, interaction_type varchar, event_date date, campaign_id varchar, subject_id varchar,
        value double, occurred_at timestamp);
    create table conformed.coupon_redemptions (redemption_id varchar, brand varchar, record_id varchar,
        campaign_id varchar, business_date date);
    create table conformed.tickets (ticket_id varchar, source varchar, brand varchar, record_id varchar,
        subject varchar, status varchar, priority varchar, channel varchar,
        opened_at timestamp, first_replied_at timestamp,
        solved_at timestamp, satisfaction_score double);
    create table conformed.calls (call_id varchar, source varchar, brand varchar, record_id varchar, direction varchar,
        duration_seconds bigint, call_date date, started_at timestamp, ended_at timestamp);
    create table conformed.feedback as
    select 'm' || i as message_id, 'helpdesk' as source, 'main' as brand, 'hubspot:contacts:' || i as record_id,
        'support' as channel, 'ticket' as feedback_type, 't' || i as subject_id, 'en' as language, 'delivery' as topics,
        -0.5::double as sentiment, true as is_complaint, 'problem' as complaint_by, date '2017-12-01' as feedback_date,
        date '2017-12-01' as complaint_date, timestamp '2017-12-01' as occurred_at
    from range(40) as people(i);
    create table conformed.leads as
    select record_id, source, brand, null::varchar as company_id, null::varchar as owner_id,
        'customer' as lifecycle_stage, 'NEW' as lead_status, is_deleted, created_at, updated_at
    from conformed.contacts where source = 'hubspot';
    create table conformed.deals as
    select source_record_id as deal_id, source, brand, record_id, null::varchar as company_id,
        null::varchar as owner_id, 'Deal' as name, 100.00::decimal(18, 2) as amount, 'USD' as currency,
        created_at as opened_at, null::timestamp as closed_at
    from conformed.contacts where source = 'hubspot';
    create table conformed.deal_stages as
    select deal_id || '/1' as deal_stage_id, deal_id, source, brand, 'default' as pipeline, 'won' as stage,
        1::bigint as stay_no, true as is_entry_known, opened_at as entered_at, null::timestamp as left_at
    from conformed.deals;
    create table conformed.consents as
    select 'c' || record_id as consent_id, source, brand, record_id, 'email' as contact_point_type,
        email_std as contact_point, 'email' as channel, 'marketing' as purpose, 'granted' as state,
        created_at as occurred_at
    from conformed.contacts;
    create table conformed.products as select 'milk' as product_id, 'GROCERY' as department, 'MILK' as category,
        'WHOLE' as product_type, 'Private' as brand_type, 'm1' as manufacturer_id, '1 L' as package_size;
    create table conformed.stores as select 's1' as store_id, 'Akron' as name, 'Akron' as city, 'OH' as state,
        '44301' as postal_code, 'America/New_York' as timezone;
    create table conformed.campaigns (campaign_id varchar, name varchar, campaign_type varchar);
    create table conformed.areas as select '44301' as postal_code, 50000.00::decimal(18, 2) as median_household_income,
        40.0::double as median_age, 0.5::double as share_owner_occupied, date '2018-12-31' as valid_until_date;
    create table segments.membership (segment varchar, person_id varchar, entered_date date, left_date date);
    create table staging.stg_receipts__receipt_lines as select business_date from conformed.order_lines;
"""
_CHANGES = """
    update conformed.contacts set phone_std = '+15550109999', updated_at = '2017-06-01'
        where record_id = 'hubspot:contacts:3';
    update identity.person_records set person_id = 'p07' where person_id = 'p08';
    delete from conformed.order_lines where order_id = 'o5/20';
    delete from conformed.orders where order_id = 'o5/20';
    insert into conformed.orders by name
        select * replace ('late' as order_id, date '2017-11-30' as business_date) from conformed.orders
        where order_id = 'o5/21';
    update conformed.consents set state = 'denied' where record_id = 'hubspot:contacts:4';
    insert into segments.membership values ('vip', 'p09', '2017-12-31', null);
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    before = dict(os.environ)
    os.environ["TESSERA_HOME"] = str(tmp_path_factory.mktemp("people"))
    made = Settings()
    prepare(made)
    os.environ.update(variables(made))
    with engine.writing(made) as con:
        con.execute(_INPUT)
    yield made
    os.environ.clear()
    os.environ.update(before)


def _build(settings, *options):
    dbt.run(settings, ["build", *_SELECTION, *options], as_of=AS_OF)
    with engine.reading(settings) as con:
        tables = con.execute(
            "select table_schema, table_name from information_schema.tables where table_catalog = 'warehouse' "
            "and table_schema in ('profile', 'features', 'marts') order by all"
        ).fetchall()
        return {f"{schema}.{table}": content_hash(con, f"{schema}.{table}") for schema, table in tables}


def _in_order(settings, table):
    """People in the order in which their rows lie: one that is written again comes last."""
    with engine.reading(settings) as con:
        rows = con.execute(f"select person_id from {table} group by 1 order by min(rowid)").fetchall()
    return [person for (person,) in rows]


def test_what_changed_is_written_and_the_result_is_that_of_a_rebuild(settings):
    first = _build(settings)
    assert len(first) == 28
    assert _build(settings) == first
    with engine.reading(settings) as con:
        groups = con.execute("select person_id, household_id, account_id from marts.customers order by 1").fetchall()
    assert groups[5:7] == [("p05", "h5", "a0"), ("p06", "h6", "a1")]
    assert groups[35] == ("p35", None, None)
    affected = {
        "profile.people": {"p03", "p04", "p07"},
        "profile.attributes": {"p03", "p07"},
        "profile.contact_points": {"p03", "p07"},
        "marts.customer_identifiers": {"p07"},
    }
    before = {table: _in_order(settings, table) for table in affected}

    with engine.writing(settings) as con:
        con.execute(_CHANGES)
    second = _build(settings)

    for table, people in affected.items():
        after = _in_order(settings, table)
        untouched = [person for person in before[table] if person not in people | {"p08"}]
        assert after[: len(untouched)] == untouched, table
        assert set(after[len(untouched) :]) == people, table
    assert second != first
    assert _build(settings, "--full-refresh") == second

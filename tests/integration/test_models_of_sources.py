"""Staged and conformed tables kept up to date hold what a rebuild holds, and write no more than needed."""

from datetime import date, datetime

import pytest

from data_contracts.contract import load, systems
from ingestion import layout
from ingestion.landing import land
from orchestration.demo.server import DEMO_TOKEN, serve
from orchestration.warehouse import dbt, engine
from tests import api_data
from tests.drop_data import payments, put, sales

AS_OF = date(2017, 3, 31)
_DROPPED = ("receipts", "segment")
_MEMBERS = (
    "loyalty_number,first_name,last_name,birth_date,gender,email,phone,street,city,state,postal_code,home_store_id,"
    "has_email_consent,has_sms_consent,joined_at,updated_at"
)


def _member(number: str, first_name: str, updated_at: str) -> str:
    return (
        f"{number},{first_name},Lee,1980-03-05,F,{first_name}.{number}@example.com,212-736-5{number},"
        f"1 Main St,Akron,OH,44301,367,true,false,2017-01-01T00:00:00Z,{updated_at}"
    )


def _call(message: str, at: str, *, user: str = "null", event: str | None = None, **properties: str) -> str:
    kind = f'"type":"track","event":"{event}"' if event else '"type":"identify","traits":{"email":"web@example.com"}'
    values = ",".join(f'"{name}":"{value}"' for name, value in properties.items())
    return (
        f'{{"messageId":"{message}",{kind},"anonymousId":"a1","userId":{user},"originalTimestamp":"{at}",'
        f'"properties":{{{values}}},"context":{{"consent":{{"categoryPreferences":{{"advertising":true}}}}}}}}'
    )


def _first_days(drops):
    sales(drops, "2017-03-01")
    sales(drops, "2017-03-02")
    payments(drops, "2017-03-01")
    put(drops, "receipts/2017-03-01/members.csv", "\n".join([_MEMBERS, _member("000", "Ann", "2017-03-01T09:00:00Z")]))
    calls = [
        _call("m1", "2017-03-01T10:00:00Z"),
        _call("m2", "2017-03-01T10:05:00Z", user='"u1"'),
        _call("m3", "2017-03-01T10:06:00Z", user='"u1"', event="Order Completed", order_id="o1", revenue="5.00"),
    ]
    put(drops, "segment/2017-03-01/events.ndjson", "\n".join(calls))


def _one_more_day(drops):
    sales(drops, "2017-03-03")
    members = [_member("000", "Anne", "2017-03-03T09:00:00Z"), _member("001", "Bob", "2017-03-03T09:00:00Z")]
    put(drops, "receipts/2017-03-03/members.csv", "\n".join([_MEMBERS, *members]))
    # A resend, and a page that was loaded twice and so reports its order again.
    calls = [
        _call("m1", "2017-03-01T10:00:00Z"),
        _call("m4", "2017-03-03T10:06:00Z", user='"u1"', event="Order Completed", order_id="o1", revenue="5.00"),
    ]
    put(drops, "segment/2017-03-03/events.ndjson", "\n".join(calls))


def _late_and_restated(drops):
    # A second file of a day: some lines of the first, with other amounts, and new ones.
    late = sales(drops, "2017-03-02", 9, amount="7.00").rename(drops / "receipts/2017-03-02/receipt_lines.late.csv")
    assert late.exists()
    sales(drops, "2017-03-02")
    sales(drops, "2017-03-01", 4, amount="1.00")
    # Says what the day before said: an echo, not a change.
    members = [_member("000", "Anne", "2017-03-04T09:00:00Z")]
    put(drops, "receipts/2017-03-04/members.csv", "\n".join([_MEMBERS, *members]))


def _withdrawn_and_unreadable(drops):
    (drops / "receipts/2017-03-02/receipt_lines.late.csv").unlink()
    (drops / "receipts/2017-03-03/members.csv").unlink()
    (drops / "segment/2017-03-01/events.ndjson").unlink()
    put(drops, "receipts/2017-03-03/receipt_lines.csv", "no,such,columns\n1,2,3\n")
    sales(drops, "2017-03-04")


@pytest.fixture
def build(settings, tmp_path):
    """Change the drops, land them, build; returns every row of every table, in the order in which rows lie."""
    drops = tmp_path / "drops"
    for system in systems():
        layout.write_schemas(settings.root, load(system))
    dbt.run(settings, ["run", "--select", "staging"], as_of=AS_OF)

    def run(change=None, *options):
        if change:
            change(drops)
            for system in _DROPPED:
                land(system, settings.root, drops=drops)
        selected = [*(f"staging.{s}" for s in _DROPPED), "conformed"]
        # What is read out of texts is no model of a source.
        dbt.run(settings, ["run", "--select", *selected, "--exclude", "conformed__feedback", *options], as_of=AS_OF)
        with engine.reading(settings) as con:
            tables = con.execute(
                "select table_schema || '.' || table_name from information_schema.tables "
                "where table_catalog = 'warehouse' and table_schema in ('staging', 'conformed') "
                # The lists of batches are short and made anew each time.
                "and not suffix(table_name, '__batches') order by all"
            ).fetchall()
            return {t: con.execute(f"select * from {t} order by rowid").to_arrow_table().to_pylist() for (t,) in tables}

    return run


def _sorted(tables):
    return {name: sorted(map(repr, rows)) for name, rows in tables.items()}


def _names(tables):
    """First name and last change of the member, whichever version counts."""
    rows = (row for row in tables["conformed.contacts"] if row["source_record_id"] == "000")
    return [(row["first_name"], row["updated_at"]) for row in rows]


def test_whatever_happens_to_files_the_tables_are_those_of_a_rebuild(build):
    states = []
    for change in (_first_days, _one_more_day, _late_and_restated, _withdrawn_and_unreadable):
        states.append(build(change))
        if change is _one_more_day:
            assert build() == states[-1], "a run without news wrote rows"
        if change is not _first_days:
            rebuilt = _sorted(build(None, "--full-refresh"))
            for name, rows in _sorted(states[-1]).items():
                assert rows == rebuilt[name], f"{name} after {change.__name__}"

    first, second = states[0], states[1]
    for name in ("staging.stg_receipts__receipt_lines", "conformed.order_lines", "conformed.orders"):
        assert second[name][: len(first[name])] == first[name], f"{name}: one more day wrote rows of another"
        assert len(second[name]) > len(first[name])
    assert second["conformed.payments"] == first["conformed.payments"]

    # A change; an echo, which is none; and the version that counts after the change was withdrawn.
    assert [_names(state) for state in states] == [
        [("Ann", datetime(2017, 3, 1, 9))],
        [("Anne", datetime(2017, 3, 3, 9))],
        [("Anne", datetime(2017, 3, 3, 9))],
        [("Anne", datetime(2017, 3, 4, 9))],
    ]


def test_a_deal_that_moves_between_two_loads_has_a_stay_in_each_stage(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("HUBSPOT_TOKEN", DEMO_TOKEN)
    data = api_data.hubspot(tmp_path / "crm", [api_data.contact(1)])
    for day, stage in ((1, "new"), (3, "new"), (5, "won")):
        moment = datetime(2017, 2, day, 9)
        deal = {
            "id": "700",
            "name": "Deal",
            "stage": stage,
            "created_at": datetime(2017, 2, 1, 9),
            "updated_at": moment,
        }
        api_data.write(data, "hubspot", "deals", [deal])
        with serve(data) as url:
            monkeypatch.setenv("HUBSPOT_BASE_URL", url)
            land("hubspot", settings.root)
        stays = _stays(settings)
    assert stays == [
        ("new", datetime(2017, 2, 1, 9), datetime(2017, 2, 5, 9)),
        ("won", datetime(2017, 2, 5, 9), None),
    ]
    assert _stays(settings, "--full-refresh") == stays


def _stays(settings, *options):
    models = ["stg_hubspot__batches", "stg_hubspot__deal_versions", "conformed__deal_stages"]
    dbt.run(settings, ["run", "--select", *models, *options], as_of=AS_OF)
    with engine.reading(settings) as con:
        return con.execute("select stage, entered_at, left_at from conformed.deal_stages order by stay_no").fetchall()

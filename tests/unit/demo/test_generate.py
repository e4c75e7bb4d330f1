"""A generated population: the same every time, as its contracts promise, with a truth that knows every record."""

import csv
import json
from datetime import date
from pathlib import Path

import duckdb
import phonenumbers
import pytest
import yaml

from orchestration.demo import generate as generator
from orchestration.demo import spine

CONTRACTS = Path(generator.__file__).parents[2] / "data_contracts" / "sources"
APIS = {"hubspot", "mastodon"}
MASTER = {"stores", "products", "campaigns"}


def tables() -> list[tuple[str, str, dict]]:
    listed = []
    for path in sorted(CONTRACTS.glob("*.odcs.yaml")):
        contract = yaml.safe_load(path.read_text())
        listed += [(contract["name"], table["name"], table) for table in contract["schema"]]
    return listed


@pytest.fixture(scope="module")
def year(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("year")
    generator.generate(200, 1, out)
    return out


@pytest.fixture(scope="module")
def people() -> duckdb.DuckDBPyConnection:
    """1,000 people, what the sources hold of them and what they did, without any file."""
    con = generator.connect(1_000, 1)
    generator.make_identities(con)
    generator.make_behaviour(con)
    return con


def value(con: duckdb.DuckDBPyConnection, sql: str):
    return con.execute(sql).fetchall()[0][0]


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.mark.parametrize(
    ("system", "resource", "table"), tables(), ids=lambda part: part if isinstance(part, str) else ""
)
def test_files_have_the_columns_of_their_contract(year, system, resource, table):
    names = [field["name"] for field in table["properties"]]
    paths = [field.get("physicalName", field["name"]) for field in table["properties"]]
    if system in APIS:
        columns = duckdb.sql(f"select * from '{year}/api/{system}/{resource}.parquet'").columns
        assert columns == names
        return
    found = sorted((year / "drops" / system).glob(f"*/{resource}.*"))
    assert found, f"nothing dropped for {system}/{resource}"
    for path in found:
        if path.suffix == ".csv":
            assert next(csv.reader(path.open(encoding="utf-8"))) == paths
        elif path.suffix == ".parquet":
            assert duckdb.sql(f"select * from '{path}'").columns == paths
        else:
            known = {route.split(".")[0] for route in paths}
            first = json.loads(path.read_text(encoding="utf-8").splitlines()[0])
            assert set(first) <= known


def test_business_days_are_days_of_the_stores(people):
    days = "select distinct store_date(transaction_timestamp) as day from spine_transactions"
    year = "select cast(unnest(range(date '2017-01-01', date '2018-01-01', interval 1 day)) as date)"
    assert value(people, f"select count(*) from ({days})") == 364
    assert people.execute(f"({year}) except ({days})").fetchall() == [(date(2017, 12, 25),)]
    # Midnight in New York is 04:00 UTC in summer and 05:00 in winter.
    assert value(people, "select store_date(timestamp '2017-08-01 03:59:00')") == date(2017, 7, 31)
    assert value(people, "select store_date(timestamp '2017-08-01 04:00:00')") == date(2017, 8, 1)
    assert value(people, "select store_date(timestamp '2017-12-01 04:59:00')") == date(2017, 11, 30)


def test_the_tills_deliver_parquet_in_june_and_csv_otherwise(year):
    assert (year / "drops/receipts/2017-06-15/receipt_lines.parquet").exists()
    assert (year / "drops/receipts/2017-07-15/receipt_lines.csv").exists()


def test_some_days_written_again_are_the_same_bytes(year, tmp_path):
    generator.generate(200, 1, tmp_path, days=(date(2017, 5, 30), date(2017, 6, 2)))
    again = files(tmp_path)
    assert {Path(name).parts[2] for name in again if name.startswith("drops/receipts/2017")} == {
        "2017-05-30",
        "2017-05-31",
        "2017-06-01",
        "2017-06-02",
    }
    whole = files(year)
    # An API shows the state at the last day written.
    assert [name for name, said in again.items() if not name.startswith("api/") and whole[name] != said] == []


def test_another_seed_makes_other_people(people):
    other = generator.connect(1_000, 2)
    generator.make_identities(other)
    ask = "select md5(string_agg(first_name || last_name, '' order by person_no)) from people"
    assert value(other, ask) != value(people, ask)


def test_until_withholds_what_comes_after_and_changes_nothing_before(year, tmp_path):
    generator.generate(200, 1, tmp_path, until=date(2017, 12, 29))
    earlier, whole = files(tmp_path / "drops"), files(year / "drops")
    assert earlier == {
        name: said for name, said in whole.items() if not Path(name).parts[1] > "2017-12-29" or "master" in name
    }
    late = {name for name in whole if name not in earlier}
    assert {Path(name).parts[1] for name in late} == {"2017-12-30", "2017-12-31"}
    for path in (tmp_path / "api").rglob("*.parquet"):
        assert value(duckdb, f"select count(*) from '{path}' where created_at >= timestamp '2017-12-30'") == 0
    assert files(tmp_path / "truth") == files(year / "truth")


def test_truth_knows_every_record_the_sources_hold(year):
    def rows(system: str, resource: str, form: str) -> str:
        read = "read_csv" if form == "csv" else "read_json_auto"
        extra = ", all_varchar = true" if form == "csv" else ", ignore_errors = true, format = 'newline_delimited'"
        return f"{read}('{year}/drops/{system}/*/{resource}.{form}'{extra})"

    held = f"""
        select 'hubspot:contacts:' || id from '{year}/api/hubspot/contacts.parquet'
        union select 'mastodon:accounts:' || id from '{year}/api/mastodon/accounts.parquet'
        union select 'receipts:members:' || loyalty_number from {rows("receipts", "members", "csv")}
        union select 'mailer:subscribers:' || subscriber_id from {rows("mailer", "subscribers", "csv")}
        union select 'partner:customers:' || partner_customer_id from {rows("partner", "customers", "csv")}
        union select 'helpdesk:users:' || id from {rows("helpdesk", "users", "ndjson")}
        union select 'segment:users:' || userId from {rows("segment", "events", "ndjson")} where userId is not null
        union select 'telemetry:devices:' || device_id from {rows("telemetry", "readings", "ndjson")}
    """
    truth = f"select record_id from '{year}/truth/records.parquet'"
    assert value(duckdb, f"select count(*) from ({held})") > 300
    assert value(duckdb, f"select count(*) from (({held}) except ({truth})) as unknown(id) where id is not null") == 0
    assert value(duckdb, f"select count(*) - count(distinct record_id) from ({truth})") == 0


def test_payments_of_a_receipt_are_its_lines(year):
    lines = (
        f"select business_date, store_id, receipt_id, sum(net_amount::decimal(18, 2)) as amount "
        f"from read_csv('{year}/drops/receipts/2017-07-*/receipt_lines.csv', all_varchar = true) "
        f"where line_no not like '-%' group by all having amount <> 0"
    )
    payments = (
        f"select business_date, store_id, receipt_id, sum(amount::decimal(18, 2)) as amount "
        f"from read_csv('{year}/drops/receipts/2017-07-*/payments.csv', all_varchar = true) group by all"
    )
    assert value(duckdb, f"select count(*) from ({lines})") > 100
    assert value(duckdb, f"select count(*) from (({lines}) except ({payments}))") == 0
    assert value(duckdb, f"select count(*) from (({payments}) except ({lines}))") == 0


def test_a_household_keeps_every_line_of_its_real_one(people):
    real = (
        "select sum(sales_value) from spine_transactions "
        "where household_id in (select spine_household_id from households)"
    )
    made = "select sum(net_amount) from receipt_lines where line_type = 'sale' and receipt_id::bigint % 10000 < 5000"
    scanned_twice = "select -sum(net_amount) from receipt_lines where line_type = 'void'"
    assert float(value(people, made)) - float(value(people, scanned_twice)) == pytest.approx(
        value(people, real), abs=0.01
    )
    assert value(people, "select count(*) from receipt_lines where line_type = 'return'") > 0


def test_sizes_and_duplicates_are_those_of_the_settings(people):
    assert value(people, "select count(*) from people") == 1_000
    assert value(people, "select count(*) / (select count(*) from households) from people") == pytest.approx(
        2.2, abs=0.12
    )
    shopping = "select avg((spine_household_id is not null)::int) from households"
    assert value(people, shopping) == pytest.approx(0.55, abs=0.05)
    duplicates = "select avg(copy_no) from observed where source <> 'receipts'"
    assert value(people, duplicates) == pytest.approx(0.08, abs=0.015)


def test_phones_before_any_slip_are_valid_numbers(people):
    numbers = [row[0] for row in people.execute("select mobile from people order by person_no limit 300").fetchall()]
    wrong = [number for number in numbers if not phonenumbers.is_valid_number(phonenumbers.parse(number, "US"))]
    assert wrong == []
    assert value(people, "select count(*) - count(distinct mobile) from people") == 0


def test_no_two_people_own_one_address(people):
    owned = "select unnest([email, email_before, email_second]) as email from people"
    assert value(people, f"select count(email) - count(distinct email) from ({owned})") == 0


def test_each_trap_is_set_and_named(people):
    traps = dict(people.execute("select trap, count(*) from truth__traps group by trap").fetchall())
    assert set(traps) == {
        "twins", "father_and_son", "shared_email", "recycled_phone", "re_registered", "info_address", "store_terminal",
    }  # fmt: skip
    assert (
        value(people, "select count(*) from truth__traps where trap <> 're_registered' and other_person_id is null")
        == 0
    )
    same_day = (
        "select count(*) from twins join people as a using (person_no) "
        "join people as b on b.person_no = other_person_no"
    )
    assert value(people, same_day) == value(people, f"{same_day} where a.birth_date = b.birth_date") > 0


def test_a_small_share_of_rows_breaks_its_contract(people):
    counts = {
        "a line without product, of an unknown type, day or number": "select count(*) from receipts__receipt_lines "
        "where product_id is null or line_type = 'swap' or business_date like '2017-13%' or line_no < 1",
        "a line of JSON that ends early": "select count(*) from segment__events where not json_valid(line)",
    }
    for name, sql in counts.items():
        assert 0 < value(people, sql) < 40, name


def test_a_misspelt_rate_is_an_error(people):
    with pytest.raises(duckdb.BinderException, match="emial"):
        people.execute("select rate('corruption.emial_typo')")


def test_without_the_package_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setattr(spine, "_PACKAGE", "no_such_package")
    with pytest.raises(spine.SpineMissingError, match=r"tessera\[demo\]"):
        spine.spine_folder()

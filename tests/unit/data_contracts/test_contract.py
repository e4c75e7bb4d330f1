import pytest
import yaml

from data_contracts import contract as contracts
from data_contracts.contract import ContractError, load, load_file, systems
from data_contracts.dbt_sources import render, stale
from orchestration.settings import PROJECT_ROOT

SOUND = """apiVersion: v3.1.0
kind: DataContract
id: x
name: shop
version: 1.0.0
status: active
domain: pos
schema:
  - name: sales
    logicalType: object
    customProperties:
      - property: format
        value: csv
    properties:
      - name: id
        logicalType: string
        primaryKey: true
      - name: amount
        logicalType: number
        physicalType: decimal(18,2)
        required: true
slaProperties:
  - property: latency
    value: 2
    unit: d
"""


def written(tmp_path, text):
    path = tmp_path / "shop.odcs.yaml"
    path.write_text(text)
    return path


def test_every_source_contract_can_be_read():
    assert {"hubspot", "receipts"} <= set(systems())
    for system in systems():
        assert load(system).system == system


def test_a_contract_says_what_lands(tmp_path):
    shop = load_file(written(tmp_path, SOUND))
    sales = shop.table("sales")
    assert (shop.system, shop.channel, shop.latency_hours, shop.retention_days) == ("shop", "pos", 48, None)
    assert (sales.format, sales.encoding, sales.keys, sales.keep_raw) == ("csv", "utf-8", ("id",), False)
    assert [(c.name, c.sql_type, c.required) for c in sales.columns] == [
        ("id", "varchar", True),
        ("amount", "decimal(18,2)", True),
    ]


@pytest.mark.parametrize(
    ("wrong", "right", "line", "says"),
    [
        ("logicalType: number", "logicalType: numbr", 19, "did you mean 'number'"),
        ("required: true", "requird: true", 21, "did you mean 'required'"),
        ("primaryKey: true", "primarykey: true", 17, "did you mean 'primaryKey'"),
        ("decimal(18,2)", "decimal", 20, "use double or decimal(18,2)"),
        ("value: csv", "value: cvs", 9, "did you mean 'csv'"),
        ("property: format", "property: fromat", 12, "did you mean 'format'"),
        ("property: format\n        value: csv", "property: encoding\n        value: utf-61", 9, "use utf-8, cp1252"),
        ("schema:", "shema:", 8, "did you mean 'schema'"),
        ("name: amount", "name: Amount", 18, "lower case"),
        ("name: amount", "name: id", 18, "there twice"),
        ("unit: d", "unit: fortnight", 23, "as unit"),
        ("primaryKey: true", "required: true", 9, "has no key"),
        ("    properties:", "   properties:", None, "not YAML"),
        ("required: true", "logicalTypeOptions: {pattern: '['}", 21, "not a regular expression"),
        ("required: true", "logicalTypeOptions: {minimun: 1}", 21, "did you mean 'minimum'"),
    ],
)
def test_a_slip_is_named_with_file_line_and_remedy(tmp_path, wrong, right, line, says):
    path = written(tmp_path, SOUND.replace(wrong, right, 1))
    with pytest.raises(ContractError) as caught:
        load_file(path)
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"{path}:{line}:" if line else f"{path}:")


def test_an_empty_contract_is_refused(tmp_path):
    with pytest.raises(ContractError, match="empty"):
        load_file(written(tmp_path, ""))


def test_an_unknown_system_or_table_gets_a_suggestion():
    with pytest.raises(ContractError, match="did you mean 'receipts'"):
        load("reciepts")
    with pytest.raises(ContractError, match="did you mean 'payments'"):
        load("receipts").table("paymets")


def test_the_fingerprint_changes_with_a_rule_and_not_with_a_comment(tmp_path):
    before = load_file(written(tmp_path, SOUND)).fingerprint
    assert load_file(written(tmp_path, "# why\n" + SOUND)).fingerprint == before
    assert load_file(written(tmp_path, SOUND.replace("        required: true\n", ""))).fingerprint != before


def test_committed_dbt_sources_are_current():
    assert stale(PROJECT_ROOT / "dbt_project") == []


def test_dbt_sources_follow_the_contract(tmp_path, monkeypatch):
    text = SOUND.replace("required: true", "required: true\n        classification: personal")
    source = yaml.safe_load(render(load_file(written(tmp_path, text))))["sources"][0]
    assert (source["name"], source["config"]["meta"]["latency_hours"]) == ("shop", 48)
    tables = {table["name"]: table for table in source["tables"]}
    assert set(tables) == {"sales", "sales__quarantine", "batches", "replays"}
    assert tables["sales"]["config"]["meta"]["dagster"]["asset_key"] == ["landing", "shop", "sales"]
    amount = next(column for column in tables["sales"]["columns"] if column["name"] == "amount")
    assert (amount["data_type"], amount["config"]["meta"]["classification"]) == ("decimal(18,2)", "personal")


def test_a_stale_dbt_source_is_found(tmp_path):
    contracts_of_nobody = stale(tmp_path)
    assert len(contracts_of_nobody) == len(contracts.systems())

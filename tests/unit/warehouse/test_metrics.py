"""The semantic layer: what MetricFlow is told holds for the published marts. MetricFlow itself is an extra."""

import json
import os

import pytest
import sqlglot
import yaml
from dbt_semantic_interfaces.implementations.semantic_manifest import PydanticSemanticManifest
from dbt_semantic_interfaces.validations.semantic_manifest_validator import SemanticManifestValidator
from sqlglot import exp

from data_contracts.contract import load
from orchestration.home import prepare, variables
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.warehouse import dbt

METRICS = {
    "customers", "active_customers", "revenue", "orders", "average_order_value", "retention", "clv",
    "funnel_conversion", "resolution_time",
}  # fmt: skip


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """What `dbt parse` writes for MetricFlow when it is to read the published file."""
    before = dict(os.environ)
    os.environ["TESSERA_HOME"] = str(tmp_path_factory.mktemp("home"))
    settings = Settings()
    prepare(settings)
    os.environ.update(variables(settings) | {"TESSERA_DBT_TARGET": "published"})
    dbt.parsed(settings)
    yield json.loads((dbt.target_folder(settings) / "semantic_manifest.json").read_text())
    os.environ.clear()
    os.environ.update(before)


def test_the_semantic_manifest_is_valid(manifest):
    model = PydanticSemanticManifest.parse_obj(manifest)
    found = SemanticManifestValidator[PydanticSemanticManifest]().validate_semantic_manifest(model)
    assert not found.has_blocking_issues, [issue.message for issue in found.errors]


def test_the_promised_metrics_are_there_and_described(manifest):
    described = {metric["name"]: metric["description"] for metric in manifest["metrics"]}
    assert described.keys() >= METRICS
    assert all(described.values())


def test_every_model_is_a_table_of_the_published_file(manifest):
    relations = {model["node_relation"]["relation_name"] for model in manifest["semantic_models"]}
    relations |= {spine["node_relation"]["relation_name"] for spine in manifest["project_configuration"]["time_spines"]}
    marts = {path.name.removesuffix(".odcs.yaml") for path in (PROJECT_ROOT / "data_contracts/marts").glob("*")}
    assert len(relations) > 5
    assert relations <= {f'"marts"."main"."{mart}"' for mart in marts}


def _columns(expression):
    return {column.name for column in sqlglot.parse_one(expression, dialect="duckdb").find_all(exp.Column)}


def test_whatever_is_counted_or_grouped_by_is_a_column_that_its_mart_promises(manifest):
    for model in manifest["semantic_models"]:
        mart = model["node_relation"]["alias"]
        promised = {column.name for column in load(mart, "marts").table(mart).columns}
        for part in (*model["entities"], *model["dimensions"], *model["measures"]):
            read = _columns(part["expr"] or part["name"])
            assert read <= promised, (model["name"], part["name"], read - promised)


def test_a_score_that_metrics_ask_for_is_one_that_is_made(manifest):
    (scores,) = [model for model in manifest["semantic_models"] if model["name"] == "scores"]
    asked = {
        literal.name
        for measure in scores["measures"]
        for literal in sqlglot.parse_one(measure["expr"]).find_all(exp.Literal)
        if literal.is_string
    }
    models = yaml.safe_load((dbt.PROJECT_DIR / "models/scores/_scores__models.yml").read_text())["models"]
    made = {column["name"] for model in models if model["name"] == "scores__people" for column in model["columns"]}
    assert asked
    assert asked <= made

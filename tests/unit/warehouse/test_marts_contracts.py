"""What BI is promised is what dbt enforces: one contract a mart, the same columns, types and words."""

from pathlib import Path

import pytest
import yaml
from open_data_contract_standard.model import OpenDataContractStandard

ROOT = Path(__file__).parents[3]
CONTRACTS = ROOT / "data_contracts" / "marts"
MODELS = ROOT / "dbt_project" / "models" / "marts"
_LOGICAL = {
    "string": "string",
    "bigint": "integer",
    "double": "number",
    "decimal(18,2)": "number",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
}


def _models():
    return {
        model["name"].removeprefix("marts__"): model
        for file in MODELS.glob("*.yml")
        for model in yaml.safe_load(file.read_text()).get("models", [])
    }


MARTS = sorted(path.stem.removeprefix("marts__") for path in MODELS.glob("*.sql"))


def test_every_mart_has_a_contract_and_every_contract_a_mart():
    assert sorted(path.name.removesuffix(".odcs.yaml") for path in CONTRACTS.glob("*")) == MARTS
    assert sorted(_models()) == MARTS


@pytest.mark.parametrize("mart", MARTS)
def test_a_contract_says_what_dbt_enforces(mart):
    contract = OpenDataContractStandard.from_file(str(CONTRACTS / f"{mart}.odcs.yaml"))
    (table,) = contract.schema_
    model = _models()[mart]
    assert model["config"]["contract"] == {"enforced": True}
    assert (table.name, table.description) == (mart, model["description"].strip())
    promised = [(column.name, column.logicalType, column.description) for column in table.properties]
    enforced = [
        (column["name"], _LOGICAL[column["data_type"]], column["description"].strip()) for column in model["columns"]
    ]
    assert promised == enforced


@pytest.mark.parametrize("mart", MARTS)
def test_no_mart_says_when_it_was_made(mart):
    """Marts of one day are equal however often they are built: no clock, load or batch is in them."""
    names = {column["name"] for column in _models()[mart]["columns"]}
    assert not names & {"_batch_id", "_load_id", "_dlt_load_id", "loaded_at", "built_at", "updated_at"}


def test_bi_is_exposed_to_every_mart():
    exposures = yaml.safe_load((MODELS / "_marts__exposures.yml").read_text())["exposures"]
    bi = next(exposure for exposure in exposures if exposure["name"] == "bi")
    assert bi["depends_on"] == [f"ref('marts__{mart}')" for mart in MARTS]


def test_every_score_of_a_person_is_in_the_mart_of_scores():
    scores = yaml.safe_load((MODELS.parent / "scores" / "_scores__models.yml").read_text())["models"]
    (people,) = [model for model in scores if model["name"] == "scores__people"]
    sql = (MODELS / "marts__scores.sql").read_text()
    # What a label means is told beside the person.
    besides = {"person_id", "as_of_date", "behaviour_group_description"}
    assert [c["name"] for c in people["columns"] if c["name"] not in besides and f"'{c['name']}'" not in sql] == []

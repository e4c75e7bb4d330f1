"""What a field that is written is computed from: traced through the SQL column by column, held against the registry."""

import pytest
from typer.testing import CliRunner

from data_contracts.masters import FILE
from orchestration.activation.document import load_documents
from orchestration.activation.masters.agreement import agreed
from orchestration.activation.masters.compiled import compile_masters
from orchestration.activation.masters.lineage import Lineage
from orchestration.cli import app
from tests.unit.activation.registries import declare, registry

LANDED = {
    "hubspot.contacts": ["id", "jobtitle", "lifecyclestage", "has_opted_out_of_email", "updated_at"],
    "receipts.receipt_lines": ["receipt_id", "loyalty_number", "net_amount"],
}
MADE = {"identity.person_records": ["record_id", "person_id"], "activation.unknown": []}
STAGED = """
with source as (
    select * from (
        select files.* from read_parquet('/home/landing/hubspot/contacts/*.parquet', union_by_name = true) as files
    ) as landed_rows
)
select id as contact_id, upper(trim(jobtitle)) as job, case when has_opted_out_of_email then 1 end as refused,
    lifecyclestage as stage from source
"""
BOUGHT = """
select loyalty_number, sum(net_amount) as spent
from read_parquet('/home/landing/receipts/receipt_lines/*.parquet') group by 1
"""
PAYLOAD = """
with contacts as (
    select * from "warehouse"."staging"."contacts" where refused is null
),
people as (
    select record_id, person_id from "warehouse"."identity"."person_records"
)
select
    contacts.contact_id,
    people.person_id,
    coalesce(contacts.job, contacts.stage) as tessera_segments,
    bought.spent as tessera_lifetime_value_usd
from contacts
inner join people on people.record_id = contacts.contact_id
left join "warehouse"."features"."bought" as bought on bought.loyalty_number = contacts.contact_id
"""


def traced(payload=PAYLOAD, **more):
    models = {"staging.contacts": STAGED, "features.bought": BOUGHT, **more, "activation.hubspot__contacts": payload}
    return Lineage.of(models.items(), LANDED, MADE)


def origin(column, **models):
    found = traced(**models).origin("activation.hubspot__contacts", column)
    return sorted(found.landed), sorted(found.opaque)


def judged(folder, file, **models):
    lineage = traced(**models)
    return [
        problem.message
        for problem in agreed(compile_masters(load_documents(folder)[0], folder, file), lineage).problems
    ]


@pytest.fixture
def folder(tmp_path):
    declare(tmp_path, "of_segments", "tessera_segments")
    declare(tmp_path, "of_value", "tessera_lifetime_value_usd")
    return tmp_path


def test_a_column_comes_from_what_its_expression_names_through_every_model():
    assert origin("tessera_segments") == (
        [("hubspot.contacts", "jobtitle"), ("hubspot.contacts", "lifecyclestage")],
        [],
    )
    assert origin("tessera_lifetime_value_usd") == ([("receipts.receipt_lines", "net_amount")], [])


def test_what_filters_the_rows_is_not_what_the_value_is_made_of():
    assert origin("contact_id") == ([("hubspot.contacts", "id")], [])


def test_a_table_made_by_python_ends_the_way_and_is_named():
    assert origin("person_id") == ([], ["identity.person_records"])


def test_a_model_that_cannot_be_read_ends_the_way_and_is_told():
    lineage = traced(**{"features.bought": "select from where"})
    assert list(lineage.unread) == ["features.bought"]
    assert lineage.origin("activation.hubspot__contacts", "tessera_lifetime_value_usd").opaque == {"features.bought"}


def test_all_rows_of_a_union_count_and_a_model_that_reads_itself_ends():
    both = """
        select job as word from "warehouse"."staging"."contacts" union all
        select receipt_id from read_parquet('/h/landing/receipts/receipt_lines/*.parquet') union all
        select word from "warehouse"."features"."words"
    """
    payload = 'select max(word) over (partition by 1) as tessera_segments from "warehouse"."features"."words"'
    assert origin("tessera_segments", payload=payload, **{"features.words": both}) == (
        [("hubspot.contacts", "jobtitle"), ("receipts.receipt_lines", "receipt_id")],
        [],
    )


def test_the_registry_says_what_the_sql_computes_from(folder):
    (told,) = judged(folder, registry(folder))
    came = "activation.hubspot__contacts.tessera_segments comes from hubspot.contacts.jobtitle"
    assert told == f"{came}: add that to depends_on of segments"
    assert judged(folder, registry(folder, "[value, stage]", "[value, stage, hubspot.contacts.jobtitle]")) == []


def test_a_loop_that_only_the_sql_closes_is_told_as_a_loop(folder):
    back = (
        "automations:\n  - {from: hubspot.contacts.tessera_segments, to: hubspot.contacts.jobtitle, reason: titles}\n"
    )
    assert judged(folder, registry(folder, "automations:\n", back))[-1] == (
        'a loop: hubspot.contacts.tessera_segments -> (automation "titles") hubspot.contacts.jobtitle -> '
        "(column activation.hubspot__contacts.tessera_segments) hubspot.contacts.tessera_segments"
    )


def test_a_way_back_that_ends_in_a_table_made_by_python_is_told_as_open(folder):
    back = "automations:\n  - {from: hubspot.contacts.tessera_segments, to: hubspot.contacts.zip, reason: titles}\n"
    payload = 'select person_id as tessera_segments from "warehouse"."identity"."person_records"'
    (told,) = judged(folder, registry(folder, "automations:\n", back), payload=payload)
    assert told.startswith("what we write comes back: hubspot.contacts.tessera_segments -> ")
    assert told.endswith("; identity.person_records, made by Python, may close the loop")


@pytest.mark.one_engine
def test_the_project_s_sql_agrees_and_a_master_that_changed_unsaid_is_exit_code_2(tmp_path):
    before = tmp_path / "before.yaml"
    before.write_text(
        FILE.read_text().replace("      gender:\n        master: cdp", "      gender:\n        master: hubspot")
    )
    ended = CliRunner().invoke(app, ["masters", "--check", "--against", str(before)])
    assert ended.exit_code == 2
    told = ended.output.splitlines()
    assert [line.partition(": ")[2].partition(":")[0] for line in told[:-1]] == [
        "cdp follows hubspot, master from 2026-11-22",
        "the change is not in history",
    ]
    assert told[-1] == "2 to mend"

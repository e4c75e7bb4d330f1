"""Sync documents: a bad one says file, line and what to write, and stops no other."""

import re
from pathlib import Path

import pytest

from orchestration.activation.destination import names
from orchestration.activation.document import Alerts, FieldRule, Guards, SyncDocument, load_documents
from orchestration.activation.run import FOLDER
from orchestration.settings import PROJECT_ROOT

GOOD = """\
type: orchestration.components.AudienceSync
attributes:
  name: {name}
  description: Computed attributes for the CRM.
  owner: team:crm
  destination: hubspot
  object: contacts
  model: activation.hubspot__contacts
  key: contact_id
  mode: mirror
  on_exit: clear
  fields:
    tessera_segments: tessera_segments
    lifetime_value: {{to: tessera_lifetime_value_usd, when_empty: skip}}
  consent:
    not_needed: the contacts are in the CRM already
"""


def write(folder: Path, name: str, text: str | None = None) -> None:
    (folder / f"{name}.yaml").write_text(text if text is not None else GOOD.format(name=name), encoding="utf-8")


def test_the_project_s_own_documents_load():
    valid, errors = load_documents(FOLDER)
    assert errors == []
    assert {sync.name for sync in valid} >= {"hubspot_contacts", "lapsing_customers"}


def test_a_short_and_a_long_field_rule(tmp_path):
    write(tmp_path, "crm")
    (sync,), errors = load_documents(tmp_path)
    assert errors == []
    assert sync.fields["tessera_segments"].when_empty == "clear"
    assert (sync.fields["lifetime_value"].to, sync.fields["lifetime_value"].when_empty) == (
        "tessera_lifetime_value_usd",
        "skip",
    )


def test_the_examples_of_the_guide_load(tmp_path):
    guide = (PROJECT_ROOT / "docs" / "destinations.md").read_text(encoding="utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)
    for example in examples:
        write(tmp_path, re.search(r"^  name: (\w+)", example, re.MULTILINE)[1], example)
    valid, errors = load_documents(tmp_path)
    assert errors == []
    assert {sync.destination for sync in valid} == set(names()) - {"files", "hubspot"}


def test_the_reference_has_an_example_that_loads_and_every_key(tmp_path):
    reference = (PROJECT_ROOT / "docs" / "syncs.md").read_text(encoding="utf-8")
    write(tmp_path, "shop_contacts", re.search(r"```yaml\n(.*?)```", reference, re.DOTALL)[1])
    assert load_documents(tmp_path)[1] == []
    keys = [*SyncDocument.model_fields, *FieldRule.model_fields, *Guards.model_fields, *Alerts.model_fields]
    assert [key for key in keys if f"`{key}`" not in reference and key != "to"] == []


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("on_exit: clear", "on_exti: clear", 11, "unknown key 'on_exti': did you mean 'on_exit'?"),
        ("when_empty: skip", "when_emty: skip", 14, "unknown key 'when_emty': did you mean 'when_empty'?"),
        ("not_needed:", "not_neded:", 16, "did you mean 'not_needed'?"),
        ("mode: mirror", "mode: miror", 10, "'insert_only', 'mirror', 'append' or 'audience'"),
        ("mode: mirror", "mode: append", 2, "on_exit (delete, archive or clear) belongs to mode mirror"),
        ("  mode: mirror\n  on_exit: clear", "  mode: append", 10, "hubspot does not take mode 'append'"),
        ("  consent:", "  alerts: {max_reject_shar: 0.1}\n  consent:", 15, "did you mean 'max_reject_share'?"),
        ("  key: contact_id\n", "", 2, "'key' is missing"),
        ("destination: hubspot", "destination: hubsport", 6, "no destination 'hubsport': known are files, "),
        ("to: tessera_lifetime_value_usd", "to: firstname", 14, "'firstname' is no field we write in hubspot contacts"),
        ("on_exit: clear", "on_exit: delete", 11, "hubspot does not take on_exit 'delete': it takes archive, clear"),
        ("  on_exit: clear\n", "", 2, "mirror needs it"),
        ("to: tessera_lifetime_value_usd", "to: tessera_segments", 2, "two columns write tessera_segments"),
        ("  key: contact_id", "  key: contact_id\n  key: email", 10, "'key' is here a second time"),
        ("name: bad", "name: other", 3, "name must be the file's: bad"),
        ("key: contact_id", "key: contact id; drop table x", 9, "key: String should match pattern"),
        (
            "    not_needed: the contacts are in the CRM already",
            "    channel: email",
            15,
            "give channel, purpose and one",
        ),
        ("mode: mirror", "mode: [mirror", 11, "not YAML"),
        ("description:", "requires: [hubspto]\n  description:", 4, "no source 'hubspto'"),
        ("owner: team:crm", "owner: crm people", 5, "owner: String should match pattern"),
    ],
)
def test_a_bad_document_says_where_and_what(tmp_path, old, new, line, message):
    write(tmp_path, "bad", GOOD.format(name="bad").replace(old, new))
    write(tmp_path, "good")
    valid, errors = load_documents(tmp_path)
    assert [sync.name for sync in valid] == ["good"]
    assert [(error.file.name, error.line) for error in errors] == [("bad.yaml", line)]
    assert message in errors[0].message


def test_a_destination_that_tells_nothing_cannot_fill_what_is_empty(tmp_path):
    rule = "    lifetime_value: {to: lifetime_value, write: fill_empty}"
    fields = GOOD.replace(
        "    lifetime_value: {{to: tessera_lifetime_value_usd, when_empty: skip}}",
        rule.replace("{", "{{").replace("}", "}}"),
    )
    text = fields.format(name="bad").replace("destination: hubspot", "destination: webhook").replace("clear", "delete")
    write(tmp_path, "bad", text)
    _, (error,) = load_documents(tmp_path)
    assert (error.line, "webhook does not tell what it holds: fill_empty needs that" in error.message) == (14, True)
    write(tmp_path, "bad", text.replace("destination: webhook", "destination: postgres"))
    assert load_documents(tmp_path)[1] == []


@pytest.mark.parametrize("content", [b"", b"just text", b"name: \xff\xfe", b"- a\n- b\n"])
def test_what_is_no_document_at_all_is_an_error_and_no_traceback(tmp_path, content):
    (tmp_path / "bad.yaml").write_bytes(content)
    write(tmp_path, "good")
    valid, errors = load_documents(tmp_path)
    assert [sync.name for sync in valid] == ["good"]
    assert errors

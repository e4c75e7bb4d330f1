"""What a run can be asked for: one row only, refused rows again; and modes that send once, or add and remove."""

import json

import pytest
from typer.testing import CliRunner

from orchestration.activation import outbox, wire
from orchestration.activation.errors import PlanRefusedError
from orchestration.activation.explain import answer_text
from orchestration.activation.ledger import last_result
from orchestration.activation.plan import plan, preview
from orchestration.activation.run import run_sync
from orchestration.activation.scope import Scope
from orchestration.cli import app
from tests.unit.activation.harnesses import POISON, HubSpotHarness, PostgresHarness, WebhookHarness, target_database
from tests.unit.activation.lossy_proxy import lossy
from tests.unit.activation.payloads import (
    AS_OF,
    PATIENCE,
    change,
    crm_differences,
    document,
    fill_warehouse,
    ledger_rows,
)
from tests.unit.activation.receiver import receiving


def sync_once(settings, run_id, sync=None, **scope):
    return run_sync(settings, sync or document(), AS_OF, run_id, patience=PATIENCE, scope=Scope(**scope))


def test_only_one_row_goes_and_the_next_run_sends_the_rest(settings, crm):
    fill_warehouse(settings, 50)
    result = sync_once(settings, "r1", only="1003")
    assert (result.status, result.plan.insert, result.acknowledged) == ("succeeded", 1, 1)
    assert [row["id"] for _, body in crm.counters.bodies for row in body.get("inputs", [])] == ["1003"]
    assert sync_once(settings, "r2").acknowledged == 49
    assert crm_differences(crm, settings) == []


def test_of_one_row_request_and_answer_are_shown_without_the_token(settings, crm):
    fill_warehouse(settings, 50)
    lines = []
    with wire.watched(lines.append):
        sync_once(settings, "r1", only="1003")
    shown = "\n".join(lines)
    assert f"> POST {crm}/crm/v3/objects/contacts/batch/update" in lines
    assert '"tessera_lifetime_value_usd":"4.50"' in shown
    assert "< 200 OK" in lines
    assert "demo-token" not in shown
    told = answer_text(settings, "crm", "r1").splitlines()
    assert (told[0], told[-1]) == ("insert 1003:", "  acknowledged (200, 1003)")
    assert "    tessera_lifetime_value_usd = 4.50" in told


def test_a_row_with_nothing_to_send_or_that_nobody_knows_is_told(settings, crm):
    fill_warehouse(settings, 20)
    sync_once(settings, "r1")
    with pytest.raises(PlanRefusedError, match="'1003' is unchanged: there is nothing to send"):
        sync_once(settings, "r2", only="1003")
    with pytest.raises(PlanRefusedError, match="no row of the model or the ledger has key 'nobody'"):
        sync_once(settings, "r3", only="nobody")
    assert last_result(settings, "crm").status == "succeeded"
    with pytest.raises(PlanRefusedError, match="handed over whole"):
        sync_once(settings, "r4", document(destination="files", object="audience", on_exit="delete"), only="1003")


def test_one_row_forgets_nothing_of_the_others(settings, crm, monkeypatch):
    fill_warehouse(settings, 20)
    HubSpotHarness(crm, monkeypatch).refuse_poison()
    change(settings, f"update activation.hubspot__contacts set tessera_favourite_department = '{POISON}' "
                     "where contact_id = '1004'")  # fmt: skip
    sync = document(min_match_confidence=0.8)
    sync_once(settings, "r1", sync)
    change(settings, "update activation.hubspot__contacts set tessera_segments = 'x' where contact_id = '1002'")
    held = "select key from activation.plan where op = 'held' order by key"
    before = ledger_rows(settings, held)
    sync_once(settings, "r2", sync, only="1002")
    assert ledger_rows(settings, held) == before
    assert ledger_rows(settings, "select key from activation.rejects") == [("1004",)]


def test_refused_rows_are_tried_again_on_demand(settings, crm, monkeypatch):
    fill_warehouse(settings, 20)
    HubSpotHarness(crm, monkeypatch).refuse_poison()
    change(settings, f"update activation.hubspot__contacts set tessera_favourite_department = '{POISON}' "
                     "where contact_id in ('1004', '1005')")  # fmt: skip
    assert sync_once(settings, "r1").rejected == 2
    assert sync_once(settings, "r2").plan.to_send == 0
    assert sync_once(settings, "r3", retry=True).rejected == 2
    assert ledger_rows(settings, "select distinct tries from activation.rejects") == [(2,)]
    options = crm.crm.collections["contacts"].definitions["tessera_favourite_department"]["options"]
    options.append({"value": POISON})
    assert preview(settings, document(), AS_OF, Scope(retry=True)).insert == 2
    assert sync_once(settings, "r4", retry=True).acknowledged == 2
    assert ledger_rows(settings, "select count(*) from activation.rejects") == [(0,)]
    assert crm_differences(crm, settings) == []


def test_adopting_is_asked_for_alone(settings):
    for other in (["--dry-run"], ["--retry"], ["--only", "1003"], ["--accept-older-ledger"]):
        assert CliRunner().invoke(app, ["sync", "hubspot_contacts", "--adopt", *other]).exit_code == 2


def test_append_sends_each_key_once_and_never_changes_or_removes_it(settings, monkeypatch):
    fill_warehouse(settings, 20)
    sync = WebhookHarness.document(mode="append", on_exit=None)
    with receiving() as receiver:
        WebhookHarness(receiver, monkeypatch)
        assert sync_once(settings, "r1", sync).acknowledged == 20
        assert {json.loads(body)["type"] for _, body in receiver.requests} == {"contact.appended"}
        change(settings, "create table activation.all_rows as select * from activation.hubspot__contacts")
        change(settings, "delete from activation.hubspot__contacts where contact_id = '1003'")
        change(settings, "update activation.hubspot__contacts set tessera_segments = 'x'")
        assert sync_once(settings, "r2", sync).plan.to_send == 0
        change(settings, "insert into activation.hubspot__contacts from activation.all_rows where contact_id = '1003'")
        assert sync_once(settings, "r3", sync).plan.to_send == 0


def test_append_to_a_table_leaves_a_row_that_is_there(settings, postgres_address, monkeypatch):
    fill_warehouse(settings, 20)
    with target_database(postgres_address) as admin, lossy(postgres_address) as proxy:
        harness = PostgresHarness(admin, proxy, monkeypatch)
        harness.refuse_poison()
        harness.make_rows(["1003"])
        assert sync_once(settings, "r1", harness.document(mode="append", on_exit=None)).acknowledged == 20
        assert (len(harness.held()), harness.held()["1003"]) == (20, {})


def test_an_audience_is_told_whom_to_add_and_by_which_identifiers_to_remove(settings):
    fill_warehouse(settings, 20)
    fields = {"email": "email", "tessera_segments": "segments"}
    sync = WebhookHarness.document(mode="audience", on_exit=None, fields=fields)
    plan(settings, sync, "r1", AS_OF)
    with outbox.opened(settings, "crm", "r1") as con:
        assert con.execute("select op, count(*), count(before) from outbox.ops group by 1").fetchall() == [
            ("insert", 20, 0)
        ]
        con.execute("insert into outbox.results (seq, outcome) select seq, 'acknowledged' from outbox.ops")
    change(settings, "update activation.hubspot__contacts set email = 'new@example.com' where contact_id = '1003'")
    change(settings, "delete from activation.hubspot__contacts where contact_id = '1004'")
    plan(settings, sync, "r2", AS_OF)
    with outbox.opened(settings, "crm", "r2") as con:
        changed, left = con.execute("select op, key, changes, before from outbox.ops order by seq").fetchall()
    old = {"email": "person1@example.com", "segments": "high_value;lapsing"}
    assert changed == ("update", "1003", old | {"email": "new@example.com"}, old)
    assert left == ("exit", "1004", {}, {"email": "person2@example.com", "segments": ""})

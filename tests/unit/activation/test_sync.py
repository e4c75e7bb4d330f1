"""A whole sync against the HubSpot-shaped server: what is sent, what is not, and what is remembered."""

from datetime import date

import pytest

from orchestration.activation.errors import PlanRefusedError
from orchestration.activation.ledger import export_results
from orchestration.activation.run import run_sync
from orchestration.settings import Settings
from tests.unit.activation.payloads import (
    AS_OF,
    PATIENCE,
    change,
    crm_differences,
    crm_properties,
    document,
    fill_warehouse,
    ledger_rows,
)


def sync_once(settings, run_id, sync=None, **options):
    return run_sync(settings, sync or document(), AS_OF, run_id, patience=PATIENCE, **options)


def test_one_changed_field_is_one_row_with_one_property_on_the_wire(settings, crm):
    fill_warehouse(settings, 250)
    sync_once(settings, "r1")
    change(settings, "update activation.hubspot__contacts set tessera_segments = 'new' where contact_id = '1001'")
    result = sync_once(settings, "r2")
    assert (result.plan.update, result.acknowledged) == (1, 1)
    assert crm.counters.bodies[-1][1]["inputs"][0]["properties"] == {"tessera_segments": "new"}
    assert crm_differences(crm, settings) == []


def test_only_our_own_properties_are_ever_written(settings, crm):
    fill_warehouse(settings, 50)
    sync_once(settings, "r1")
    change(settings, "delete from activation.hubspot__contacts where contact_id in ('1000', '1001')")
    sync_once(settings, "r2")
    written = {name for _, body in crm.counters.bodies for row in body.get("inputs", []) for name in row["properties"]}
    assert written
    assert all(name.startswith("tessera_") for name in written)
    assert crm.crm.collections["contacts"].records[1000].properties["firstname"] == "First0"


def test_a_value_that_only_looks_different_is_not_sent(settings, crm):
    fill_warehouse(settings, 20)
    sync_once(settings, "r1")
    change(
        settings,
        "update activation.hubspot__contacts set tessera_favourite_department = ' GROCERY ', "
        "tessera_segments = coalesce(tessera_segments, '')",
    )
    change(settings, "alter table activation.hubspot__contacts alter tessera_lifetime_value_usd type decimal(18, 4)")
    assert sync_once(settings, "r2").plan.to_send == 0


def test_a_rebuilt_warehouse_sends_nothing(settings, crm):
    fill_warehouse(settings, 250)
    sync_once(settings, "r1")
    settings.warehouse.unlink()
    fill_warehouse(settings, 250)
    assert sync_once(settings, "r2").plan.to_send == 0


def test_a_row_that_left_is_cleared_and_comes_back_as_new(settings, crm):
    fill_warehouse(settings, 50)
    sync_once(settings, "r1")
    change(settings, "create table activation.kept as select * from activation.hubspot__contacts")
    change(settings, "delete from activation.hubspot__contacts where contact_id = '1003'")
    assert sync_once(settings, "r2").plan.exit == 1
    assert crm_properties(crm, 1003) == {}
    change(settings, "insert into activation.hubspot__contacts from activation.kept where contact_id = '1003'")
    assert sync_once(settings, "r3").plan.insert == 1
    assert crm_differences(crm, settings) == []


def test_upsert_leaves_what_left_the_model_alone(settings, crm):
    fill_warehouse(settings, 50)
    sync = document(mode="upsert", on_exit=None)
    sync_once(settings, "r1", sync)
    change(settings, "delete from activation.hubspot__contacts where contact_id = '1003'")
    assert sync_once(settings, "r2", sync).plan.to_send == 0
    assert crm_properties(crm, 1003)["tessera_person_id"] == "p1"


def test_skip_keeps_what_the_destination_has_and_clear_empties_it(settings, crm):
    fill_warehouse(settings, 20)
    fields = {"tessera_segments": {"to": "tessera_segments", "when_empty": "skip"},
              "tessera_favourite_department": "tessera_favourite_department"}  # fmt: skip
    sync = document(fields=fields)
    sync_once(settings, "r1", sync)
    change(
        settings,
        "update activation.hubspot__contacts set tessera_segments = null, tessera_favourite_department = null "
        "where contact_id = '1000'",
    )
    assert sync_once(settings, "r2", sync).plan.fields == {"tessera_favourite_department": 1}
    assert crm_properties(crm, 1000) == {"tessera_segments": "high_value;lapsing"}
    assert sync_once(settings, "r3", sync).plan.to_send == 0


def test_rows_below_the_confidence_are_held_and_taken_back_when_they_fall_below_it(settings, crm):
    fill_warehouse(settings, 50)
    sync = document(min_match_confidence=0.8)
    first = sync_once(settings, "r1", sync)
    assert (first.acknowledged, first.plan.held) == (45, 5)
    assert crm_properties(crm, 1009) == {}
    change(settings, "update activation.hubspot__contacts set match_confidence = 0.1 where contact_id = '1000'")
    assert sync_once(settings, "r2", sync).plan.exit == 1
    assert crm_properties(crm, 1000) == {}


def test_consent_decides_by_contact_point_and_withdrawal_takes_back(settings, crm):
    fill_warehouse(settings, 40)
    sync = document(consent={"channel": "email", "purpose": "marketing", "contact_point": "email"})
    first = sync_once(settings, "r1", sync)
    assert (first.acknowledged, first.plan.held) == (20, 20)
    change(
        settings, "update profile.effective_consents set state = 'denied' where contact_point = 'person0@example.com'"
    )
    assert sync_once(settings, "r2", sync).plan.exit == 2
    assert crm_properties(crm, 1000) == {}


def test_upsert_by_email_creates_once_and_remembers_the_id(settings, crm):
    fill_warehouse(settings, 40)
    change(settings, "delete from activation.hubspot__contacts where contact_id::integer % 2 = 1")
    sync = document(mode="upsert", on_exit=None, key="email", match_by="email")
    before = len(crm.crm.collections["contacts"].records)
    assert sync_once(settings, "r1", sync).acknowledged == 20
    assert len(crm.crm.collections["contacts"].records) == before + 20
    ids = ledger_rows(settings, "select count(distinct dest_id) from activation.crosswalk where object = 'contacts'")
    assert ids == [(20,)]
    change(settings, "update activation.hubspot__contacts set tessera_segments = 'x' where contact_id = '1000'")
    assert sync_once(settings, "r2", sync).acknowledged == 1
    assert len(crm.crm.collections["contacts"].records) == before + 20


def test_a_missing_property_is_made_in_our_group_once(settings, crm):
    fill_warehouse(settings, 10)
    sync_once(settings, "r1")
    definition = crm.crm.collections["contacts"].definitions["tessera_lifetime_value_usd"]
    assert (definition["type"], definition["groupName"]) == ("number", "tessera")
    change(settings, "update activation.hubspot__contacts set tessera_segments = 'x'")
    asked = crm.counters.paths["/crm/v3/properties/contacts"]
    sync_once(settings, "r2")
    assert crm.counters.paths["/crm/v3/properties/contacts"] == asked + 1


def test_a_dry_run_shows_the_plan_and_leaves_no_trace(settings, crm):
    fill_warehouse(settings, 30)
    result = sync_once(settings, "r1", dry_run=True)
    assert result.success
    assert result.plan.insert == 30
    assert "30 of 30 rows to send" in result.summary()
    assert crm.counters.requests == 0
    assert not settings.state.exists()
    assert not (settings.root / "outbox").exists()


def test_the_ledger_of_another_environment_stops_the_run(settings, crm, monkeypatch):
    fill_warehouse(settings, 10)
    sync_once(settings, "r1")
    monkeypatch.setenv("TESSERA_ENV", "staging")
    with pytest.raises(PlanRefusedError, match="environment 'dev'"):
        sync_once(Settings(), "r2")


def test_a_sync_runs_only_where_its_document_says(settings, crm):
    fill_warehouse(settings, 10)
    with pytest.raises(PlanRefusedError, match="runs in prod, this is dev"):
        sync_once(settings, "r1", document(environment=["prod"]))
    assert crm.counters.requests == 0


def test_results_for_bi_count_what_happened_and_do_not_grow_without_change(settings, crm):
    fill_warehouse(settings, 30)
    sync_once(settings, "r1")
    assert export_results(settings) == 1
    sync_once(settings, "r2")
    assert export_results(settings) == 1
    with_rows = run_sync(settings, document(name="other"), date(2017, 12, 30), "r3", patience=PATIENCE)
    assert with_rows.acknowledged == 30
    assert export_results(settings) == 2

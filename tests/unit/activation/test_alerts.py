"""What a sync warns of: many rejects, no success for long, no rows, another size; with numbers and what to do."""

import pytest

from orchestration.activation.alerts import DESCRIPTIONS, FEW_REJECTS, HAS_ROWS, STEADY, SUCCEEDED, judged
from orchestration.activation.errors import AuthError, PlanRefusedError
from orchestration.activation.run import run_sync
from tests.unit.activation.harnesses import POISON, HubSpotHarness
from tests.unit.activation.payloads import AS_OF, PATIENCE, change, document, fill_warehouse, ledger_rows


def sync_once(settings, run_id, sync=None):
    return run_sync(settings, sync or document(), AS_OF, run_id, patience=PATIENCE)


def failed(settings, sync=None):
    return {alert.name: alert for alert in judged(settings, sync or document()) if not alert.passed}


def test_before_the_first_run_there_is_nothing_to_judge_and_after_a_good_one_nothing_to_warn_of(settings, crm):
    assert judged(settings, document()) == []
    fill_warehouse(settings, 50)
    sync_once(settings, "r1")
    assert sorted(alert.name for alert in judged(settings, document())) == sorted(DESCRIPTIONS)
    assert failed(settings) == {}


def test_a_share_of_refused_rows_above_the_limit_also_while_they_wait(settings, crm, monkeypatch):
    fill_warehouse(settings, 50)
    HubSpotHarness(crm, monkeypatch).refuse_poison()
    change(settings, f"update activation.hubspot__contacts set tessera_favourite_department = '{POISON}' "
                     "where contact_id < '1003'")  # fmt: skip
    for run_id in ("r1", "r2"):
        sync_once(settings, run_id)
        alert = failed(settings)[FEW_REJECTS]
        assert alert.numbers == {"rejected": 3, "rows": 50, "share": 0.06}
        assert "3 of 50 rows are refused, at most 5.0% should be" in alert.what
    assert failed(settings, document(alerts={"max_reject_share": 0.1})) == {}
    assert failed(settings, document(alerts={"max_reject_share": None})) == {}


def test_runs_that_do_not_end_well_for_too_long(settings, crm, monkeypatch):
    fill_warehouse(settings, 50)
    sync_once(settings, "r1")
    ledger_rows(settings, "update activation.runs set recorded_at = recorded_at - interval 3 day")
    monkeypatch.setenv("HUBSPOT_TOKEN", "stale")
    change(settings, "update activation.hubspot__contacts set tessera_segments = 'x' where contact_id = '1001'")
    with pytest.raises(AuthError):
        sync_once(settings, "r2")
    assert "no run of crm ended well for 72.0 hours, at most 48 should pass" in failed(settings)[SUCCEEDED].what
    assert failed(settings, document(alerts={"max_hours_without_success": 100})) == {}


def test_a_model_with_fewer_rows_than_expected(settings, crm):
    fill_warehouse(settings, 50)
    sync_once(settings, "r1")
    assert failed(settings, document(alerts={"min_rows": 51}))[HAS_ROWS].numbers == {"rows": 50}
    change(settings, "delete from activation.hubspot__contacts")
    with pytest.raises(PlanRefusedError):
        sync_once(settings, "r2")
    assert set(failed(settings)) == {HAS_ROWS, STEADY}


def test_a_size_that_jumped_since_the_model_was_last_sent(settings, crm):
    fill_warehouse(settings, 50)
    sync_once(settings, "r1")
    fill_warehouse(settings, 80)
    sync_once(settings, "r2")
    assert failed(settings)[STEADY].numbers == {"rows": 80, "rows_before": 50}
    assert failed(settings, document(alerts={"max_size_change": 1})) == {}
    sync_once(settings, "r3")
    assert failed(settings) == {}


def test_a_run_that_never_looked_at_the_model_says_nothing_of_its_size(settings, crm):
    fill_warehouse(settings, 50)
    sync_once(settings, "r1")
    with pytest.raises(PlanRefusedError, match="runs in prod"):
        sync_once(settings, "r2", document(environment=["prod"]))
    assert failed(settings) == {}


def test_in_dagster_each_is_a_warning_beside_the_two_errors(settings, crm, monkeypatch):
    import dagster as dg

    from orchestration.activation.run import find_document
    from orchestration.defs.activation.definitions import FOLDER, key_of, of_folder

    monkeypatch.setenv("TESSERA_AS_OF", "2017-12-31")
    sync = find_document("hubspot_contacts")
    fill_warehouse(settings, 50)
    with pytest.raises(PlanRefusedError, match="has no "):
        sync_once(settings, "r1", sync)
    ledger_rows(settings, "update activation.runs set recorded_at = recorded_at - interval 3 day")
    checks = [
        found for found in of_folder(FOLDER).asset_checks if key_of(sync) in {key.asset_key for key in found.check_keys}
    ]
    job = dg.Definitions(asset_checks=checks).resolve_implicit_global_asset_job_def()
    found = {each.check_name: each for each in job.execute_in_process().get_asset_check_evaluations()}
    assert set(found) == {"no_row_was_rejected", "the_run_was_completed", *DESCRIPTIONS}
    assert not found["the_run_was_completed"].passed
    assert found["the_run_was_completed"].severity is dg.AssetCheckSeverity.ERROR
    assert not found[SUCCEEDED].passed
    assert found[SUCCEEDED].severity is dg.AssetCheckSeverity.WARN
    assert "at most 48 should pass" in found[SUCCEEDED].metadata["what"].text

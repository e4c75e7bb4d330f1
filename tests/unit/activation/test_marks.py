"""A state file that is put back from a backup stops a sync, until somebody says how to go on."""

import shutil

import pytest

from orchestration.activation.adoption import adopt
from orchestration.activation.errors import PlanRefusedError
from orchestration.activation.ledger import last_result
from orchestration.activation.plan import plan, preview
from orchestration.activation.run import run_sync
from orchestration.activation.scope import Scope
from tests.unit.activation.payloads import AS_OF, PATIENCE, change, crm_differences, document, fill_warehouse


def sync_once(settings, run_id, **scope):
    return run_sync(settings, document(), AS_OF, run_id, patience=PATIENCE, scope=Scope(**scope))


@pytest.fixture
def backup(settings, crm):
    """A copy of the first run's state, before a second run wrote 20 contacts more."""
    fill_warehouse(settings, 40)
    change(settings, "create table activation.everyone as select * from activation.hubspot__contacts")
    change(settings, "delete from activation.hubspot__contacts where contact_id >= '1020'")
    sync_once(settings, "r1")
    copy = settings.root / "backup.duckdb"
    shutil.copy(settings.state, copy)
    change(settings, "delete from activation.hubspot__contacts")
    change(settings, "insert into activation.hubspot__contacts from activation.everyone")
    sync_once(settings, "r2")
    return copy


@pytest.fixture
def restored(settings, crm, backup):
    """The CRM, after the backup was put back."""
    shutil.copy(backup, settings.state)
    return crm


def test_a_restored_ledger_stops_the_run_and_says_the_ways_out(settings, restored):
    writes = restored.counters.writes
    with pytest.raises(PlanRefusedError, match=r"does not know run r2 .* older than what was sent") as refused:
        sync_once(settings, "r3")
    assert "`tessera sync crm --adopt`" in str(refused.value)
    assert "`--accept-older-ledger`" in str(refused.value)
    assert restored.counters.writes == writes
    assert last_result(settings, "crm").status == "refused"
    assert "does not know run r2" in preview(settings, document(), AS_OF).summary()


def test_a_state_file_that_is_gone_is_older_too(settings, restored):
    settings.state.unlink()
    with pytest.raises(PlanRefusedError, match="does not know run r2"):
        sync_once(settings, "r3")


def test_adopting_what_is_there_is_a_way_out(settings, restored):
    adopt(settings, document(), "adopted", AS_OF, PATIENCE)
    assert sync_once(settings, "r3").plan.to_send == 0


def test_accepting_the_older_ledger_sends_again_what_it_does_not_know_of(settings, restored):
    assert preview(settings, document(), AS_OF, Scope(accept_older_ledger=True)).insert == 20
    assert sync_once(settings, "r3", accept_older_ledger=True).acknowledged == 20
    assert crm_differences(restored, settings) == []
    assert sync_once(settings, "r4").plan.to_send == 0


def test_an_outbox_left_by_a_killed_run_does_not_hide_it(settings, crm, backup):
    change(settings, "update activation.hubspot__contacts set tessera_segments = 'x' where contact_id = '1001'")
    plan(settings, document(), "left", AS_OF)
    shutil.copy(backup, settings.state)
    with pytest.raises(PlanRefusedError, match="does not know run r2"):
        sync_once(settings, "r3")

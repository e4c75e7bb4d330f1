"""What a plan refuses before anything is sent: keys, guards, missing tables."""

import pytest

from orchestration.activation import outbox
from orchestration.activation.errors import PlanRefusedError
from orchestration.activation.ledger import last_result
from orchestration.activation.plan import plan, preview
from orchestration.activation.run import run_sync
from orchestration.activation.send import send
from tests.unit.activation.payloads import AS_OF, PATIENCE, change, document, fill_warehouse, ledger_rows


def delivered(settings, count, sync=None):
    fill_warehouse(settings, count)
    run_sync(settings, sync or document(), AS_OF, "before", patience=PATIENCE)


def refused(settings, match, sync=None):
    with pytest.raises(PlanRefusedError, match=match):
        run_sync(settings, sync or document(), AS_OF, "after", patience=PATIENCE)
    assert outbox.unfinished(settings, "crm") == []


def test_an_empty_model_deletes_nothing(settings, crm):
    delivered(settings, 60)
    writes = crm.counters.writes
    change(settings, "delete from activation.hubspot__contacts")
    refused(settings, "is empty while 60 rows were delivered before")
    assert crm.counters.writes == writes
    assert ledger_rows(settings, "select status, message like '%refuse_empty%' from activation.runs "
                                 "where run_id = 'after'") == [("refused", True)]  # fmt: skip


def test_a_share_of_leavers_above_the_guard_stops_the_run(settings, crm):
    delivered(settings, 60)
    change(settings, "delete from activation.hubspot__contacts where contact_id < '1020'")
    refused(settings, "20 of 60 rows would leave, at most 20% may")


def test_a_number_of_leavers_above_the_guard_stops_the_run(settings, crm):
    sync = document(guards={"max_deletes": 2})
    delivered(settings, 60, sync)
    change(settings, "delete from activation.hubspot__contacts where contact_id < '1003'")
    refused(settings, "3 rows would leave, at most 2 may", sync)


def test_a_share_of_changes_above_the_guard_stops_the_run(settings, crm):
    sync = document(guards={"max_change": 0.5})
    delivered(settings, 60, sync)
    change(settings, "update activation.hubspot__contacts set tessera_segments = 'x'")
    refused(settings, "60 of 60 rows would change, at most 50% may", sync)


def test_a_repeated_key_stops_the_run_and_is_named(settings, crm):
    fill_warehouse(settings, 20)
    change(settings, "update activation.hubspot__contacts set contact_id = '1001' where contact_id = '1002'")
    refused(settings, "repeat a contact_id .for example 1001.")
    assert crm.counters.requests == 0


def test_a_row_without_key_stops_the_run(settings, crm):
    fill_warehouse(settings, 20)
    change(settings, "update activation.hubspot__contacts set contact_id = ' ' where contact_id = '1002'")
    refused(settings, "1 rows of activation.hubspot__contacts have no contact_id")
    assert crm.counters.requests == 0


def test_a_column_the_model_lacks_is_named_with_those_it_has(settings):
    fill_warehouse(settings, 20)
    sync = document(fields={"tessera_rfm_cell": "tessera_rfm_cell"})
    refused(settings, r"has no tessera_rfm_cell: it has contact_id, person_id", sync)
    assert "has no tessera_rfm_cell" in preview(settings, sync, AS_OF).summary()


def test_a_model_that_was_not_built_is_named(settings):
    fill_warehouse(settings, 1)
    refused(settings, r"there is no activation\.nothing in the warehouse", document(model="activation.nothing"))


def test_without_consents_nothing_is_sent(settings):
    fill_warehouse(settings, 1)
    change(settings, "drop table profile.effective_consents")
    sync = document(consent={"channel": "email", "purpose": "marketing", "contact_point": "email"})
    refused(settings, r"there is no profile\.effective_consents", sync)


def test_consent_withdrawn_after_the_plan_is_not_sent(settings, crm):
    fill_warehouse(settings, 40)
    sync = document(consent={"channel": "email", "purpose": "marketing", "contact_point": "email"})
    plan(settings, sync, "r1", AS_OF)
    change(
        settings, "update profile.effective_consents set state = 'denied' where contact_point = 'person0@example.com'"
    )
    change(settings, "delete from activation.hubspot__contacts where contact_id = '1004'")
    assert send(settings, sync, "r1", PATIENCE) == {"acknowledged": 17, "held": 3}


def test_a_consent_column_of_the_payload_decides(settings, crm):
    fill_warehouse(settings, 40)
    sync = document(consent={"channel": "email", "purpose": "marketing", "column": "is_email_consented"})
    summary = preview(settings, sync, AS_OF)
    assert (summary.insert, summary.held) == (20, 20)


def test_the_last_result_names_a_refusal_and_counts_rejects_that_wait(settings, crm):
    assert last_result(settings, "crm").status == "never"
    delivered(settings, 20)
    change(settings, "update activation.hubspot__contacts set contact_id = '77' where contact_id = '1002'")
    assert run_sync(settings, document(), AS_OF, "second", patience=PATIENCE).rejected == 1
    assert run_sync(settings, document(), AS_OF, "third", patience=PATIENCE).plan.to_send == 0
    assert (last_result(settings, "crm").status, last_result(settings, "crm").rejected) == ("succeeded", 1)
    change(settings, "delete from activation.hubspot__contacts")
    refused(settings, "is empty")
    assert last_result(settings, "crm").status == "refused"

"""Why a person's data was sent, or not."""

import pytest

from orchestration.activation.explain import why, why_text
from orchestration.activation.run import run_sync
from orchestration.identity.history import UnknownIdError
from tests.unit.activation.payloads import AS_OF, PATIENCE, change, document, fill_warehouse


def verdicts(settings, person_id, sync=None):
    return {item.key: item.verdict for item in why(settings, sync or document(), person_id)}


def test_a_person_is_explained_before_and_after_the_first_run(settings, crm):
    fill_warehouse(settings, 20)
    assert verdicts(settings, "p2") == dict.fromkeys(("1004", "1005"), "not planned yet: the sync has not run")
    run_sync(settings, document(), AS_OF, "r1", patience=PATIENCE)
    delivered, _ = why(settings, document(), "p2")
    assert delivered.verdict == "delivered, and unchanged since"
    assert delivered.delivered["tessera_lifetime_value_usd"] == "6.00"
    assert delivered.run_id == "r1"


def test_held_rejected_and_taken_back_rows_say_why(settings, crm):
    fill_warehouse(settings, 20)
    change(settings, "update activation.hubspot__contacts set contact_id = '77' where contact_id = '1004'")
    sync = document(min_match_confidence=0.8)
    run_sync(settings, sync, AS_OF, "r1", patience=PATIENCE)
    assert verdicts(settings, "p4", sync)["1009"] == "held back: match confidence below 0.8"
    assert "OBJECT_NOT_FOUND" in verdicts(settings, "p2", sync)["77"]
    change(settings, "delete from activation.hubspot__contacts where contact_id = '1000'")
    run_sync(settings, sync, AS_OF, "r2", patience=PATIENCE)
    assert verdicts(settings, "p0", sync)["1000"] == "taken back by run r2: left the model"
    assert "sent again when the row changes" in verdicts(settings, "p2", sync)["77"]


def test_a_person_nobody_knows_has_no_explanation(settings, crm):
    fill_warehouse(settings, 20)
    run_sync(settings, document(), AS_OF, "r1", patience=PATIENCE)
    assert why(settings, document(), "stranger") == []
    with pytest.raises(UnknownIdError, match="no person and no record of today is 'stranger'"):
        why_text(settings, "hubspot_contacts", "stranger")

"""People on hold: nothing of them leaves, from the moment they are held, in the middle of a send too."""

import pytest

from orchestration.activation import send as send_module
from orchestration.activation.explain import why
from orchestration.activation.plan import plan
from orchestration.activation.record import record
from orchestration.activation.run import run_sync
from orchestration.activation.send import send
from orchestration.identity import holds
from orchestration.identity import state as identity_state
from orchestration.warehouse import engine
from tests.unit.activation.payloads import (
    AS_OF,
    PATIENCE,
    change,
    crm_properties,
    document,
    fill_warehouse,
    ledger_rows,
)


@pytest.fixture
def home(settings, crm):
    """300 contacts of 150 people whom the registry knows; p7 was once p0700."""
    fill_warehouse(settings, 300)
    with engine.writing_state(settings) as con:
        identity_state.create_tables(con)
        con.execute("insert into identity.people select 'p' || i, i, 'first', 'current' from range(150) as t(i)")
        con.execute("insert into identity.people values ('p0700', 999, 'first', 'merged')")
        con.execute("insert into identity.aliases values ('p0700', 'p7', 'first')")
    return settings


def sync_once(settings, run_id, sync=None):
    return run_sync(settings, sync or document(), AS_OF, run_id, patience=PATIENCE)


def hold(settings, person):
    return holds.place(settings, person, who="ada", why="complaint")


def verdicts(settings, person):
    return {item.key: item.verdict for item in why(settings, document(), person)}


def test_a_held_person_is_left_out_of_the_plan_and_the_ledger_says_held(home, crm):
    hold(home, "p7")
    result = sync_once(home, "r1")
    assert (result.plan.insert, result.plan.held) == (298, 2)
    assert crm_properties(crm, 1014) == {}
    assert ledger_rows(home, "select key, op, reason from activation.plan where op = 'held' order by key") == [
        ("1014", "held", "held"), ("1015", "held", "held"),
    ]  # fmt: skip
    assert all("held since" in text and "by ada (complaint)" in text for text in verdicts(home, "p7").values())
    assert "tessera release p7" in verdicts(home, "p7")["1014"]


def test_a_hold_on_an_alias_holds_the_survivor(home, crm):
    assert hold(home, "p0700") == "p7"
    assert sync_once(home, "r1").plan.held == 2
    with pytest.raises(holds.HoldError, match="p7 is held already"):
        hold(home, "p7")


def test_a_hold_follows_its_person_into_a_merge(home, crm):
    hold(home, "p8")
    with engine.writing_state(home) as con:
        con.execute("insert into identity.aliases values ('p8', 'p9', 'second')")
    # p8 too: the payload may be older than the merge.
    assert sync_once(home, "r1").plan.held == 4
    assert holds.release(home, "p9", who="ada") == "p9"
    assert sync_once(home, "r2").plan.insert == 4


def test_what_was_delivered_stays_as_it_is_and_is_corrected_after_release(home, crm):
    sync_once(home, "r1")
    hold(home, "p7")
    change(home, "update activation.hubspot__contacts set tessera_segments = 'new' where person_id in ('p7', 'p6')")
    result = sync_once(home, "r2")
    assert (result.plan.update, result.plan.exit, result.plan.held) == (2, 0, 2)
    assert "tessera_lifetime_value_usd" in crm_properties(crm, 1014)
    assert crm_properties(crm, 1014).get("tessera_segments") != "new"
    holds.release(home, "p7", who="ada")
    assert sync_once(home, "r3").plan.update == 2
    assert crm_properties(crm, 1014)["tessera_segments"] == "new"


def test_who_loses_consent_while_held_still_leaves_the_destination(home, crm):
    sync = document(consent={"channel": "email", "purpose": "marketing", "contact_point": "email"})
    assert sync_once(home, "r1", sync).plan.insert == 150
    hold(home, "p6")
    change(home, "update profile.effective_consents set state = 'denied' where contact_point = 'person6@example.com'")
    assert sync_once(home, "r2", sync).plan.exit == 2


def test_a_hold_between_plan_and_send_is_heeded(home, crm):
    plan(home, document(), "r1", AS_OF)
    hold(home, "p7")
    assert send(home, document(), "r1", PATIENCE) == {"acknowledged": 298, "held": 2}
    record(home, "crm", "r1")
    assert crm_properties(crm, 1014) == {}
    assert ledger_rows(home, "select distinct message from activation.attempts where outcome = 'held'") == [("held",)]


def test_a_hold_between_two_batches_is_heeded(home, crm, monkeypatch):
    plan(home, document(), "r1", AS_OF)
    batches = []
    append = send_module.outbox.append

    def hold_after_the_first(*args):
        append(*args)
        batches.append(1)
        if len(batches) == 1:
            hold(home, "p149")

    monkeypatch.setattr(send_module.outbox, "append", hold_after_the_first)
    assert send(home, document(), "r1", PATIENCE) == {"acknowledged": 298, "held": 2}
    assert crm_properties(crm, 1298) == {}
    assert crm_properties(crm, 1299) == {}


def test_state_is_opened_once_while_nobody_writes_it(home, crm, monkeypatch):
    plan(home, document(), "r1", AS_OF)
    asked = []
    everybody = holds.everybody
    monkeypatch.setattr(send_module.holds, "everybody", lambda settings: asked.append(1) or everybody(settings))
    send(home, document(), "r1", PATIENCE)
    assert asked == []


def test_a_file_is_written_again_without_who_is_held(home):
    sync = document(
        name="audience", destination="files", object="audience", key="contact_id", on_exit="delete",
        fields={"email": "email", "person_id": "person_id"},
    )  # fmt: skip
    sync_once(home, "r1", sync)
    hold(home, "p7")
    result = sync_once(home, "r2", sync)
    assert (result.plan.exit, result.plan.unchanged) == (2, 298)
    written = (home.root / "exports" / "audience" / "latest.csv").read_text()
    assert "person6@example.com" in written
    assert "person7@example.com" not in written


def test_releasing_nobody_and_holding_nobody_is_refused_in_words(home):
    with pytest.raises(holds.HoldError, match="p7 is not held"):
        holds.release(home, "p7", who="ada")
    with pytest.raises(Exception, match="no person and no record of today is 'p1000'"):
        hold(home, "p1000")

"""Adopting what a destination holds already: matched by key, nothing written, afterwards only true differences."""

import pytest

from orchestration.activation.adoption import adopt
from orchestration.activation.errors import PlanRefusedError, SyncStoppedError
from orchestration.activation.plan import preview
from orchestration.activation.run import run_sync
from tests.unit.activation.harnesses import HARNESSES, WebhookHarness
from tests.unit.activation.payloads import (
    AS_OF,
    PATIENCE,
    change,
    crm_differences,
    document,
    fill_warehouse,
    ledger_rows,
)


@pytest.fixture(params=["hubspot", "postgres"])
def there(request, settings, monkeypatch):
    """A destination that holds 160 of 200 rows as another tool wrote them; the ledger knows of none."""
    fill_warehouse(settings, 200)
    change(settings, "create table activation.everyone as select * from activation.hubspot__contacts")
    change(settings, "delete from activation.hubspot__contacts where contact_id >= '1160'")
    with HARNESSES[request.param](request, monkeypatch) as harness:
        sync_once(settings, harness, "other tool")
        settings.state.unlink()
        (settings.root / "outbox" / "crm.mark").unlink()
        change(settings, "delete from activation.hubspot__contacts")
        change(settings, "insert into activation.hubspot__contacts from activation.everyone")
        yield harness


def sync_once(settings, there, run_id, **changes):
    return run_sync(settings, there.document(**changes), AS_OF, run_id.replace(" ", "-"), patience=PATIENCE)


def adopt_once(settings, there, run_id="adopted", **changes):
    return adopt(settings, there.document(**changes), run_id, AS_OF, PATIENCE)


def plan_of(settings, there, **changes):
    found = preview(settings, there.document(**changes), AS_OF)
    return found.insert, found.update, found.exit, found.unchanged


def test_after_adopting_only_true_differences_are_planned(settings, there):
    there.overwrite("1003", "tessera_segments", "by another tool")
    mark = there.mark()
    found = adopt_once(settings, there)
    assert there.mark() == mark
    # The CRM has all contacts, 40 of them without anything of ours; the table has 160 rows.
    is_crm = found.there == 300
    assert (found.matched, found.only_in_model, found.duplicates) == ((200, 0, 0) if is_crm else (160, 40, 0))
    assert plan_of(settings, there) == ((0, 41, 0, 159) if is_crm else (40, 1, 0, 159))
    result = sync_once(settings, there, "next")
    assert (result.status, result.acknowledged) == ("succeeded", 41)
    assert there.held()["1003"]["tessera_segments"] == "high_value;lapsing"
    assert sync_once(settings, there, "last").plan.to_send == 0


def test_a_mirror_takes_over_what_it_will_have_to_take_back(settings, there):
    adopt_once(settings, there)
    change(settings, "delete from activation.hubspot__contacts where contact_id = '1003'")
    assert sync_once(settings, there, "next").plan.exit == 1
    assert not there.held().get("1003")


def test_rows_of_people_who_may_not_be_sent_are_not_adopted(settings, there):
    rule = {"min_match_confidence": 0.8}
    found = adopt_once(settings, there, **rule)
    assert found.held == 20
    assert plan_of(settings, there, **rule)[2] == 0


def test_a_ledger_that_says_more_than_is_there_is_corrected(settings, there):
    adopt_once(settings, there)
    sync_once(settings, there, "all")
    forged = "insert into activation.state select sync, '7' || key, person_id, dest_id, payload, hash, run_id, " \
             "acknowledged_at from activation.state where key = '1001'"  # fmt: skip
    ledger_rows(settings, forged)
    adopt_once(settings, there, "again")
    assert ledger_rows(settings, "select count(*) from activation.state where key = '71001'") == [(0,)]


def test_what_somebody_filled_in_is_not_ours_when_adopted(settings, there):
    there.overwrite("1003", "tessera_favourite_department", "MEAT")
    fields = {"tessera_favourite_department": {"to": "tessera_favourite_department", "write": "fill_empty"}}
    adopt_once(settings, there, fields=fields)
    held = dict(ledger_rows(settings, "select key, payload from activation.state where key in ('1003', '1004')"))
    assert held == {"1003": {}, "1004": {"tessera_favourite_department": "GROCERY"}}
    result = sync_once(settings, there, "next", fields=fields)
    assert (result.acknowledged, result.kept, there.held()["1003"]["tessera_favourite_department"]) == (40, {}, "MEAT")


def test_two_contacts_of_one_address_are_listed_in_a_file_and_not_adopted(settings, crm):
    fill_warehouse(settings, 40)
    change(settings, "delete from activation.hubspot__contacts where contact_id::integer % 2 = 1")
    people = crm.crm.collections["contacts"].records
    addresses = ["person0@example.com", " Person0@Example.com", "person1@example.com"]
    addresses += ["=nobody@example.com", "=nobody@example.com", ""]
    for contact, address in enumerate(addresses, start=1000):
        people[contact].properties["email"] = address
    sync = document(mode="upsert", on_exit=None, key="email", match_by="email")
    found = adopt(settings, sync, "adopted", AS_OF, PATIENCE)
    assert (found.there, found.matched, found.duplicates, found.ambiguous, found.without_key) == (300, 1, 2, 1, 1)
    assert "example.com" not in found.summary()
    assert found.file.read_text().splitlines() == [
        "key,count_rows,ids_there,is_in_model",
        "'=nobody@example.com,2,1003 1004,false",
        "person0@example.com,2,1000 1001,true",
    ]
    assert ledger_rows(settings, "select key, dest_id, person_id from activation.crosswalk") == [
        ("person1@example.com", "1002", "p1")
    ]


def test_adopting_writes_not_even_a_property_or_a_table(settings, crm):
    fill_warehouse(settings, 10)
    before = set(crm.crm.collections["contacts"].definitions)
    adopt(settings, document(), "adopted", AS_OF, PATIENCE)
    assert set(crm.crm.collections["contacts"].definitions) == before
    assert crm.counters.writes == 0


def test_a_table_that_is_not_there_holds_nothing(settings, request, monkeypatch):
    fill_warehouse(settings, 10)
    with HARNESSES["postgres"](request, monkeypatch) as harness:
        found = adopt_once(settings, harness)
        assert (found.there, found.matched, found.only_in_model) == (0, 0, 10)
        assert harness.held() == {}


def test_a_destination_that_tells_nothing_cannot_be_adopted(settings):
    fill_warehouse(settings, 10)
    with pytest.raises(SyncStoppedError, match="webhook does not tell what it holds"):
        adopt(settings, WebhookHarness.document(), "adopted", AS_OF, PATIENCE)


def test_a_repeated_key_of_the_model_stops_adopting(settings, crm):
    fill_warehouse(settings, 10)
    change(settings, "update activation.hubspot__contacts set contact_id = '1001' where contact_id = '1002'")
    with pytest.raises(PlanRefusedError, match=r"nothing was adopted: 1 rows of .* repeat one"):
        adopt(settings, document(), "adopted", AS_OF, PATIENCE)
    assert crm_differences(crm, settings)

"""Klaviyo: what an import holds, rows it refuses, lists by name, imports that are left over, test accounts."""

from types import SimpleNamespace

import pytest

from orchestration.activation.destinations.klaviyo import account as account_module
from orchestration.activation.destinations.klaviyo import profiles
from orchestration.activation.errors import AuthError, MappingError, PlanRefusedError
from orchestration.activation.run import run_sync
from tests.unit.activation.fake_api import running
from tests.unit.activation.klaviyo_fake import API_KEY, FakeAccount
from tests.unit.activation.payloads import AS_OF, PATIENCE, change, fill_warehouse, ledger_rows
from tests.unit.activation.vendor_harnesses import KlaviyoHarness


@pytest.fixture
def account(monkeypatch):
    """An account that the environment points at."""
    monkeypatch.setattr(account_module, "_FIRST_WAIT", 0.01)
    with running(FakeAccount()) as fake:
        monkeypatch.setenv("KLAVIYO_BASE_URL", fake.url)
        KlaviyoHarness(fake, monkeypatch, ("KLAVIYO_API_KEY", API_KEY))
        yield fake


def sync_once(settings, run_id, **changes):
    return run_sync(settings, KlaviyoHarness.document(**changes), AS_OF, run_id, patience=PATIENCE)


def imports(account) -> list[list[dict]]:
    """Profiles of each import that was asked for."""
    sent = account.asked("POST", "/profile-bulk-import-jobs")
    return [[one["attributes"] for one in request.body["data"]["attributes"]["profiles"]["data"]] for request in sent]


def test_what_a_profile_has_of_itself_its_place_and_properties_go_where_they_belong(settings, account):
    fill_warehouse(settings, 1)
    change(settings, "create table activation.typed as select contact_id, person_id, 'Ann' as first_name, "
                     "'Oslo' as city, 12.5::decimal(18, 2) as spent, true as is_member, 3::bigint as orders, "
                     "null::varchar as segments from activation.hubspot__contacts")  # fmt: skip
    fields = {"first_name": "first_name", "city": "location_city"} | {
        name: name for name in ("spent", "is_member", "orders", "segments")}  # fmt: skip
    sync_once(settings, "r1", model="activation.typed", fields=fields)
    assert imports(account) == [[{
        "external_id": "1000", "first_name": "Ann", "location": {"city": "Oslo"},
        "properties": {"spent": 12.5, "is_member": True, "orders": 3, "segments": None},
    }]]  # fmt: skip


def test_an_import_holds_what_changed_only(settings, account):
    fill_warehouse(settings, 50)
    sync_once(settings, "r1")
    change(settings, "update activation.hubspot__contacts set tessera_segments = 'x' where contact_id = '1001'")
    sync_once(settings, "r2")
    assert imports(account)[1] == [{"external_id": "1001", "properties": {"tessera_segments": "x"}}]


def test_rows_that_an_import_refuses_are_rejected_with_reason_over_all_pages(settings, account):
    fill_warehouse(settings, 30)
    account.poison, account.page = "MOON", 2
    change(settings, "update activation.hubspot__contacts set tessera_favourite_department = 'MOON' "
                     "where contact_id < '1005'")  # fmt: skip
    result = sync_once(settings, "r1")
    assert (result.acknowledged, result.rejected) == (25, 5)
    told = ledger_rows(settings, "select distinct code, reason from activation.rejects")
    assert told == [("invalid", "a property is invalid: correct the value in the model")]
    assert len(imports(account)) == 1


def test_an_import_that_is_refused_whole_is_halved_until_the_row_stands_alone(settings, account):
    fill_warehouse(settings, 40)
    change(settings, "update activation.hubspot__contacts set email = 'nobody' where contact_id = '1007'")
    result = sync_once(settings, "r1", fields={"email": "email"})
    assert (result.acknowledged, result.rejected) == (39, 1)
    assert ledger_rows(settings, "select key, code from activation.rejects") == [("1007", "invalid")]


def test_an_import_is_halved_until_it_is_not_too_large(settings, account, monkeypatch):
    fill_warehouse(settings, 40)
    monkeypatch.setattr(profiles, "_LARGEST", 3000)
    assert sync_once(settings, "r1").acknowledged == 40
    assert max(len(request.content) for request in account.asked("POST", "/profile-bulk-import-jobs")) <= 3000


def test_an_import_of_a_killed_run_ends_before_newer_values_are_sent(settings, account):
    fill_warehouse(settings, 1)
    stale = {"external_id": "1000", "properties": {"tessera_segments": "stale"}}
    account._begin({"attributes": {"profiles": {"data": [{"attributes": stale}]}}})
    assert sync_once(settings, "r1").acknowledged == 1
    for job in account.jobs.values():
        account.finish(job)
    (profile,) = account.profiles.values()
    assert profile["properties"]["tessera_segments"] == "high_value;lapsing"


def test_who_leaves_is_taken_off_the_list_and_stays_a_profile(settings, account):
    fill_warehouse(settings, 250)
    sync_once(settings, "r1")
    change(settings, "delete from activation.hubspot__contacts where contact_id < '1140'")
    account.profiles = {key: one for key, one in account.profiles.items() if one["external_id"] != "1000"}
    assert sync_once(settings, "r2", guards={"max_share": 1}).acknowledged == 140
    assert len(account.profiles) == 249
    left = {account.profiles[key]["external_id"] for key in account.members["Y6nRLr"] if key in account.profiles}
    assert min(left) == "1140"


def test_profiles_without_a_list_are_emptied_and_never_deleted(settings, account):
    fill_warehouse(settings, 20)
    sync_once(settings, "r1", object="profiles", on_exit="clear")
    assert account.members["Y6nRLr"] == set()
    change(settings, "delete from activation.hubspot__contacts where contact_id = '1000'")
    sync_once(settings, "r2", object="profiles", on_exit="clear")
    left = next(one for one in account.profiles.values() if one["external_id"] == "1000")
    assert set(left["properties"].values()) == {None}
    change(settings, "delete from activation.hubspot__contacts where contact_id = '1001'")
    with pytest.raises(MappingError, match="are not deleted"):
        sync_once(settings, "r3", object="profiles", on_exit="delete")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"object": "list.nobody"}, "no list that is named like nobody"),
        ({"object": "list.twins"}, "2 lists that are named like twins"),
        ({"object": "campaigns"}, "no object 'campaigns'"),
        ({"fields": {"tessera_segments": "external_id"}}, "which `key` fills"),
    ],
)
def test_what_cannot_be_stops_the_run_before_a_row_is_sent(settings, account, changes, words):
    fill_warehouse(settings, 2)
    account.lists |= {"t1": "Twins", "t2": "twins!"}
    with pytest.raises(MappingError, match=words):
        sync_once(settings, "r1", **changes)
    assert account.writes == 0


def test_only_a_test_account_is_written_to_outside_prod(settings, account, monkeypatch):
    fill_warehouse(settings, 2)
    monkeypatch.setattr("orchestration.activation.endpoint.urlsplit",
                        lambda url: SimpleNamespace(scheme="https", hostname="a.klaviyo.com"))  # fmt: skip
    with pytest.raises(PlanRefusedError, match="no sandbox"):
        sync_once(settings, "r1")
    account.is_test = True
    assert sync_once(settings, "r2").acknowledged == 2


def test_a_missing_key_is_named(settings, account, monkeypatch):
    fill_warehouse(settings, 2)
    monkeypatch.delenv("KLAVIYO_API_KEY")
    with pytest.raises(AuthError, match="KLAVIYO_API_KEY is not set"):
        sync_once(settings, "r1")

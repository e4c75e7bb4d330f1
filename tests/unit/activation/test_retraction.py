"""A wrong merge that was sent and is parted again: every system ends as if the merge had never been."""

import pytest

from orchestration.activation.run import run_sync
from orchestration.identity import state as identity_state
from orchestration.warehouse import engine
from tests.unit.activation.harnesses import FIELDS, HARNESSES
from tests.unit.activation.payloads import AS_OF, PATIENCE, change, document, fill_warehouse, ledger_rows

SEGMENTS, VALUE, DEPARTMENT = "tessera_segments", "tessera_lifetime_value_usd", "tessera_favourite_department"
# What each record of the sources knows: its contact, its person while nobody is merged, and its values.
RECORDS = "('1000', 'pa', 'vip', 10.00, null), ('1001', 'pb', null, 5.00, 'MEAT'), ('1002', 'pc', null, 1.00, 'FISH')"
OF_PERSON = """
create or replace table activation.hubspot__contacts as
with records as (
    select *, case when person = any(['pa', 'pb']) and {is_merged} then 'pa' else person end as person_id
    from (values {records}) as r(contact_id, person, segments, amount, department)
)
select
    {key} as contact_id, person_id, person_id as tessera_person_id, max(segments) {over} as tessera_segments,
    sum(amount) {over} as tessera_lifetime_value_usd, max(department) {over} as tessera_favourite_department,
    person_id || '@example.com' as email, date '2017-01-01' as tessera_last_purchase_date, 0.99 as match_confidence
from records
"""
PLAIN = {name: name for name in FIELDS}
POLICIES = {
    "clear": PLAIN,
    "skip": PLAIN | {name: {"to": name, "when_empty": "skip"} for name in (SEGMENTS, DEPARTMENT)},
    "fill_empty": PLAIN
    | {name: {"to": name, "when_empty": "skip", "write": "fill_empty"} for name in (SEGMENTS, DEPARTMENT)},
}


def by_contact(settings, *, merged):
    """The payload: a row for each contact, with what its person has."""
    over = "over (partition by person_id)"
    change(settings, OF_PERSON.format(is_merged=merged, records=RECORDS, key="contact_id", over=over))


def by_person(settings, *, merged):
    """The payload: a row for each person."""
    change(
        settings, OF_PERSON.format(is_merged=merged, records=RECORDS, key="person_id", over="") + "group by person_id"
    )


def split_in_ledger(settings):
    """What identity notes when records of one person become another."""
    with engine.writing_state(settings) as con:
        identity_state.create_tables(con)
        con.execute(
            "insert into identity.ledger by name select 'split' as event, 'pa' as person_id, 'pb' as other_person_id, "
            "? as recorded_at",
            [identity_state.now()],
        )


@pytest.fixture(params=["hubspot", "postgres"])
def there(request, settings, monkeypatch):
    """A destination, and a home of which nothing was sent."""
    fill_warehouse(settings, 1)
    with HARNESSES[request.param](request, monkeypatch) as harness:
        yield harness


def sync_once(settings, there, run_id, **changes):
    guards = {"guards": {"max_share": None}}
    return run_sync(settings, there.document(**(guards | changes)), AS_OF, run_id, patience=PATIENCE)


def expected(settings):
    """What the model says now, as a destination that never knew another would hold it."""
    columns = ", ".join(f"cast({name} as varchar)" for name in ("contact_id", *FIELDS))
    with engine.reading(settings) as con:
        rows = con.execute(f"select {columns} from activation.hubspot__contacts").fetchall()
    return {key: {name: value for name, value in zip(FIELDS, values, strict=True) if value is not None}
            for key, *values in rows}  # fmt: skip


@pytest.mark.parametrize("policy", POLICIES)
def test_contacts_that_were_one_person_by_mistake_end_as_if_they_never_were(settings, there, policy):
    fields = {"fields": POLICIES[policy], "on_exit": "clear"}
    by_contact(settings, merged=True)
    sync_once(settings, there, "merged", **fields)
    assert there.held()["1001"][SEGMENTS] == "vip"
    assert there.held()["1000"][DEPARTMENT] == "MEAT"
    by_contact(settings, merged=False)
    split_in_ledger(settings)
    assert sync_once(settings, there, "parted", **fields).plan.update == 2
    assert there.held() == expected(settings)
    assert sync_once(settings, there, "silent", **fields).plan.to_send == 0


@pytest.mark.parametrize("policy", ["clear", "skip"])
def test_a_row_of_each_person_comes_back_after_a_wrong_merge(settings, request, monkeypatch, policy):
    fields = {"fields": POLICIES[policy]}
    fill_warehouse(settings, 1)
    with HARNESSES["postgres"](request, monkeypatch) as there:
        by_person(settings, merged=False)
        sync_once(settings, there, "before", **fields)
        by_person(settings, merged=True)
        merged = sync_once(settings, there, "merged", **fields)
        assert (merged.plan.exit, sorted(there.held())) == (1, ["pa", "pc"])
        assert (there.held()["pa"][SEGMENTS], there.held()["pa"][VALUE], there.held()["pa"][DEPARTMENT]) == (
            "vip",
            "15.00",
            "MEAT",
        )
        by_person(settings, merged=False)
        split_in_ledger(settings)
        sync_once(settings, there, "parted", **fields)
        assert there.held() == expected(settings)
        assert sync_once(settings, there, "silent", **fields).plan.to_send == 0


def test_upsert_by_address_corrects_whoever_is_left_of_a_wrong_merge(settings, crm):
    fields = {"mode": "upsert", "on_exit": None, "key": "email", "match_by": "email", "fields": POLICIES["skip"]}

    def of_addresses():
        people = crm.crm.collections["contacts"].records.values()
        return {p.properties["email"]: {name: p.properties[name] for name in FIELDS if name in p.properties}
                for p in people if p.id > 10_000}  # fmt: skip

    def sync(run_id):
        return run_sync(settings, document(**fields), AS_OF, run_id, patience=PATIENCE)

    fill_warehouse(settings, 1)
    by_person(settings, merged=True)
    sync("merged")
    by_person(settings, merged=False)
    split_in_ledger(settings)
    sync("parted")
    assert of_addresses() == {f"{key}@example.com": values for key, values in expected(settings).items()}


def test_a_row_that_is_the_same_for_its_new_person_is_known_as_theirs(settings, there):
    fields = {"fields": {"tessera_last_purchase_date": "tessera_last_purchase_date"}, "on_exit": "clear"}
    by_contact(settings, merged=True)
    sync_once(settings, there, "merged", **fields)
    by_contact(settings, merged=False)
    assert sync_once(settings, there, "parted", **fields).plan.to_send == 0
    people = ledger_rows(settings, "select key, person_id from activation.state order by key")
    assert people == [("1000", "pa"), ("1001", "pb"), ("1002", "pc")]
    if crosswalk := ledger_rows(settings, "select key, person_id from activation.crosswalk order by key"):
        assert crosswalk == people


def test_what_is_skipped_stays_while_nobody_was_parted(settings, there):
    fields = {"fields": POLICIES["skip"], "on_exit": "clear"}
    by_contact(settings, merged=False)
    sync_once(settings, there, "r1", **fields)
    change(
        settings, f"update activation.hubspot__contacts set {SEGMENTS} = null, {VALUE} = 11 where contact_id = '1000'"
    )
    sync_once(settings, there, "r2", **fields)
    assert there.held()["1000"][SEGMENTS] == "vip"

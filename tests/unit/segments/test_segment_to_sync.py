"""From a document to a destination: nobody of a segment is lost on the way, and each who is not sent has a reason."""

import pytest

from orchestration.activation.run import run_sync
from orchestration.identity import state
from orchestration.segments.document import load_documents
from orchestration.segments.membership import refresh
from orchestration.segments.preview import preview
from orchestration.warehouse import engine
from tests.unit.activation.payloads import PATIENCE, document, ledger_rows
from tests.unit.segments.conftest import TODAY

PAYLOAD = """
create schema if not exists activation;
create or replace table activation.files__ohio as
select people.person_id, people.email, people.email as email_std, people.first_name,
    case person_id when 'x9' then 0.5 else 0.99 end as match_confidence
from profile.people as people
inner join segments.membership as membership using (person_id)
where membership.segment = 'ohio' and membership.left_date is null
"""


@pytest.fixture
def audience(town, folder, write):
    """Twelve people more in Ohio; x1 to x10 agreed to mail, x8 is on hold; x9 is too unsure. The segment's document."""
    with engine.writing(town) as con:
        con.execute(
            "insert into profile.people by name select 'x' || i as person_id, 'First' || i as first_name, "
            "'x' || i || '@mail.example' as email, 'OH' as state, true as is_identified, "
            "i <= 10 as is_email_consented, false as is_sms_consented from range(1, 13) as t(i)"
        )
        con.execute(
            "create table profile.effective_consents as select 'main' as brand, email as contact_point, "
            "'email' as channel, 'marketing' as purpose, "
            "case when is_email_consented then 'granted' else 'denied' end as state from profile.people"
        )
    with engine.writing_state(town) as con:
        state.create_tables(con)
        con.execute("insert into identity.holds values ('x8', timestamp '2017-12-31', 'me', 'asked', null, null)")
    return write("ohio", "{attribute: state, eq: OH}")


def _sync():
    return document(
        name="ohio", destination="files", object="audience", model="activation.files__ohio", key="person_id",
        mode="mirror", on_exit="delete", fields={"email": "email", "first_name": "first_name"},
        consent={"channel": "email", "purpose": "marketing", "contact_point": "email_std"}, min_match_confidence=0.9,
        guards={"max_share": 1},
    )  # fmt: skip


def _run(settings, folder, run_id):
    valid, _ = load_documents(folder)
    refresh(settings, valid, TODAY, run_id)
    with engine.writing(settings) as con:
        con.execute(PAYLOAD)
        members = con.execute(
            "select count(*) from segments.membership where segment = 'ohio' and left_date is null"
        ).fetchall()[0][0]
    run_sync(settings, _sync(), TODAY, run_id, patience=PATIENCE)
    counts = ledger_rows(
        settings,
        "select count_model, count_insert + count_update, count_unchanged, count_held + count_held_late, "
        f"count_rejected_before + count_rejected, count_acknowledged from activation.runs where run_id = '{run_id}'",
    )[0]
    return members, counts


def test_preview_membership_and_what_a_sync_decided_are_the_same_people(town, folder, audience):
    size = preview(town, audience)["size"]
    members, (model, sent, unchanged, held, rejected, _) = _run(town, folder, "first")
    assert size == members == model == 14
    assert members == sent + unchanged + held + rejected
    assert (sent, unchanged, held) == (9, 0, 5)


def test_who_is_not_sent_has_a_reason(town, folder, audience):
    _run(town, folder, "first")
    reasons = ledger_rows(town, "select person_id, reason from activation.plan where run_id = 'first' "
                                "and op in ('held', 'rejected') order by 1")  # fmt: skip
    assert {person for person, _ in reasons} == {"p2", "x11", "x12", "x8", "x9"}
    assert all(reason for _, reason in reasons)


def test_the_sum_holds_when_some_are_unchanged_and_some_leave(town, folder, audience):
    _run(town, folder, "first")
    with engine.writing(town) as con:
        con.execute("update profile.people set first_name = 'Other' where person_id = 'x1'")
        con.execute("update profile.people set state = 'NY' where person_id = 'x2'")
    members, (_, sent, unchanged, held, rejected, _) = _run(town, folder, "second")
    assert preview(town, audience)["size"] == members == 13
    assert members == sent + unchanged + held + rejected
    assert (sent, unchanged) == (1, 7)

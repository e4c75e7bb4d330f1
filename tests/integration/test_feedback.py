"""What is feedback, what of it is a complaint, and from which day on that is known."""

from datetime import date

import pytest

from orchestration.conformed import messages
from orchestration.warehouse import dbt, engine

TODAY = date(2017, 12, 31)
_INPUT = """
    create schema conformed;
    create table conformed.messages as
    select message_id, source, 'main' as brand, 'r1' as record_id, direction, channel, occurred_at, language,
        null::varchar as subject, body, subject_id, 'b' as _batch_id, 'l' as _load_id
    from (values
        ('late', 'helpdesk', 'in', 'support', timestamp '2017-03-01 12:00', null, 'My order is late.', 't1'),
        ('cold', 'helpdesk', 'in', 'support', timestamp '2017-03-02 12:00', null, 'I am sad about it all.', 't2'),
        ('card', 'helpdesk', 'in', 'support', timestamp '2017-03-03 12:00', 'de', 'Das Konto ist schlecht.', 't3'),
        ('moved', 'helpdesk', 'in', 'support', timestamp '2017-03-04 12:00', null, 'We moved to an address.', 't4'),
        ('poor', 'helpdesk', 'in', 'support', timestamp '2017-03-05 02:00', null, 'What about my address?', 't5'),
        ('answer', 'helpdesk', 'in', 'support', timestamp '2017-03-09 12:00', null, 'So it was.', 't5'),
        ('called', 'helpdesk', 'in', 'phone', timestamp '2017-03-06 12:00', null, 'Customer: Are you open?', null),
        ('ours', 'helpdesk', 'out', 'phone', timestamp '2017-03-06 12:00', null, 'Agent: Your order is late.', null),
        ('to_us', 'mastodon', 'in', 'social', timestamp '2017-03-07 12:00', 'en', '@shop the milk was sour.', 'p1'),
        ('only_mention', 'mastodon', 'in', 'social', timestamp '2017-03-07 12:00', 'en', '@shop good morning', null),
        ('life', 'mastodon', 'in', 'social', timestamp '2017-03-08 12:00', 'en', 'Terrible, my bus is late.', 'p2')
    ) as t(message_id, source, direction, channel, occurred_at, language, body, subject_id);
    create table conformed.interactions as
    select *, source as brand, occurred_at::date as event_date
    from (values
        ('answer', 'helpdesk', 'rated', timestamp '2017-03-09 12:00', 't5', 2.0::double),
        ('again', 'helpdesk', 'rated', timestamp '2017-03-20 12:00', 't5', 4.0),
        ('fine', 'helpdesk', 'rated', timestamp '2017-03-09 12:00', 't4', 3.0),
        ('m1', 'mastodon', 'mentioned', timestamp '2017-03-07 12:00', 'p1', null),
        ('only_mention', 'mastodon', 'mentioned', timestamp '2017-03-07 12:00', null, null)
    ) as t(interaction_id, source, interaction_type, occurred_at, subject_id, value);
"""


@pytest.fixture
def feedback(settings):
    with engine.writing(settings) as con:
        con.execute(_INPUT)
    messages.read_messages(settings, TODAY)
    dbt.run(settings, ["run", "--select", "conformed__feedback"], as_of=TODAY)
    with engine.reading(settings) as con:
        rows = con.execute("from conformed.feedback").to_arrow_table().to_pylist()
    return {row["message_id"]: row for row in rows}


def test_feedback_is_what_is_said_to_us_and_why_it_is_a_complaint(feedback):
    assert {key: (row["feedback_type"], row["complaint_by"]) for key, row in feedback.items()} == {
        "late": ("ticket", "problem"),
        "cold": ("ticket", "tone"),
        "card": ("ticket", "words"),
        "moved": ("ticket", None),
        "poor": ("ticket", "rating"),
        "answer": ("rating", "rating"),
        "called": ("call", None),
        "to_us": ("post", "problem"),
        "only_mention": ("post", None),
    }
    assert all(row["is_complaint"] == (row["complaint_by"] is not None) for row in feedback.values())


def test_a_rating_makes_a_complaint_of_its_ticket_from_its_own_day_on(feedback):
    poor = feedback["poor"]
    # At 2 o'clock UTC it is still the evening before in the stores.
    assert (poor["feedback_date"], poor["complaint_date"]) == (date(2017, 3, 4), date(2017, 3, 9))
    assert feedback["late"]["complaint_date"] == feedback["late"]["feedback_date"] == date(2017, 3, 1)
    assert feedback["moved"]["complaint_date"] is None

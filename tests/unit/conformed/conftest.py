"""A shop's messages and ratings, as the conformed models leave them."""

from datetime import datetime, timedelta

import pytest

from orchestration.warehouse import engine

_TABLES = """
    create schema conformed;
    create table conformed.messages (message_id varchar, channel varchar, direction varchar, occurred_at timestamp,
        language varchar, subject varchar, body varchar, subject_id varchar);
    create table conformed.interactions (interaction_id varchar, interaction_type varchar, occurred_at timestamp,
        event_date date, subject_id varchar, value double);
"""
_START = datetime(2017, 1, 1, 12)


@pytest.fixture
def desk(settings):
    """Settings whose warehouse has tables for messages and ratings, empty."""
    with engine.writing(settings) as con:
        con.execute(_TABLES)
    return settings


@pytest.fixture
def say(desk):
    """Write a message; a later one of the same id replaces it."""

    def write(message_id, body, *, channel="support", direction="in", language=None, subject=None, day=0):
        moment = _START + timedelta(days=day)
        with engine.writing(desk) as con:
            con.execute("delete from conformed.messages where message_id = ?", [message_id])
            con.execute(
                "insert into conformed.messages values (?, ?, ?, ?, ?, ?, ?, ?)",
                [message_id, channel, direction, moment, language, subject, body, message_id],
            )

    return write


@pytest.fixture
def rated(desk):
    """Write many tickets with a rating each: (body, score, day)."""

    def write(tickets):
        rows = [
            (f"t{number}", body, score, _START + timedelta(days=day))
            for number, (body, score, day) in enumerate(tickets)
        ]
        with engine.writing(desk) as con:
            con.executemany(
                "insert into conformed.messages values (?, 'support', 'in', ?, null, null, ?, ?)",
                [(key, moment, body, key) for key, body, _, moment in rows],
            )
            con.executemany(
                "insert into conformed.interactions values (?, 'rated', ?, ?, ?, ?)",
                [(f"r{key}", moment, moment.date(), key, score) for key, _, score, moment in rows],
            )

    return write


@pytest.fixture
def readings(desk):
    """Every reading by message, as a dictionary of columns."""

    def read():
        with engine.reading(desk) as con:
            rows = con.execute("from conformed.message_readings").to_arrow_table().to_pylist()
        return {row["message_id"]: row for row in rows}

    return read

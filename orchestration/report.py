"""What a run left, in the few figures that every run can state. The demo's page, with its truth, is `demo.report`."""

from datetime import date
from typing import Any

import duckdb

from orchestration.settings import Settings
from orchestration.warehouse import engine


def business_day(settings: Settings) -> date | None:
    """The day that the features look from; None before there are any."""
    found = rows(settings, "select max(as_of_date) from features.people")
    return found[0][0] if found else None


def people(settings: Settings) -> list[tuple[str, int]]:
    """Records with a person's data, the people they are of, and the profiles made: label and count."""
    found = rows(
        settings,
        "select (select count(*) from conformed.contacts), (select count(distinct person_id) from "
        "identity.person_records join conformed.contacts using (record_id)), (select count(*) from profile.people)",
    )
    records, persons, profiles = found[0] if found else (0, 0, 0)
    return [
        ("records of people", records),
        ("people they are of", persons),
        ("duplicates removed", records - persons),
        ("people known by a card or an account alone", profiles - persons),
        ("golden profiles", profiles),
    ]


def summary(settings: Settings) -> str:
    """One line: the business day and the people; empty before there are any."""
    day = business_day(settings)
    counts = ", ".join(f"{count:,} {label}" for label, count in people(settings))
    return f"business day {day}: {counts}" if day else ""


def rows(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    """What a query finds; nothing where the tables it asks for are not there yet."""
    if not settings.warehouse.exists():
        return []
    with engine.reading(settings) as con:
        try:
            return con.execute(sql).fetchall()
        except duckdb.CatalogException:
            return []

"""Writes the flat files of a small CRM and a small community, as the generator does: every column of the contracts."""

from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.demo.records import table

START = datetime(2017, 1, 1, 12)
_ARROW = {
    "timestamp": pa.timestamp("us"),
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "number": pa.decimal128(18, 2),
}


def write(folder: Path, system: str, resource: str, rows: list[dict]) -> None:
    """One Parquet file with the contract's columns; what a row leaves out is null."""
    columns = table(system, resource).columns
    schema = pa.schema([(column.name, _ARROW.get(column.logical_type, pa.string())) for column in columns])
    names = set(schema.names)
    assert not (unknown := {name for row in rows for name in row} - names), unknown
    (folder / system).mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / system / f"{resource}.parquet")


def contact(number: int, **changes: object) -> dict:
    """Contact `number`, changed `number` minutes after the start of the year."""
    return {
        "id": str(number),
        "firstname": f"First{number}",
        "lastname": f"Last{number}",
        "email": f"person{number}@example.org",
        "created_at": START,
        "updated_at": START + timedelta(minutes=number),
        "is_archived": False,
    } | changes


def hubspot(folder: Path, contacts: list[dict]) -> Path:
    """A CRM with the contacts given, two companies, three deals and two owners."""
    write(folder, "hubspot", "contacts", contacts)
    moments = {"created_at": START, "updated_at": START + timedelta(days=1)}
    companies = [{"id": str(900 + number), "name": f"Company {number}"} | moments for number in range(2)]
    write(folder, "hubspot", "companies", companies)
    deals = [
        {"id": str(700 + number), "name": f"Deal {number}", "stage": "won", "amount": None, "contact_id": "1"} | moments
        for number in range(2)
    ]
    alone = {"id": "702", "name": "Alone", "stage": "lost", "company_id": "901", "closed_at": START} | moments
    write(folder, "hubspot", "deals", [*deals, alone])
    owners = [{"id": str(number), "email": f"owner{number}@example.org"} | moments for number in (31, 32)]
    write(folder, "hubspot", "owners", owners)
    return folder


def mastodon(folder: Path, accounts: int, statuses: int, notifications: int) -> Path:
    """A community; ids grow from 98 so that they change in length; every third notification is a mention."""
    moment = {"created_at": START}
    rows = [
        {"id": str(98 + number), "username": f"user{number}", "email": f"user{number}@example.org", "fields": "[]"}
        | {"display_name": f"User {number}", "followers_count": number, "is_bot": False}
        | moment
        for number in range(accounts)
    ]
    write(folder, "mastodon", "accounts", rows)
    rows = [
        {"id": str(98 + number), "account_id": "98", "content": f"<p>{number}</p>"} | moment
        for number in range(statuses)
    ]
    write(folder, "mastodon", "statuses", rows)
    ids = range(98, 98 + notifications)
    mentions = [
        {"id": str(key), "type": "mention", "account_id": "98", "status_id": "98"} | moment
        for key in ids
        if key % 3 == 0
    ]
    write(folder, "mastodon", "mentions", mentions)
    reactions = [
        {"id": str(key), "type": "reblog" if key % 3 == 1 else "favourite", "account_id": "98", "status_id": "98"}
        | moment
        for key in ids
        if key % 3
    ]
    write(folder, "mastodon", "reactions", reactions)
    return folder

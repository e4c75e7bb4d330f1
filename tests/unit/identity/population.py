"""A small population with truth: people known to several systems, with typing errors and the usual traps.

Built by arithmetic from a seed, so that a test always sees the same records.
"""

import random
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from orchestration.settings import Settings
from orchestration.warehouse import engine

_FIRST = [
    "james",
    "mary",
    "robert",
    "patricia",
    "john",
    "jennifer",
    "michael",
    "linda",
    "david",
    "elizabeth",
    "william",
    "barbara",
    "richard",
    "susan",
    "joseph",
    "jessica",
    "thomas",
    "sarah",
    "charles",
    "karen",
    "christopher",
    "nancy",
    "daniel",
    "lisa",
    "matthew",
    "betty",
    "anthony",
    "margaret",
    "mark",
    "sandra",
    "donald",
    "ashley",
    "steven",
    "kimberly",
    "paul",
    "emily",
    "andrew",
    "donna",
    "joshua",
    "michelle",
    "kenneth",
    "carol",
    "kevin",
    "amanda",
    "brian",
    "dorothy",
    "george",
    "melissa",
    "edward",
    "deborah",
]
_LAST = [
    "smith",
    "johnson",
    "williams",
    "brown",
    "jones",
    "garcia",
    "miller",
    "davis",
    "rodriguez",
    "martinez",
    "hernandez",
    "lopez",
    "gonzalez",
    "wilson",
    "anderson",
    "taylor",
    "moore",
    "jackson",
    "martin",
    "lee",
    "perez",
    "thompson",
    "white",
    "harris",
    "sanchez",
    "clark",
    "ramirez",
    "lewis",
    "robinson",
    "walker",
    "young",
    "allen",
    "king",
    "wright",
    "scott",
    "torres",
    "nguyen",
    "hill",
    "flores",
    "green",
    "adams",
    "nelson",
    "baker",
    "hall",
    "rivera",
    "campbell",
    "mitchell",
    "carter",
    "roberts",
    "gomez",
    "phillips",
    "evans",
]
_SYSTEMS = (("hubspot", "contacts"), ("segment", "users"), ("receipts", "members"), ("mailer", "subscribers"))
COLUMNS = {
    "record_id": pa.string(), "source": pa.string(), "first_name": pa.string(), "middle_name": pa.string(),
    "last_name": pa.string(), "name_suffix": pa.string(), "full_name": pa.string(), "first_name_std": pa.string(),
    "last_name_std": pa.string(), "birth_date": pa.date32(), "gender": pa.string(), "email_std": pa.string(),
    "phone_std": pa.string(), "street_std": pa.string(), "city_std": pa.string(), "postal_code_std": pa.string(),
    "created_at": pa.timestamp("us"),
}  # fmt: skip


def contact(record_id: str, **values: Any) -> dict[str, Any]:
    """One contact row; what is not given is null, names are standardised."""
    row = dict.fromkeys(COLUMNS) | {"record_id": record_id, "source": record_id.split(":", maxsplit=1)[0]} | values
    row["first_name_std"] = row["first_name"] and row["first_name"].lower()
    row["last_name_std"] = row["last_name"] and row["last_name"].lower()
    row["created_at"] = row["created_at"] or datetime(2017, 1, 1)
    return row


def people(count: int, seed: int = 1) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Contacts of `count` people in two to four systems each, and record_id -> person."""
    chance = random.Random(seed)
    rows, truth = [], {}
    for number in range(count):
        first, last = chance.choice(_FIRST), chance.choice(_LAST)
        given = {
            "first_name": first,
            "last_name": last,
            "birth_date": date(1940 + chance.randrange(60), 1 + chance.randrange(12), 1 + chance.randrange(28)),
            "email_std": f"{first}.{last}{number}@example.com",
            "phone_std": f"+1212{2000000 + number * 7919 % 7999999}",
            "street_std": f"{1 + chance.randrange(9000)} {chance.choice(_LAST)} st",
            "city_std": f"city {number % 40}",
            "postal_code_std": f"{10000 + number % 400}",
        }
        for source, kind in chance.sample(_SYSTEMS, chance.randint(2, 4)):
            row = contact(f"{source}:{kind}:{number}", **given)
            for field in ("birth_date", "email_std", "phone_std", "street_std"):
                if chance.random() < 0.25:
                    row[field] = None
            if chance.random() < 0.1:
                row["first_name"] = row["first_name_std"] = first[0] + first[2] + first[1] + first[3:]
            rows.append(row)
            truth[row["record_id"]] = f"person {number}"
    return rows, truth


def identifier(record_id: str, identifier_type: str, value: str) -> dict[str, Any]:
    return {
        "record_id": record_id, "identifier_type": identifier_type, "identifier_value": value,
        "first_seen_at": datetime(2017, 1, 2),
    }  # fmt: skip


def identifiers_of(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The id, e-mail and phone of each contact, as conformed gives them."""
    own = {"hubspot": "crm_id", "segment": "user_id", "receipts": "loyalty_number", "mailer": "subscriber_id"}
    found = []
    for row in rows:
        if row["source"] in own:
            found.append(identifier(row["record_id"], own[row["source"]], row["record_id"].split(":")[2]))
        for field, identifier_type in (("email_std", "email"), ("phone_std", "phone")):
            if row[field]:
                found.append(identifier(row["record_id"], identifier_type, row[field]))
    return found


def table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, pa.schema(list(COLUMNS.items())))


def canonical(rows: list[dict[str, Any]]) -> pa.Table:
    """The rows with the columns that are compared, as resolving reads them."""
    renamed = {"email": "email_std", "phone": "phone_std", "street": "street_std", "city": "city_std"}
    made = table(rows)
    for name, given in (renamed | {"postal_code": "postal_code_std"}).items():
        made = made.drop_columns([name]) if name in made.column_names else made
        made = made.append_column(name, made[given])
    return made


def write(settings: Settings, rows: list[dict[str, Any]], more_identifiers: list[dict[str, Any]] = ()) -> None:
    """Put contacts and identifiers into the warehouse of `settings`, in place of what is there."""
    found = identifiers_of(rows) + list(more_identifiers)
    with engine.writing(settings) as con:
        con.execute("create schema if not exists conformed")
        for name, arrow in (("contacts", table(rows)), ("identifiers", pa.Table.from_pylist(found))):
            con.register("rows_in", arrow)
            con.execute(f"create or replace table conformed.{name} as select * from rows_in")
            con.unregister("rows_in")


def served(settings: Settings) -> dict[str, str]:
    """record_id -> person_id, as the warehouse shows it."""
    with engine.reading(settings) as con:
        return dict(con.execute("select record_id, person_id from identity.person_records").fetchall())


def state(settings: Settings, query: str) -> list[tuple]:
    with engine.writing_state(settings) as con:
        return con.execute(query).fetchall()


def forget_warehouse(settings: Settings) -> None:
    Path(settings.warehouse).unlink()

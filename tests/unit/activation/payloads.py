"""A payload table, a document over it and a CRM with the same contacts: what tests of activation start from."""

from datetime import date
from pathlib import Path

import duckdb

from orchestration.activation.delivery import Patience
from orchestration.activation.document import SyncDocument
from orchestration.demo.server import Server
from orchestration.warehouse import engine

UPDATE = "/crm/v3/objects/contacts/batch/update"
AS_OF = date(2017, 12, 31)
PATIENCE = Patience(tries=3, first_wait=0.01, longest_wait=0.05)
FIELDS = ("tessera_person_id", "tessera_segments", "tessera_lifetime_value_usd", "tessera_last_purchase_date",
          "tessera_favourite_department")  # fmt: skip
# A value that every harness has its destination refuse, each by a rule of its own kind.
POISON = "MOON"

PAYLOAD = """
create or replace table activation.hubspot__contacts as
select
    cast(1000 + i as varchar) as contact_id,
    'p' || i // 2 as person_id,
    'p' || i // 2 as tessera_person_id,
    case when i % 3 = 0 then 'high_value;lapsing' end as tessera_segments,
    cast(i * 1.5 as decimal(18, 2)) as tessera_lifetime_value_usd,
    date '2017-01-01' + cast(i % 300 as integer) as tessera_last_purchase_date,
    'GROCERY' as tessera_favourite_department,
    i % 2 = 0 as is_email_consented,
    case when i % 10 = 9 then 0.5 else 0.99 end as match_confidence,
    'person' || i // 2 || '@example.com' as email
from range({count}) as t(i)
"""


def document(**changes) -> SyncDocument:
    """A sync of every payload column to HubSpot contacts; keyword arguments replace attributes."""
    attributes = {
        "name": "crm",
        "description": "Computed attributes for the CRM.",
        "owner": "team:crm",
        "destination": "hubspot",
        "object": "contacts",
        "model": "activation.hubspot__contacts",
        "key": "contact_id",
        "mode": "mirror",
        "on_exit": "clear",
        "fields": {
            name: name
            for name in ("tessera_person_id", "tessera_segments", "tessera_lifetime_value_usd",
                         "tessera_last_purchase_date", "tessera_favourite_department")
        },
        "consent": {"not_needed": "test of the engine"},
    }  # fmt: skip
    return SyncDocument.model_validate(attributes | changes)


def fill_warehouse(settings, count: int) -> None:
    """The payload table with `count` contacts, two of each person; consent is granted to every even person."""
    with engine.writing(settings) as con:
        con.execute("create schema if not exists activation; create schema if not exists profile")
        con.execute(PAYLOAD.format(count=count))
        con.execute(
            "create or replace table profile.effective_consents as select 'main' as brand, "
            "'person' || i || '@example.com' as contact_point, 'email' as channel, 'marketing' as purpose, "
            f"case when i % 2 = 0 then 'granted' else 'denied' end as state from range({count}) as t(i)"
        )


def payload_rows(settings) -> list[dict[str, str]]:
    """The payload as text: key and fields, without what is empty."""
    names = ("contact_id", *FIELDS)
    columns = ", ".join(f"cast({name} as varchar)" for name in names)
    with engine.reading(settings) as con:
        rows = con.execute(f"select {columns} from activation.hubspot__contacts").fetchall()
    return [{name: value for name, value in zip(names, row, strict=True) if value is not None} for row in rows]


def change(settings, statement: str) -> None:
    """One statement on the warehouse."""
    with engine.writing(settings) as con:
        con.execute(statement)


def ledger_rows(settings, query: str) -> list[tuple]:
    """Rows of the state database."""
    with engine.writing_state(settings) as con:
        return con.execute(query).fetchall()


def write_crm(folder: Path, count: int) -> Path:
    """The CRM's own contacts, ids 1000 and up, as the local server reads them."""
    (folder / "hubspot").mkdir(parents=True)
    with duckdb.connect() as con:
        con.execute(
            "copy (select cast(1000 + i as varchar) as id, 'First' || i as firstname, "
            "'contact' || i || '@example.com' as email, timestamp '2017-01-01' as created_at, "
            f"timestamp '2017-01-01' as updated_at from range({count}) as t(i)) "
            f"to '{folder}/hubspot/contacts.parquet' (format parquet)"
        )
    return folder


def intercept(patch, handler) -> None:
    """Let `handler(path, body, go_on)` answer what the CRM is asked; `go_on()` is the CRM's own answer."""
    answer = Server.answer

    def answering(self, method, target, authorization, body):
        return handler(target, body, lambda: answer(self, method, target, authorization, body))

    patch.setattr(Server, "answer", answering)


def crm_properties(crm, contact_id: int) -> dict[str, str]:
    """Our properties of one contact, as the CRM holds them."""
    held = crm.crm.collections["contacts"].records[contact_id].properties
    return {name: value for name, value in held.items() if name.startswith("tessera_")}


def crm_differences(crm, settings) -> list[int]:
    """Contacts whose properties in the CRM are not what the payload table says."""
    with engine.reading(settings) as con:
        rows = con.execute(
            "select cast(contact_id as integer), tessera_person_id, tessera_segments, "
            "cast(tessera_lifetime_value_usd as varchar), cast(tessera_last_purchase_date as varchar), "
            "tessera_favourite_department from activation.hubspot__contacts"
        ).fetchall()
    wanted = {
        key: {name: value for name, value in zip(
            ("tessera_person_id", "tessera_segments", "tessera_lifetime_value_usd", "tessera_last_purchase_date",
             "tessera_favourite_department"), values, strict=True) if value is not None}
        for key, *values in rows
    }  # fmt: skip
    everyone = crm.crm.collections["contacts"].records
    return [key for key in everyone if crm_properties(crm, key) != wanted.get(key, {})]

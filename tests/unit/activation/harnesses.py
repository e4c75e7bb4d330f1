"""One harness a destination, all alike, so that the same tests hold of each: a new destination adds its own here.

What only one destination does is tested in a file of that destination.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import psycopg

from orchestration.demo.server import DEMO_TOKEN, serve
from tests.postgres_server import PASSWORD
from tests.unit.activation.lossy_proxy import LossyProxy, lossy
from tests.unit.activation.payloads import FIELDS, POISON, UPDATE, crm_properties, document, write_crm
from tests.unit.activation.receiver import SECRET, Receiver, receiving
from tests.unit.activation.vendor_harnesses import AUDIENCES, VENDORS


class HubSpotHarness:
    """The CRM's fake, which has 300 contacts of its own."""

    document = staticmethod(document)

    def __init__(self, crm, patch) -> None:
        self._crm, self._patch = crm, patch

    def held(self) -> dict[str, dict[str, str]]:
        """What the destination holds of ours: key -> field -> text, nothing empty."""
        everyone = self._crm.crm.collections["contacts"].records
        found = {str(key): crm_properties(self._crm, key) for key in everyone}
        return {key: fields for key, fields in found.items() if fields}

    def mark(self) -> object:
        """Another value after every write."""
        return self._crm.counters.writes

    def overwrite(self, key: str, field: str, value: str) -> None:
        """Somebody else writes one of our fields."""
        self._crm.crm.collections["contacts"].records[int(key)].properties[field] = value

    def refuse_poison(self) -> None:
        """The destination has a rule that POISON breaks."""
        self._crm.crm.collections["contacts"].definitions["tessera_favourite_department"] = {
            "name": "tessera_favourite_department", "type": "enumeration", "read_only": False,
            "options": [{"value": "GROCERY"}, {"value": "MEAT"}],
        }  # fmt: skip

    def be_busy(self, times: int) -> None:
        """The next requests are answered: later."""
        self._crm.faults.path, self._crm.faults.throttled, self._crm.faults.retry_after = UPDATE, times, 0

    def lose_answers(self, times: int) -> None:
        """The next requests are done and never answered."""
        self._crm.faults.path, self._crm.faults.lost_answers = UPDATE, times

    def refuse_login(self) -> None:
        """We are nobody there."""
        self._patch.setenv("HUBSPOT_TOKEN", "stale")

    def allow_login(self) -> None:
        """We are known again."""
        self._patch.setenv("HUBSPOT_TOKEN", DEMO_TOKEN)


class FilesHarness:
    """Audience files in the home: handed over whole, so there is nobody who could refuse a row."""

    def __init__(self, settings) -> None:
        self._folder = settings.root / "exports" / "crm"

    @staticmethod
    def document(**changes):
        fields = {"contact_id": "contact_id"} | {name: name for name in FIELDS}
        return document(**({"destination": "files", "object": "audience", "on_exit": "delete", "fields": fields}
                           | changes))  # fmt: skip

    def held(self) -> dict[str, dict[str, str]]:
        file = self._folder / "latest.parquet"
        columns = ", ".join(f"cast({name} as varchar) as {name}" for name in ("contact_id", *FIELDS))
        return _by_key(duckdb.sql(f"select {columns} from '{file}'").fetchall()) if file.exists() else {}

    def mark(self) -> object:
        return [(file.name, file.stat().st_mtime_ns) for file in sorted(self._folder.glob("*"))]


class PostgresHarness:
    """A table of a real server, made by the sync; our user may nothing but what it is granted."""

    def __init__(self, admin: psycopg.Connection, proxy: LossyProxy, patch) -> None:
        self._admin, self._proxy, self._patch = admin, proxy, patch
        self.allow_login()

    @staticmethod
    def document(**changes):
        return document(**({"destination": "postgres", "object": "crm.contacts", "match_by": "contact_id",
                            "on_exit": "delete"} | changes))  # fmt: skip

    def _make_table(self) -> None:
        columns = "text", "text", "numeric(18, 2)", "date", "text"
        fields = ", ".join(map(" ".join, zip(FIELDS, columns, strict=True)))
        self._admin.execute(f"create table crm.contacts (contact_id text primary key, {fields})")
        self._admin.execute("grant all on crm.contacts to cdp")

    def make_rows(self, keys) -> None:
        """Somebody else puts rows there."""
        self._admin.execute("insert into crm.contacts (contact_id) select unnest(%s::text[])", [list(map(str, keys))])

    def held(self) -> dict[str, dict[str, str]]:
        if not self._admin.execute("select to_regclass('crm.contacts')").fetchall()[0][0]:
            return {}
        columns = ", ".join(f"{name}::text" for name in ("contact_id", *FIELDS))
        return _by_key(self._admin.execute(f"select {columns} from crm.contacts").fetchall())

    def mark(self) -> object:
        return self._admin.execute("select ctid::text, xmin::text from crm.contacts order by 1").fetchall()

    def overwrite(self, key: str, field: str, value: str) -> None:
        self._admin.execute(f"update crm.contacts set {field} = %s where contact_id = %s", [value, key])

    def refuse_poison(self) -> None:
        self._make_table()
        self._admin.execute(
            f"alter table crm.contacts add constraint known check (tessera_favourite_department <> '{POISON}')"
        )

    def be_busy(self, times: int) -> None:
        # A sequence is not taken back with its transaction, so it counts the tries.
        self._make_table()
        self._admin.execute(
            "create sequence crm.tries; grant usage on sequence crm.tries to cdp; "
            "create function crm.busy() returns trigger language plpgsql as $$ begin "
            f"if nextval('crm.tries') <= {times} then raise 'try again' using errcode = '40001'; end if; return null; "
            "end $$; create trigger busy before insert on crm.contacts execute function crm.busy()"
        )

    def lose_answers(self, times: int) -> None:
        # So that the first commit is that of the rows.
        self._make_table()
        self._proxy.lost = times

    def refuse_login(self) -> None:
        self._log_in("wrong")

    def allow_login(self) -> None:
        self._log_in(PASSWORD)

    def _log_in(self, password: str) -> None:
        url = f"postgresql://cdp:{password}@{self._proxy.address}/target"
        self._patch.setenv("POSTGRES_DESTINATION_URL", url)


class WebhookHarness:
    """A receiver that keeps the rows of the events it takes."""

    def __init__(self, receiver: Receiver, patch) -> None:
        self._receiver, self._patch = receiver, patch
        patch.setenv("WEBHOOK_URL", receiver.url)
        patch.setenv("WEBHOOK_SECRET", SECRET)

    @staticmethod
    def document(**changes):
        return document(**({"destination": "webhook", "object": "contact", "on_exit": "delete"} | changes))

    def held(self) -> dict[str, dict[str, str]]:
        return {
            key: {name: str(value) for name, value in fields.items() if value is not None}
            for key, fields in self._receiver.rows.items()
        }

    def mark(self) -> object:
        return len(self._receiver.requests)

    def overwrite(self, key: str, field: str, value: str) -> None:
        self._receiver.rows[key][field] = value

    def refuse_poison(self) -> None:
        self._receiver.says = lambda event: 422 if POISON in str(event["data"]) else None

    def be_busy(self, times: int) -> None:
        self._receiver.busy = times

    def lose_answers(self, times: int) -> None:
        self._receiver.lost = times

    def refuse_login(self) -> None:
        self._patch.setenv("WEBHOOK_SECRET", "whsec_" + "b" * 40)

    def allow_login(self) -> None:
        self._patch.setenv("WEBHOOK_SECRET", SECRET)


def _by_key(rows) -> dict[str, dict[str, str]]:
    return {
        key: {name: value for name, value in zip(FIELDS, values, strict=True) if value is not None}
        for key, *values in rows
    }


@contextmanager
def _hubspot(request, patch) -> Iterator[HubSpotHarness]:
    with serve(write_crm(request.getfixturevalue("tmp_path") / "api", 300)) as url:
        patch.setenv("HUBSPOT_BASE_URL", str(url))
        patch.setenv("HUBSPOT_TOKEN", DEMO_TOKEN)
        patch.setenv("HUBSPOT_REQUESTS_PER_SECOND", "500")
        yield HubSpotHarness(url, patch)


@contextmanager
def _files(request, patch) -> Iterator[FilesHarness]:
    yield FilesHarness(request.getfixturevalue("settings"))


@contextmanager
def _postgres(request, patch) -> Iterator[PostgresHarness]:
    address = request.getfixturevalue("postgres_address")
    with target_database(address) as admin, lossy(address) as proxy:
        yield PostgresHarness(admin, proxy, patch)


@contextmanager
def target_database(address: str) -> Iterator[psycopg.Connection]:
    """An empty database `target`, as its owner; user `cdp` may make tables in its schema `crm`."""
    owner = f"postgresql://admin:{PASSWORD}@{address}/"
    with psycopg.connect(owner + "postgres", autocommit=True) as con:
        con.execute("drop database if exists target with (force)")
        con.execute("drop role if exists cdp")
        con.execute(f"create role cdp login password '{PASSWORD}'")
        con.execute("create database target")
    with psycopg.connect(owner + "target", autocommit=True) as con:
        con.execute("create schema crm; grant usage, create on schema crm to cdp")
        yield con


@contextmanager
def _webhook(request, patch) -> Iterator[WebhookHarness]:
    with receiving() as receiver:
        yield WebhookHarness(receiver, patch)


HARNESSES = {"files": _files, "hubspot": _hubspot, "postgres": _postgres, "webhook": _webhook, **VENDORS}
# Who answers row by row, or could: the files are handed over whole.
ANSWERING = sorted(set(HARNESSES) - {"files"})
# Who takes single fields of a row.
KEEPING = sorted(set(ANSWERING) - AUDIENCES)

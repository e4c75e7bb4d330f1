"""How long a sync of a million rows takes: to plan, into PostgreSQL, to a webhook: `make bench-activation`, into
`docs/activation.md`.

`python -m bench.activation [--rows N]`. The receivers are the tests' own: a server of PostgreSQL and one of webhooks,
each in a process of its own on this machine.
"""

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import psycopg

from bench import identity_page
from orchestration import home
from orchestration.activation.destinations import webhook
from orchestration.activation.document import SyncDocument
from orchestration.activation.plan import plan
from orchestration.activation.record import record
from orchestration.activation.send import send
from orchestration.settings import Settings
from orchestration.warehouse import engine
from tests.postgres_server import PASSWORD, server
from tests.unit.activation.receiver import SECRET

ROOT = Path(__file__).parents[1]
AS_OF = date(2017, 12, 31)
PLAN_BAR, POSTGRES_BAR, WEBHOOK_BAR = 5.0, 15.0, 500.0
FIELDS = ("email", "first_name", "segments", "lifetime_value_usd", "count_orders", "last_order_date", "is_consented")
PAYLOAD = """
create schema if not exists activation;
create or replace table activation.people as
select
    'p_' || lpad(cast(i as varchar), 10, '0') as person_id, 'person' || i || '@example.com' as email,
    'Name ' || i % 5000 as first_name, case when i % 3 = 0 then 'high_value;lapsing' end as segments,
    cast(i % 90000 * 1.5 as decimal(18, 2)) as lifetime_value_usd, cast(i % 40 as integer) as count_orders,
    date '2017-01-01' + cast(i % 360 as integer) as last_order_date, i % 2 = 0 as is_consented
from range({rows}) as t(i)
"""


def document(destination: str, **changes: object) -> SyncDocument:
    """A sync of all fields of all people."""
    return SyncDocument.model_validate(
        {
            "name": f"to_{destination}", "description": "All people.", "owner": "team:crm", "destination": destination,
            "object": "people", "model": "activation.people", "key": "person_id", "mode": "mirror",
            "on_exit": "delete", "fields": {name: name for name in FIELDS},
            "consent": {"not_needed": "measurement with generated people"},
        } | changes
    )  # fmt: skip


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    started = time.monotonic()
    work()
    return time.monotonic() - started


def fill(settings: Settings, statement: str) -> None:
    """One statement on the warehouse."""
    with engine.writing(settings) as con:
        con.execute(statement)


def steps(settings: Settings, sync: SyncDocument, run_id: str) -> list[float]:
    """Seconds of plan, send and record."""
    spent = [
        timed(lambda: plan(settings, sync, run_id, AS_OF)),
        timed(lambda: send(settings, sync, run_id)),
        timed(lambda: record(settings, sync.name, run_id)),
    ]
    print(sync.name, run_id, [f"{seconds:.1f} s" for seconds in spent], flush=True)
    return spent


def to_postgres(settings: Settings, rows: int) -> dict[str, list[float]]:
    """A first run of all rows, one of 1 % changed, one without news."""
    sync = document("postgres", match_by="person_id")
    changed = (
        "update activation.people set segments = 'new', lifetime_value_usd = lifetime_value_usd + 1 "
        "where hash(person_id) % 100 = 0"
    )
    with server() as address:
        with psycopg.connect(f"postgresql://admin:{PASSWORD}@{address}/postgres", autocommit=True) as admin:
            admin.execute("create database target")
        os.environ["POSTGRES_DESTINATION_URL"] = f"postgresql://admin:{PASSWORD}@{address}/target"
        fill(settings, PAYLOAD.format(rows=rows))
        found = {f"{rows:,} rows, all new": steps(settings, sync, "r1")}
        fill(settings, changed)
        found["1 % changed"] = steps(settings, sync, "r2")
        found["no news"] = steps(settings, sync, "r3")
    return found


@contextmanager
def receiving() -> Iterator[None]:
    """A receiver of webhooks in a process of its own, and WEBHOOK_URL pointing to it."""
    code = "from tests.unit.activation.receiver import Receiver; r = Receiver(); print(r.url, flush=True); "
    child = subprocess.Popen([sys.executable, "-c", code + "r.serve_forever()"], stdout=subprocess.PIPE, text=True)
    os.environ |= {"WEBHOOK_URL": child.stdout.readline().strip(), "WEBHOOK_SECRET": SECRET}
    try:
        yield
    finally:
        child.kill()
        child.wait()


def to_webhook(settings: Settings) -> dict[tuple[int, int], float]:
    """Rows a second by rows in a request and requests at a time."""
    found = {}
    # Without our own limit of requests a second: how fast is it when the receiver takes anything.
    os.environ["WEBHOOK_REQUESTS_PER_SECOND"] = "1000000"
    for batch, parallel, rows in ((1, 1, 2_000), (1, webhook.PARALLEL, 5_000), (100, 1, 50_000),
                                  (100, webhook.PARALLEL, 100_000)):  # fmt: skip
        os.environ |= {"WEBHOOK_BATCH_SIZE": str(batch), "WEBHOOK_PARALLEL": str(parallel)}
        sync = document("webhook", name=f"to_webhook_{batch}_{parallel}", object="person")
        fill(settings, PAYLOAD.format(rows=rows))
        with receiving():
            found[batch, parallel] = rows / steps(settings, sync, "r1")[1]
    return found


def blocks(of_postgres: dict[str, list[float]], of_webhook: dict[tuple[int, int], float]) -> dict[str, str]:
    """The tables of the page."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    machine = (
        f"Measured {date.today()}: {os.cpu_count()} cores, shared with other work and with the receivers, "
        f"{platform.system()}, Python {platform.python_version()}, peak memory {peak:,.0f} MB; "
        "`make bench-activation`.\n\n"
    )
    heads = ["into a table of PostgreSQL", "plan", "deliver", "record"]
    rows = [[name, *(f"{seconds:.1f} s" for seconds in spent)] for name, spent in of_postgres.items()]
    speeds = [[str(batch), str(parallel), f"{speed:,.0f}"] for (batch, parallel), speed in of_webhook.items()]
    return {
        "postgres": machine + identity_page.table(heads, rows),
        "webhook": identity_page.table(["rows in a request", "requests at a time", "rows a second"], speeds),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as passing:
        settings = Settings(home=Path(passing) / "home")
        home.prepare(settings)
        of_postgres, of_webhook = to_postgres(settings, rows), to_webhook(settings)
    identity_page.put(ROOT / "docs" / "activation.md", blocks(of_postgres, of_webhook))
    first, changed, *_ = of_postgres.values()
    for what, is_met in (
        (f"1 % changed is planned in {PLAN_BAR:.0f} s", changed[0] <= PLAN_BAR),
        (f"all rows are delivered in {POSTGRES_BAR:.0f} s", first[1] <= POSTGRES_BAR),
        (f"{WEBHOOK_BAR:.0f} rows/s, one a request", of_webhook[1, webhook.PARALLEL] >= WEBHOOK_BAR),
    ):
        print(f"{'met' if is_met else 'NOT met'}: {what}")


if __name__ == "__main__":
    main()

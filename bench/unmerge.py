"""How long it takes to take a person apart among many: `make bench-unmerge DEMO=HOME`, into `docs/identity.md`.

`python -m bench.unmerge HOME [--times 100]`. A passing home holds the people of a demo home so many times over, each
copy with ids of its own: what `tessera unmerge` reads and writes, and nothing else. Timed is what the command does.
"""

import argparse
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from bench import identity_page
from orchestration import home
from orchestration.identity import blast_radius, history, holds, proposal, registry, state, tables, unmerge
from orchestration.identity.state import Run
from orchestration.settings import Settings
from orchestration.warehouse import engine

ROOT = Path(__file__).parents[1]
# Two minutes until two people are served.
BAR_SECONDS = 120.0
# Rows that belong to people; all others stay as they are.
_IDS = ("record_id", "record_id_l", "record_id_r", "person_id", "order_id")
_FIRST = Run("first", "1", date(2017, 12, 31))


def many(settings: Settings, demo: Settings, times: int) -> None:
    """The warehouse and the identity state of a home with every person of the demo so many times."""
    with duckdb.connect(config={"memory_limit": settings.memory_limit, "threads": 2}) as con:
        con.execute("set preserve_insertion_order = false")
        con.execute(f"attach '{demo.warehouse}' as source (read_only)")
        con.execute(f"attach '{settings.warehouse}' as warehouse")
        for schema, table in con.execute(
            "select table_schema, table_name from information_schema.tables where table_catalog = 'source' "
            "and table_type = 'BASE TABLE' and table_schema in "
            "('conformed', 'identity', 'profile', 'features', 'segments', 'activation') order by all"
        ).fetchall():
            con.execute(f"create schema if not exists warehouse.{schema}")
            con.execute(f"create table warehouse.{schema}.{table} as {_copies(con, schema, table, times)}")
        con.execute("delete from warehouse.identity.current_run")
        con.execute("insert into warehouse.identity.current_run values ('first', 'x')")
        whole = con.execute("select record_id, person_id from warehouse.identity.person_records").to_arrow_table()
    _register(settings, whole)


def _copies(con: duckdb.DuckDBPyConnection, schema: str, table: str, times: int) -> str:
    columns = [row[0] for row in con.execute(f"describe source.{schema}.{table}").fetchall()]
    own = [name for name in columns if name in _IDS or (name.endswith("_record_id") and name != "source_record_id")]
    if not own:
        return f"from source.{schema}.{table}"
    renamed = ", ".join(f"{name} || '-' || copy as {name}" for name in own)
    return (
        f"select * exclude (copy) replace ({renamed}) from source.{schema}.{table} cross join range({times}) as t(copy)"
    )


def _register(settings: Settings, whole: pa.Table) -> None:
    """Let the registry know these people by the ids that they have."""
    with engine.writing_state(settings) as con:
        con.execute("begin transaction")
        state.create_tables(con)
        con.register("served", whole)
        con.execute(
            "create temp table numbered as select person_id, row_number() over (order by person_id) as part "
            "from (select distinct person_id from served)"
        )
        con.execute("insert into identity.people select person_id, part, 'first', 'current' from numbered")
        partition = con.execute("select record_id, part as person from served inner join numbered using (person_id)")
        partition = partition.to_arrow_table()
        proposal.propose(con, partition, wanted=con.execute("select part, person_id from numbered").to_arrow_table())
        registry.apply(con, _FIRST)
        con.execute("commit")
        rows = tables.of_state(con, is_whole=True)
    with engine.writing(settings) as con:
        for name in ("ledger", "aliases"):
            con.register("rows_in", rows[name])
            con.execute(f"create or replace table identity.{name} as from rows_in")
            con.unregister("rows_in")


def measured(settings: Settings) -> dict[str, Any]:
    """Seconds of each part of taking one person apart, and how many people there are."""
    with engine.reading(settings) as con:
        people = con.execute("select count(*) from identity.people").fetchall()[0][0]
        person, records = con.execute(
            "select person_id, list(record_id order by record_id) from identity.person_records "
            "inner join conformed.contacts using (record_id) group by person_id having count(*) = 4 "
            "order by person_id limit 1"
        ).fetchall()[0]
    seconds: dict[str, float] = {}
    with _timed(seconds, "hold"):
        holds.place(settings, person, who="bench", why="measured")
    with _timed(seconds, "blast radius"):
        asked = unmerge.prepare(settings, person, records[:2])
        radius = blast_radius.measure(settings, asked.change, since_run=asked.since_run)
    print(radius.told(), flush=True)
    with _timed(seconds, "served as two"):
        unmerge.unmerge(settings, asked, who="bench", why="measured", run_id="apart")
    with _timed(seconds, "who-was"):
        history.who_was(settings, person, "first")
    return {"people": people, "seconds": seconds}


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    seconds[name] = time.monotonic() - started
    print(f"{name}: {seconds[name]:.1f} s", flush=True)


def block(found: dict[str, Any]) -> str:
    """The table of the page."""
    seconds = found["seconds"]
    return (
        f"Measured {date.today()}: {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, "
        f"duckdb {duckdb.__version__}; `make bench-unmerge`. {found['people']:,} people.\n\n"
    ) + identity_page.table(["step", "s"], [[name, f"{value:.1f}"] for name, value in seconds.items()])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.unmerge", description=__doc__)
    parser.add_argument("demo", type=Path, help="a home in which the demo ran")
    parser.add_argument("--times", type=int, default=100, help="how many times its people")
    given = parser.parse_args()
    demo = Settings(home=given.demo)
    with tempfile.TemporaryDirectory() as passing:
        settings = Settings(home=Path(passing), memory_limit="8GB")
        home.prepare(settings)
        shutil.copytree(demo.root / "dbt" / "compiled", settings.root / "dbt" / "compiled", dirs_exist_ok=True)
        many(settings, demo, given.times)
        found = measured(settings)
    identity_page.put(ROOT / "docs" / "identity.md", {"unmerge": block(found)})
    slow = found["seconds"]["served as two"]
    if slow > BAR_SECONDS:
        print(f"above its bar: served as two after {slow:.0f} s (bar {BAR_SECONDS:.0f})")


if __name__ == "__main__":
    main()

"""Taking over what a destination holds already: matched by key, into ledger and crosswalk. Writes nothing there.

Afterwards a plan has only true differences. Reading one row before it is written is in `filling.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.activation import ledger, marks, outbox
from orchestration.activation.bucket import bucket_of
from orchestration.activation.comparison import field_kinds
from orchestration.activation.delivery import Courier
from orchestration.activation.destination import Held, Run, find
from orchestration.activation.document import SyncDocument
from orchestration.activation.errors import PlanRefusedError, SyncStoppedError, TransientError, UnavailableError
from orchestration.activation.matching import MATCH, REPEATED, REPORT, TAKE_OVER, adopted, canonical_rows
from orchestration.activation.patience import Patience
from orchestration.activation.plan import columns_of, unreadable_model
from orchestration.activation.record import record
from orchestration.identity.holds import held_people
from orchestration.settings import Settings
from orchestration.warehouse import engine

# A spreadsheet runs a cell that begins so; an apostrophe before it makes it text.
_SAFE_KEY = "case when regexp_matches(key, '^[=+\\-@\\t\\r\\n]') then '''' || key else key end"


@dataclass(frozen=True)
class Adoption:
    """What was found: rows there, of them matched; `ambiguous` are keys of the model that several rows there have."""

    sync: str
    there: int
    matched: int
    only_in_model: int
    only_there: int
    without_key: int
    duplicates: int
    ambiguous: int
    held: int
    file: Path | None = None

    def summary(self) -> str:
        """Some lines for a terminal, without anybody's values."""
        lines = [
            f"{self.sync}: {self.there} rows there, {self.matched} of them adopted; nothing was written there",
            f"  only in the model: {self.only_in_model}; only there: {self.only_there}, {self.without_key} of these "
            "without a key",
            f"  held back (consent, hold, confidence) and not adopted: {self.held}",
        ]
        if self.duplicates:
            lines.append(
                f"  {self.duplicates} keys are there more than once, {self.ambiguous} of them are in the model and not "
                f"adopted: merge them there, then adopt again; they are listed in {self.file}"
            )
        return "\n".join(lines)


def adopt(
    settings: Settings, sync: SyncDocument, run_id: str, as_of: date, patience: Patience | None = None
) -> Adoption:
    """Read all rows there in the mapped fields and let the ledger say what they hold of ours.

    What the ledger had of a row that is not there any more is forgotten. Raises SyncStoppedError when the destination
    does not tell what it holds.
    """
    if not find(sync.destination).CAPABILITIES.reads:
        raise SyncStoppedError(f"{sync.destination} does not tell what it holds: it cannot be adopted")
    with engine.reading(settings) as con:
        ledger.check_environment(con, settings)
        if unreadable := unreadable_model(con, sync):
            raise PlanRefusedError(f"{sync.name}: nothing was adopted: {unreadable}")
        columns = columns_of(con, sync)
    for earlier in outbox.unfinished(settings, sync.name):
        record(settings, sync.name, earlier)
    kinds = field_kinds(sync, columns)
    run = Run(
        run_id, as_of, datetime.now(UTC).replace(tzinfo=None), {sync.fields[name].to: kinds[name] for name in kinds}
    )
    there = _read(settings, sync, run, patience or Patience())
    adoption = _take_over(settings, sync, run, kinds, there)
    marks.put(settings, sync.name, run_id)
    return adoption


def _read(settings: Settings, sync: SyncDocument, run: Run, patience: Patience) -> pa.Table:
    """Every row there as text; columns key, dest_id and each field."""
    module = find(sync.destination)
    fields = [rule.to for rule in sync.fields.values()]
    destination = module.connect(settings, sync, run)
    try:
        if module.CAPABILITIES.delivery == "rows":
            pages = Courier(destination, patience, bucket_of(settings, destination)).pages(fields)
            return _table(fields, pages)
        return patience.ask(destination.endpoint, lambda: _table(fields, destination.read_all(fields)))
    except TransientError as error:
        raise UnavailableError(f"{destination.endpoint} keeps failing ({error}): nothing was adopted") from error
    finally:
        destination.close()


def _table(fields: list[str], pages: Iterator[list[Held]]) -> pa.Table:
    names = ["key", "dest_id", *(f"there_{field}" for field in fields)]
    schema = pa.schema([(name, pa.string()) for name in names])
    batches = []
    for page in pages:
        columns = [[row.key for row in page], [row.dest_id for row in page]]
        columns += [[row.values.get(field) for row in page] for field in fields]
        batches.append(pa.record_batch([pa.array(column, pa.string()) for column in columns], schema=schema))
    return pa.Table.from_batches(batches, schema)


def _take_over(settings: Settings, sync: SyncDocument, run: Run, kinds: dict[str, str], there: pa.Table) -> Adoption:
    names = {"sync": sync.name, "run_id": run.run_id, "destination": sync.destination, "object": sync.object,
             "environment": settings.env, "as_of": run.as_of}  # fmt: skip
    with engine.writing_state(settings) as con:
        con.execute(ledger.TABLES)
        con.register("told", there)
        with engine.beside_state(con, settings):
            con.execute(f"create or replace temp view on_hold as select * from {held_people(con)} as h(person_id)")
            con.execute(f"create temp table held_there as {canonical_rows(sync, kinds)}")
            con.execute(MATCH)
            con.execute(f"create temp table wanted as {adopted(sync, kinds)}")
        _check_keys(con, sync)
        counts = con.execute(REPORT).fetchall()[0]
        file = _write_duplicates(con, settings, sync)
        con.execute("begin")
        for statement in filter(str.strip, TAKE_OVER.split(";\n")):
            con.execute(statement, {name: value for name, value in names.items() if f"${name}" in statement})
        con.execute("commit")
    return Adoption(sync.name, *counts, file=file)


def _check_keys(con: duckdb.DuckDBPyConnection, sync: SyncDocument) -> None:
    surplus = con.execute("select count(*) - count(distinct key) from wanted").fetchall()[0][0]
    if surplus:
        raise PlanRefusedError(
            f"{sync.name}: nothing was adopted: {surplus} rows of {sync.model} have no {sync.key}, or repeat one"
        )


def _write_duplicates(con: duckdb.DuckDBPyConnection, settings: Settings, sync: SyncDocument) -> Path | None:
    """The keys that are there more than once, with the ids there; None when there is none."""
    file = settings.root / "adopted" / f"{sync.name}_duplicates.csv"
    file.unlink(missing_ok=True)
    if not con.execute(f"select 1 from ({REPEATED}) limit 1").fetchall():
        return None
    file.parent.mkdir(parents=True, exist_ok=True)
    con.execute(
        f"copy (select {_SAFE_KEY} as key, * exclude (key) from ({REPEATED}) order by 1) to '{file}' "
        "(format csv, header)"
    )
    return file

"""Lands one system: what its module offers is judged and written as one atomic load of Parquet files.

How files and APIs are read belongs in the source modules; whether a batch as a whole is sound, not here.
"""

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from data_contracts.contract import Contract, ContractError, load
from data_contracts.landed import BATCHES, QUARANTINE_SUFFIX
from ingestion import compaction, layout, pipeline
from ingestion.batch import RawBatch, SourceError
from ingestion.discover import discover
from ingestion.files import dropped_at
from ingestion.split import split
from ingestion.tally import Tally

# Records judged in one statement: many small files together, a large file in parts.
_GROUP_BYTES = 48 << 20


@dataclass(frozen=True)
class Counts:
    """Records of one resource in one landing."""

    offered: int = 0
    landed: int = 0
    quarantined: int = 0


@dataclass(frozen=True)
class LandingReport:
    """What one landing did.

    `rejected` is every file that is refused now, also since earlier landings: file -> reason. `notes` says what was
    ignored in a file that landed. `load_ids` is empty when there was no news.
    """

    system: str
    resources: dict[str, Counts]
    rejected: dict[str, str]
    withdrawn: tuple[str, ...]
    notes: dict[str, str]
    load_ids: tuple[str, ...]
    seconds: float


def land(system: str, home: Path, *, drops: Path | None = None) -> LandingReport:
    """Land what is new at `system` into `home`; what a killed run left pending is finished first.

    Raises SourceError when the source cannot be read as a whole, ContractError when its contract is wrong; the last
    good landing stays in both cases. `drops` overrides `$TESSERA_DROPS`.
    """
    started = time.monotonic()
    home = home.resolve()
    contract = load(system)
    module = discover()[system]
    tally = Tally()

    def offered(state: dict[str, Any]) -> pipeline.Tables:
        with dropped_at(drops):
            yield from _judged(contract, module.batches(state), tally, state)

    with pipeline.alone(system, home) as opened:
        compaction.recover(home, system)
        layout.write_schemas(home, contract)
        finished = pipeline.finish_pending(opened)
        loads = pipeline.run(opened, contract, offered)
        compaction.compact(home, system)
    return LandingReport(
        system=system,
        resources={table.name: Counts(*tally.of(table.name)) for table in contract.tables},
        rejected=layout.rejected_files(home, system),
        withdrawn=tuple(tally.files("withdrawn")),
        notes={row["file"]: row["reason"] for row in tally.rows() if row["status"] == "landed" and row["reason"]},
        # The very first load of a system is dlt's own bookkeeping when there was nothing to land.
        load_ids=(*finished, *(loads if tally.rows() else ())),
        seconds=time.monotonic() - started,
    )


def _judged(contract: Contract, batches: Iterator[RawBatch], tally: Tally, state: dict[str, Any]) -> pipeline.Tables:
    """Typed, quarantined and, last, batch rows of everything offered."""
    received_at = _now(state)
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        for group in _groups(batches, tally, received_at):
            table, records = contract.table(group[0].resource), _stacked(group, tally, received_at)
            tally.count("offered", records)
            parts = split(con, table, records, group[0].header, received_at=received_at, version=contract.version)
            tally.count("landed", parts.typed)
            tally.count("quarantined", parts.quarantined)
            if parts.typed.num_rows:
                yield table.name, parts.typed
            if parts.quarantined.num_rows:
                yield table.name + QUARANTINE_SUFFIX, parts.quarantined
    if tally.rows():
        state["last_received_at"] = received_at.isoformat()
        yield "batches", pa.Table.from_pylist(tally.rows(), schema=layout.arrow_schema(BATCHES))


def _now(state: dict[str, Any]) -> datetime:
    """Now, or just after the last landing where the clock went back: batches must sort by time."""
    now = datetime.now(UTC).replace(tzinfo=None)
    last = state.get("last_received_at")
    return max(now, datetime.fromisoformat(last) + timedelta(microseconds=1)) if last else now


def _groups(batches: Iterator[RawBatch], tally: Tally, received_at: datetime) -> Iterator[list[RawBatch]]:
    """Neighbours of the same resource and header, together as many as one statement should judge."""
    group: list[RawBatch] = []
    size = 0
    for batch in batches:
        tally.add(batch, received_at)
        if not batch.records.num_rows:
            continue
        if group and (size > _GROUP_BYTES or (group[0].resource, group[0].header) != (batch.resource, batch.header)):
            yield group
            group, size = [], 0
        group.append(batch)
        size += batch.records.nbytes
    if group:
        yield group


def _stacked(group: list[RawBatch], tally: Tally, received_at: datetime) -> pa.Table:
    """The records of several batches as one table, each with `_file` and `_batch_id`."""
    tables = []
    for batch in group:
        name = tally.add(batch, received_at)
        records = batch.records
        if not batch.file:
            records = _numbered(records, tally.numbered(name, records.num_rows))
        for column, value in (("_file", batch.file), ("_batch_id", name)):
            records = records.append_column(column, pa.repeat(pa.scalar(value), records.num_rows).dictionary_encode())
        tables.append(records)
    return pa.concat_tables(tables).unify_dictionaries()


def _numbered(records: pa.Table, start: int) -> pa.Table:
    """Pages of an API have no lines: number their records through, so that batch and line name one record."""
    numbers = pa.array(range(start, start + records.num_rows), pa.int64())
    return records.set_column(records.schema.get_field_index("line"), "line", numbers)


def main(system: str) -> None:
    """Land one system from the command line: `python -m ingestion.pos.receipts`."""
    try:
        report = land(system, Path(os.environ.get("TESSERA_HOME") or ".tessera"))
    except (SourceError, ContractError) as error:
        sys.exit(str(error))
    for name, counts in report.resources.items():
        sys.stdout.write(f"{system}.{name}: {counts.landed} landed, {counts.quarantined} in quarantine\n")
    for file, reason in report.rejected.items():
        sys.stdout.write(f"{system}: {file} refused: {reason}\n")

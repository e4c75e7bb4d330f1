"""The rows that broke their contract: what they are, and judging them again once the contract is corrected.

Judging itself belongs in `split`. A replayed row lands with the batch and line it came with, and is named in the
landed table `replays`, in the same load: so it counts once, and a second replay lands nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.contract import Contract, Table, load, readable
from data_contracts.landed import QUARANTINE_SUFFIX, REPLAYS, typed_columns
from ingestion import compaction, layout, pipeline
from ingestion.files import check_columns, csv_header
from ingestion.records import UnreadableFileError
from ingestion.split import split


@dataclass(frozen=True)
class QuarantinedRows:
    """Rows of one file that broke the same rule. `line` is the first of them."""

    system: str
    resource: str
    file: str
    line: int
    reason: str
    count: int


@dataclass(frozen=True)
class ReplayReport:
    """What a replay did, by resource: (rows that landed, rows that still break the contract)."""

    system: str
    resources: dict[str, tuple[int, int]]

    @property
    def landed(self) -> int:
        return sum(landed for landed, _ in self.resources.values())

    @property
    def kept(self) -> int:
        return sum(kept for _, kept in self.resources.values())


def waiting(home: Path, system: str, resource: str) -> str:
    """SQL of the quarantined rows of current batches that have not landed since, to stand after `from`."""
    return f"""(
        select quarantined.* from {layout.complete(home, system, resource + QUARANTINE_SUFFIX)} as quarantined
        where quarantined._batch_id in (select batch_id from {layout.current_batches(home, system)} as batches)
        and (quarantined._batch_id, quarantined._line) not in (
            select (batch_id, line) from {layout.complete(home, system, "replays")} as replays
            where resource = '{resource}'
        )
    )"""


def taken_back(home: Path, system: str, resource: str) -> str:
    """SQL of the quarantined rows of files that were refused because of them, to stand after `from`."""
    batches = layout.complete(home, system, "batches")
    return f"""(
        select quarantined.* from {layout.complete(home, system, resource + QUARANTINE_SUFFIX)} as quarantined
        where quarantined._batch_id in (
            select batch_id from (
                select * from {batches} as batches
                qualify row_number() over (partition by resource, file order by received_at desc) = 1
            ) as newest where status = 'rejected'
        )
    )"""


def list_rows(home: Path, system: str | None = None) -> list[QuarantinedRows]:
    """What waits in quarantine, by system, resource, file and reason; also what made a whole file be refused.

    Without `system`, one whose contract cannot be read is passed over.
    """
    found = []
    with duckdb.connect() as con:
        for contract in [load(system)] if system else readable()[0]:
            if not layout.folder(home, contract.system).is_dir():
                continue
            layout.write_schemas(home, contract)
            for table in contract.tables:
                place = (home, contract.system, table.name)
                rows = con.execute(
                    f"select _file, min(_line), _reason, count(*) from (from {waiting(*place)} as waiting union all "
                    f"from {taken_back(*place)} as taken_back) as rows group by 1, 3 order by 1, 2"
                ).fetchall()
                found += [
                    QuarantinedRows(contract.system, table.name, file, line, reason, count)
                    for file, line, reason, count in rows
                ]
    return found


def replay(home: Path, system: str, resource: str | None = None) -> ReplayReport:
    """Judge what waits by the contract as it is now; what passes lands once, the rest stays where it is.

    Raises ContractError for a resource the contract does not have.
    """
    home = home.resolve()
    contract = load(system)
    tables = (contract.table(resource),) if resource else contract.tables
    counts: dict[str, tuple[int, int]] = {}

    def offered(_: dict) -> pipeline.Tables:
        with duckdb.connect() as con:
            con.execute("set TimeZone = 'UTC'")
            for table in tables:
                passed = kept = 0
                for typed, count in _judged_again(con, home, contract, table):
                    passed, kept = passed + typed.num_rows, kept + count - typed.num_rows
                    if typed.num_rows:
                        yield table.name, typed
                        yield "replays", _marks(table, typed)
                counts[table.name] = (passed, kept)

    with pipeline.alone(system, home) as opened:
        compaction.recover(home, system)
        layout.write_schemas(home, contract)
        pipeline.finish_pending(opened)
        pipeline.run(opened, contract, offered)
    return ReplayReport(system, counts)


def _judged_again(
    con: duckdb.DuckDBPyConnection, home: Path, contract: Contract, table: Table
) -> Iterator[tuple[pa.Table, int]]:
    """Typed rows and number of rows judged, for each header and moment of receipt: they share one statement."""
    rows = con.sql(
        f"""
        select cast(w._raw as blob) as raw, w._line as line, w._file, w._batch_id, w._received_at, b.header
        from {waiting(home, contract.system, table.name)} as w
        join {layout.complete(home, contract.system, "batches")} as b on b.batch_id = w._batch_id
        """
    ).to_arrow_table()
    rows = rows.set_column(0, "raw", rows.column("raw").cast(pa.large_binary()))
    for group in rows.group_by(["header", "_received_at"]).aggregate([]).to_pylist():
        same_moment = pc.equal(rows.column("_received_at"), group["_received_at"])
        alike = rows.filter(pc.and_(_same(rows.column("header"), group["header"]), same_moment))
        alike = alike.drop_columns(["header", "_received_at"])
        try:
            header = None if group["header"] is None else csv_header(group["header"].encode(table.encoding), table)
            if header is not None:
                check_columns(header, [column.path for column in table.columns])
        except UnreadableFileError:
            # The contract now asks for a column the file never had: its rows go on waiting.
            yield _none(table), alike.num_rows
            continue
        parts = split(con, table, alike, header, received_at=group["_received_at"], version=contract.version)
        yield parts.typed, alike.num_rows


def _same(column: pa.ChunkedArray, value: str | None) -> pa.ChunkedArray:
    return pc.is_null(column) if value is None else pc.fill_null(pc.equal(column, value), False)


def _none(table: Table) -> pa.Table:
    return layout.arrow_schema(typed_columns(table)).empty_table()


def _marks(table: Table, typed: pa.Table) -> pa.Table:
    now = pa.scalar(datetime.now(UTC).replace(tzinfo=None), pa.timestamp("us"))
    columns = [
        pa.repeat(pa.scalar(table.name), typed.num_rows),
        typed.column("_batch_id"),
        typed.column("_line"),
        pa.repeat(now, typed.num_rows),
    ]
    return pa.table(columns, schema=layout.arrow_schema(REPLAYS))

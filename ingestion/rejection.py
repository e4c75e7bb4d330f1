"""Takes back the files of a load that turned out unsound as a whole: readers fall back to the version before.

Deciding that a load is unsound does not belong here.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from data_contracts.contract import load
from data_contracts.landed import BATCHES
from ingestion import layout, pipeline
from ingestion.rules import literal


def reject(home: Path, system: str, resource: str, load_id: str, reason: str) -> tuple[str, ...]:
    """Reject the files of `resource` that one load landed; returns their names, none at the second call.

    They are tried again when the file or the contract changes. Pages of an API are never taken back: their cursor has
    moved on, and nothing would bring them again.
    """
    home = home.resolve()
    contract = load(system)
    marks: list[dict[str, Any]] = []

    def offered(state: dict[str, Any]) -> pipeline.Tables:
        marks.extend(_marks(home, system, resource, load_id, reason))
        for mark in marks:
            state["files"][mark["file"]][3] = contract.fingerprint
        if marks:
            yield "batches", pa.Table.from_pylist(marks, schema=layout.arrow_schema(BATCHES))

    with pipeline.alone(system, home) as opened:
        pipeline.finish_pending(opened)
        pipeline.run(opened, contract, offered)
    return tuple(mark["file"] for mark in marks)


def _marks(home: Path, system: str, resource: str, load_id: str, reason: str) -> list[dict[str, Any]]:
    with duckdb.connect() as con:
        rows = con.sql(
            f"select * from {layout.current_batches(home, system)} as batches where resource = {literal(resource)} "
            f"and _dlt_load_id = {literal(load_id)} and status = 'landed' and file <> ''"
        ).to_arrow_table()
    now = datetime.now(UTC).replace(tzinfo=None)
    refused = {"status": "rejected", "reason": reason, "offered": 0, "landed": 0, "quarantined": 0, "received_at": now}
    return [row | refused for row in rows.to_pylist()]

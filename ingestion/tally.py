"""Counts what a landing was offered and what became of it, file by file.

Deciding what becomes of a record does not belong here.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ingestion.batch import RawBatch
from ingestion.files import csv_line


def batch_id(batch: RawBatch, received_at: datetime) -> str:
    """Unique for each landing of a file, equal for all parts of it; sorts by time."""
    name = "\0".join((batch.resource, batch.file, batch.fingerprint, batch.status))
    return f"{received_at:%Y%m%dT%H%M%S%f}-{hashlib.sha256(name.encode()).hexdigest()[:10]}"


class Tally:
    """One entry per batch of a landing, in the order they came."""

    def __init__(self) -> None:
        self._batches: dict[str, dict[str, Any]] = {}
        self._numbers: Counter[str] = Counter()

    def add(self, batch: RawBatch, received_at: datetime) -> str:
        """Note a batch, or one more part of it; returns its id."""
        name = batch_id(batch, received_at)
        self._batches.setdefault(
            name,
            {
                "resource": batch.resource,
                "file": batch.file,
                "batch_id": name,
                "status": batch.status,
                "reason": batch.reason,
                "offered": 0,
                "landed": 0,
                "quarantined": 0,
                "fingerprint": batch.fingerprint,
                "received_at": received_at,
                "header": None if batch.header is None else csv_line(batch.header),
            },
        )
        return name

    def numbered(self, name: str, count: int) -> int:
        """The first of `count` fresh record numbers in a batch, from 1."""
        self._numbers[name] += count
        return self._numbers[name] - count + 1

    def count(self, what: str, table: pa.Table) -> None:
        """Add the rows of `table` (with `_batch_id`) to 'offered', 'landed' or 'quarantined' of their batches."""
        for entry in pc.value_counts(table.column("_batch_id").combine_chunks()).to_pylist():
            self._batches[entry["values"]][what] += entry["counts"]

    def rows(self) -> list[dict[str, Any]]:
        """The batches as `landed.BATCHES` has them."""
        return list(self._batches.values())

    def files(self, status: str) -> Iterator[str]:
        return (entry["file"] for entry in self.rows() if entry["status"] == status)

    def of(self, resource: str) -> tuple[int, int, int]:
        """Offered, landed and quarantined records of a resource."""
        total: Counter[str] = Counter()
        for entry in self.rows():
            if entry["resource"] == resource:
                total.update({what: entry[what] for what in ("offered", "landed", "quarantined")})
        return total["offered"], total["landed"], total["quarantined"]

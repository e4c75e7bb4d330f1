"""What a source hands over: the raw records of one file or one set of API pages, not yet judged.

Reading files (`files`), judging records (`split`) and landing them (`landing`) do not belong here.
"""

from dataclasses import dataclass

import pyarrow as pa

RECORDS = pa.schema([("raw", pa.large_binary()), ("line", pa.int64())])


class SourceError(RuntimeError):
    """A whole source cannot be read now: wrong token, no such folder. Names the system and what to do."""

    def __init__(self, system: str, message: str) -> None:
        super().__init__(f"{system}: {message}")
        self.system = system


class NotConnectedError(SourceError):
    """The environment says nothing of a system, neither where it is nor how to enter: it may not be in use here."""


@dataclass(frozen=True)
class RawBatch:
    """Records of one file, or of pages of an API (`file` and `fingerprint` are then '').

    A large file, or an API of many pages, may come as several of these with the same `resource`, `file` and
    `fingerprint`: they land as one batch. `status` 'withdrawn' or 'rejected' carries no records, only a `reason`.
    """

    resource: str
    file: str
    fingerprint: str
    records: pa.Table
    header: tuple[str, ...] | None = None
    status: str = "landed"
    reason: str | None = None

    @classmethod
    def without_records(cls, resource: str, file: str, status: str, reason: str | None = None) -> "RawBatch":
        """A file that vanished ('withdrawn') or of which nothing can land ('rejected')."""
        return cls(resource, file, "", RECORDS.empty_table(), status=status, reason=reason)

"""Reads a file drop, `<drops>/<system>/<folder>/<resource>.<csv|ndjson|parquet>[.gz]`: what is new, and its records.

A source that drops files is three lines on top of `batches`. Judging records does not belong here.
"""

import csv
import difflib
import hashlib
import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from data_contracts.contract import Contract, Table, load
from ingestion.batch import RECORDS, NotConnectedError, RawBatch, SourceError
from ingestion.records import UnreadableFileError, lines, parquet_columns, parquet_rows

KINDS = ("csv", "ndjson", "parquet")
_folder: ContextVar[Path | None] = ContextVar("drop_folder", default=None)


@dataclass(frozen=True)
class Drop:
    """One dropped file: `name` is its path below the system's folder."""

    name: str
    path: Path
    size: int
    modified: int
    problem: str | None = None

    @property
    def resource(self) -> str:
        return resource_of(self.name)

    @property
    def kind(self) -> str:
        return self.path.name.lower().removesuffix(".gz").rpartition(".")[2]


@contextmanager
def dropped_at(folder: Path | None) -> Iterator[None]:
    """Within it, files are looked for below `folder` instead of `$TESSERA_DROPS`."""
    token = _folder.set(folder)
    try:
        yield
    finally:
        _folder.reset(token)


def drop_folder() -> Path:
    """Where files are dropped: `dropped_at`, `$TESSERA_DROPS`, or `drops` in `$TESSERA_HOME`."""
    home = Path(os.environ.get("TESSERA_HOME") or ".tessera")
    return (_folder.get() or Path(os.environ.get("TESSERA_DROPS") or home / "drops")).expanduser().resolve()


def batches(system: str, state: dict[str, Any]) -> Iterator[RawBatch]:
    """New, changed and vanished files of `system`, by resource and name.

    `state['files']` maps each known file to [size, mtime, content hash, contract that refused it or ''].
    Raises SourceError when the folder cannot be read, or when all the files known are gone at once, NotConnectedError
    when there never was one.
    """
    contract = load(system)
    known = state.get("files", {})
    drops = _walk(system, known)
    touched, has_news = {}, False
    for drop in sorted(drops, key=lambda drop: (drop.resource, drop.name)):
        before = known.get(drop.name)
        # What an older contract refused may pass now; what landed does not land again because a contract changed.
        is_settled = before is not None and before[3] in ("", contract.fingerprint)
        if is_settled and before[:2] == [drop.size, drop.modified]:
            continue
        fingerprint = _fingerprint(system, drop)
        if is_settled and before[2] == fingerprint:
            touched[drop.name] = [drop.size, drop.modified, *before[2:]]
            continue
        is_refused = yield from _read(contract, drop, fingerprint)
        known[drop.name] = [drop.size, drop.modified, fingerprint, contract.fingerprint if is_refused else ""]
        has_news = True
    for name in sorted(known.keys() - {drop.name for drop in drops}):
        yield RawBatch.without_records(resource_of(name), name, "withdrawn", "the file is gone")
        del known[name]
        has_news = True
    # A mere touch is remembered when something else lands: alone it must not cause a load.
    if has_news:
        state["files"] = known | touched


def _read(contract: Contract, drop: Drop, fingerprint: str) -> Iterator[RawBatch]:
    """The batches of one file; returns whether it was rejected."""
    count = 0
    try:
        header, chunks, note = _opened(contract, drop)
        for chunk in chunks:
            count += 1
            yield RawBatch(drop.resource, drop.name, fingerprint, chunk, header, reason=note)
        if not count:
            yield RawBatch(drop.resource, drop.name, fingerprint, RECORDS.empty_table(), header, reason=note)
    except UnreadableFileError as error:
        yield RawBatch.without_records(drop.resource, drop.name, "rejected", str(error))
        return True
    except OSError as error:
        raise _unlistable(contract.system, drop.path, error) from None
    return False


def _opened(contract: Contract, drop: Drop) -> tuple[tuple[str, ...] | None, Iterator[pa.Table], str | None]:
    """Header (of a CSV), records and a note about what is ignored; raises UnreadableFileError."""
    if drop.problem:
        raise UnreadableFileError(drop.problem)
    names = [table.name for table in contract.tables]
    if drop.resource not in names:
        raise UnreadableFileError(
            f"the contract of {contract.system} has no table {drop.resource!r}{_nearest(drop.resource, names)}; "
            "rename the file or add the table"
        )
    if drop.kind not in KINDS:
        raise UnreadableFileError(f"unknown kind of file {drop.kind!r}; deliver {', '.join(KINDS)}, or one of them .gz")
    table = contract.table(drop.resource)
    if drop.kind == "ndjson":
        return None, lines(drop.path, quoted=False), None
    if drop.kind == "parquet":
        received = [column.path.split(".")[0] for column in table.columns]
        return None, parquet_rows(drop.path), check_columns(parquet_columns(drop.path), received)
    chunks = lines(drop.path, quoted=True)
    first = next(chunks, None)
    if first is None:
        raise UnreadableFileError("empty, not even a header line; deliver it again, or delete it")
    header = csv_header(first.column("raw")[0].as_py(), table)
    note = check_columns(header, [column.path for column in table.columns])
    return header, chain([first.slice(1)], chunks), note


def csv_header(line: bytes, table: Table) -> tuple[str, ...]:
    """The column names in the first line of a CSV file; raises UnreadableFileError."""
    try:
        text = line.decode(table.encoding)
    except UnicodeDecodeError:
        raise UnreadableFileError(
            f"the header line is not {table.encoding}; set the custom property encoding of {table.name} in the contract"
        ) from None
    if "," not in text and (other := next((mark for mark in ";\t|" if mark in text), None)):
        raise UnreadableFileError(f"fields are separated by {other!r}; deliver it separated by commas")
    return tuple(name.strip() for name in next(csv.reader([text])))


def csv_line(names: Sequence[str]) -> str:
    """The column names as a header line, which `csv_header` reads."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(names)
    return out.getvalue()


def check_columns(found: Sequence[str], expected: Sequence[str]) -> str | None:
    """A note about columns that are ignored; raises UnreadableFileError when one is missing or there twice."""
    missing = [name for name in dict.fromkeys(expected) if name not in found]
    extra = [name for name in found if name not in expected]
    twice = sorted({name for name in found if list(found).count(name) > 1})
    if missing or twice:
        parts = [f"missing {name!r}{_nearest(name, extra)}" for name in missing] + [f"{name!r} twice" for name in twice]
        unknown = f"; not in the contract: {', '.join(map(repr, extra))}" if extra else ""
        raise UnreadableFileError(
            f"wrong columns: {', '.join(parts)}{unknown}; deliver it again with every column of the contract (those "
            "not required may be empty), or correct physicalName in the contract"
        )
    return f"columns ignored, not in the contract: {', '.join(extra)}" if extra else None


def resource_of(name: str) -> str:
    """The resource a file is named after: `2017-03-05/payments.csv.gz` -> `payments`."""
    return name.rpartition("/")[2].split(".")[0]


def _walk(system: str, known: dict[str, Any]) -> list[Drop]:
    root = drop_folder() / system
    if not root.is_dir():
        if known:
            raise SourceError(system, f"{root} is gone, {len(known)} files landed from it; bring it back and run again")
        raise NotConnectedError(system, f"not connected: drop files as {root}/<day>/<table>.<format> to land them")
    drops = list(_scan(system, root, root))
    # One file may be withdrawn; all of them at once is a disk that is not mounted.
    if not drops and len(known) > 1:
        raise SourceError(
            system, f"all {len(known)} files are gone from {root}; bring them back, or leave one to withdraw the others"
        )
    return drops


def _scan(system: str, root: Path, folder: Path) -> Iterator[Drop]:
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise _unlistable(system, folder, error) from None
    for entry in entries:
        # Half-written files and markers of other tools.
        if entry.name.startswith((".", "_")) or entry.name.endswith((".tmp", ".part")):
            continue
        path = Path(entry.path)
        name = path.relative_to(root).as_posix()
        if entry.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
            yield Drop(name, path, 0, 0, "a link that leads out of the drop folder; copy the file itself")
        elif entry.is_dir():
            yield from _scan(system, root, path)
        else:
            found = entry.stat()
            yield Drop(name, path, found.st_size, found.st_mtime_ns)


def _fingerprint(system: str, drop: Drop) -> str:
    if drop.problem:
        return ""
    try:
        with drop.path.open("rb") as stream:
            return hashlib.file_digest(stream, partial(hashlib.blake2b, digest_size=12)).hexdigest()
    except OSError as error:
        raise _unlistable(system, drop.path, error) from None


def _unlistable(system: str, path: Path, error: OSError) -> SourceError:
    return SourceError(system, f"cannot read {path}: {error.strerror}; give this user the right to read it")


def _nearest(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f" (is it {near[0]!r}?)" if near else ""

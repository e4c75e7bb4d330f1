"""Cuts files into records (bytes and line number) without touching lines one by one.

Which files to read is decided in `files`; whether a record is any good in `split`.
"""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import duckdb
import numpy as np
import pyarrow as pa

from ingestion.batch import RECORDS

CHUNK_BYTES = 32 << 20
# A quote that stays open for longer than this is a broken line, not a long text.
MAX_LINES_A_RECORD = 50
_NEWLINE, _RETURN, _QUOTE = 10, 13, 34
_BOM = b"\xef\xbb\xbf"


class UnreadableFileError(ValueError):
    """Nothing of a file can be used; says what is wrong with it and what to do."""


def lines(path: Path, *, quoted: bool) -> Iterator[pa.Table]:
    """Records of a text file in chunks (raw without its line end, line from 1); blank lines are left out.

    With `quoted`, a line end inside double quotes belongs to the record. Raises UnreadableFileError before the first
    chunk when the file is a broken archive.
    """
    if path.suffix == ".gz":
        _verify_gzip(path)
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
        yield from cut(stream, quoted=quoted)


def _verify_gzip(path: Path) -> None:
    try:
        with gzip.open(path) as stream:
            while stream.read(CHUNK_BYTES):
                pass
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFileError(f"not a whole gzip file ({error}); deliver it again") from None


def cut(stream: BinaryIO, *, quoted: bool) -> Iterator[pa.Table]:
    """Records of a stream of lines, as `lines` gives those of a file."""
    rest, line, first = b"", 1, True
    while True:
        read = stream.read(CHUNK_BYTES)
        data = rest + read
        if first:
            data, first = data.removeprefix(_BOM), False
        if not data:
            return
        ends, steps = _record_ends(data, quoted, last=not read)
        if len(ends):
            yield _table(data, ends, line + np.concatenate([[0], steps[:-1]]))
            line += int(steps[-1])
        rest = data[int(ends[-1]) + 1 :] if len(ends) else data
        if not read:
            return


def _record_ends(data: bytes, quoted: bool, *, last: bool) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the newlines that end a record, and how many lines lie before the next record."""
    view = np.frombuffer(data, "uint8")
    ends = np.flatnonzero(view == _NEWLINE)
    if last and data[-1] != _NEWLINE:
        ends = np.append(ends, len(data))
    steps = np.arange(1, len(ends) + 1)
    if quoted and b'"' in data:
        whole = _outside_quotes(np.flatnonzero(view == _QUOTE), ends, last)
        ends, steps = ends[whole], steps[whole]
    return ends, steps


def _outside_quotes(quotes: np.ndarray, ends: np.ndarray, last: bool) -> np.ndarray:
    """Which line ends also end a record: a line with an odd number of quotes is joined up to the next such line."""
    counts = np.diff(np.concatenate([[0], np.searchsorted(quotes, ends)]))
    odd = np.flatnonzero(counts % 2)
    whole = np.ones(len(ends), dtype=bool)
    place = 0
    while place < len(odd):
        begin = odd[place]
        close = odd[place + 1] if place + 1 < len(odd) else None
        if close is not None and close - begin < MAX_LINES_A_RECORD:
            whole[begin:close] = False
            place += 2
        elif close is None and not last and len(ends) - begin < MAX_LINES_A_RECORD:
            whole[begin:] = False  # the rest of the record is in the next chunk
            place += 1
        else:
            place += 1
    return whole


def _table(data: bytes, ends: np.ndarray, numbers: np.ndarray) -> pa.Table:
    size = min(int(ends[-1]) + 1, len(data))
    view = np.frombuffer(data, "uint8")[:size]
    removed = ends[ends < size]
    if b"\r" in data:
        before = removed[removed > 0] - 1
        removed = np.union1d(removed, before[view[before] == _RETURN])
    keep = np.ones(size, dtype=bool)
    keep[removed] = False
    after = np.minimum(ends + 1, size)
    bounds = np.concatenate([[0], after - np.searchsorted(removed, after)])
    filled = np.diff(bounds) > 0
    return _contiguous(view[keep], np.concatenate([[0], bounds[1:][filled]]), numbers[filled])


def _contiguous(content: np.ndarray, bounds: np.ndarray, numbers: np.ndarray) -> pa.Table:
    raw = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(numbers), [None, pa.py_buffer(bounds.astype("int64")), pa.py_buffer(content)]
    )
    return pa.table([raw, pa.array(numbers.astype("int64"))], schema=RECORDS)


def parquet_columns(path: Path) -> tuple[str, ...]:
    """Column names of a Parquet file; raises UnreadableFileError when it is not one."""
    with duckdb.connect() as con:
        try:
            found = con.execute("select name from parquet_schema(?) where num_children is null", [str(path)]).fetchall()
            con.execute("select 1 from read_parquet(?) limit 0", [str(path)])
        except duckdb.Error as error:
            raise _unreadable(error) from None
    return tuple(name for (name,) in found)


def parquet_rows(path: Path) -> Iterator[pa.Table]:
    """Rows of a Parquet file as JSON records; raises UnreadableFileError before the first chunk when one is damaged."""
    with duckdb.connect() as con:
        try:
            # A copy, so that a damaged page deep in the file is found before anything of it lands.
            con.execute("create temp table received as select * from read_parquet(?)", [str(path)])
        except duckdb.Error as error:
            raise _unreadable(error) from None
        rows = con.sql("select encode(cast(to_json(received) as varchar)) as raw, rowid + 1 as line from received")
        for batch in rows.to_arrow_reader(100_000):
            yield pa.Table.from_batches([batch]).cast(RECORDS)


def _unreadable(error: duckdb.Error) -> UnreadableFileError:
    first = str(error).splitlines()[0]
    return UnreadableFileError(f"not a whole Parquet file ({first}); deliver it again")

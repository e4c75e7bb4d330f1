"""A Parquet or CSV file of strangers as a table in DuckDB, values as they are; what they mean is the reader's matter.

Columns are called c0, c1, ... inside: the names of strangers may be anything, also twice.
"""

import codecs
import csv
import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.errors import TesseraError

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_CHARACTERS = 200_000
_CHUNK_BYTES = 1 << 20
# What systems write for "nothing"; `Null` in mixed case is a family name.
_MISSING = (
    "NULL", "null", "(null)", "N/A", "n/a", "#N/A", "NaN", "nan", "<NA>", "None", "none", "NONE", "\\N", "-", "--", "?",
    ".",
)  # fmt: skip

_INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad"


class TableError(TesseraError):
    """A table that cannot be read or used; names the file and, where there is one, row and field."""


@dataclass(frozen=True)
class Column:
    """One column of the file: its name there, and its name and type in DuckDB."""

    name: str
    at: str
    kind: str

    def text(self) -> str:
        """Its value as trimmed text, null when nothing is said, as SQL."""
        value = self.at
        if self.kind in ("DOUBLE", "FLOAT"):
            # Tools without a null integer write 55501234.0 for a phone.
            is_whole = f"abs({value}) < 1e18 and {value} = trunc({value})"
            value = f"case when {is_whole} then {value}::hugeint::varchar else {value}::varchar end"
        value = f"{value}::varchar"
        missing = ", ".join(f"'{word}'" for word in _MISSING)
        # Looking at short values and at non-ASCII ones only is ten times quicker on a million rows.
        visible = (
            f"case when strlen({value}) <> length({value}) then translate({value}, '{_INVISIBLE}', '') else {value} end"
        )
        said = f"strlen({value}) > 9 or {value} not in ({missing})"
        return f"case when {said} then nullif(trim({visible}, ' \t\r\n\u00a0'), '') end"


def read_table(con: duckdb.DuckDBPyConnection, path: Path, table: str, scratch: Path) -> list[Column]:
    """Make `table` (row_no from 1 in the order of the file, c0, c1, ...) and return what the columns are.

    `scratch` is a folder for a file in another encoding than UTF-8, which is written anew before it is read.
    """
    if not path.is_file():
        raise TableError(f"{path}: there is no such file")
    if path.stat().st_size == 0:
        raise TableError(f"{path}: the file is empty; it needs a line of column names, or be Parquet")
    read = _read_parquet if _is_parquet(path) else _read_csv
    columns = read(con, path, table, scratch)
    if not con.execute(f"select count(*) from {table}").fetchall()[0][0]:
        raise TableError(f"{path}: there are column names but no rows")
    return columns


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def _read_parquet(con: duckdb.DuckDBPyConnection, path: Path, table: str, scratch: Path) -> list[Column]:
    try:
        described = con.execute("describe select * from read_parquet(?)", [str(path)]).fetchall()
        columns = [Column(name, f"c{i}", kind) for i, (name, kind, *_) in enumerate(described)]
        renamed = ", ".join(f'"{c.name.replace(chr(34), chr(34) * 2)}" as {c.at}' for c in columns)
        con.execute(
            f"create or replace table {table} as select row_number() over () as row_no, {renamed} from read_parquet(?)",
            [str(path)],
        )
    except duckdb.Error as error:
        raise TableError(f"{path}: it begins like Parquet but cannot be read: {_first_line(error)}") from error
    return columns


def _read_csv(con: duckdb.DuckDBPyConnection, path: Path, table: str, scratch: Path) -> list[Column]:
    source = _as_utf8(path, scratch)
    with source.open(encoding="utf-8-sig", newline="") as file:
        sample = file.read(_SAMPLE_CHARACTERS)
    if "\0" in sample:
        raise TableError(f"{path}: neither Parquet nor text; give a Parquet or a CSV file")
    delimiter = _delimiter(sample)
    header = next(_rows(sample, delimiter), [])
    names = _header(path, header)
    columns = [Column(name, f"c{i}", "VARCHAR") for i, name in enumerate(names)]
    types = ", ".join(f"'{column.at}': 'VARCHAR'" for column in columns)
    skipped = len(sample) - len(sample.lstrip("\r\n"))
    try:
        con.execute(
            f"create or replace table {table} as select row_number() over () as row_no, * from read_csv(?, "
            f"auto_detect = false, columns = {{{types}}}, delim = ?, quote = '\"', escape = '\"', header = true, "
            f"skip = {sample[:skipped].count(chr(10))}, strict_mode = true, max_line_size = 10000000)",
            [str(source), delimiter],
        )
    except duckdb.Error as error:
        raise _explained(path, error, names) from error
    return columns


def _as_utf8(path: Path, scratch: Path) -> Path:
    """The file itself when it is UTF-8, else a copy that is: UTF-16 by its mark, else Windows' Latin-1."""
    encoding = _encoding(path)
    if encoding == "utf-8" and path.suffix != ".gz":
        return path
    copy = scratch / "input.csv"
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    with copy.open("w", encoding="utf-8", newline="") as out:
        for chunk in _chunks(path):
            out.write(decoder.decode(chunk))
        out.write(decoder.decode(b"", final=True))
    return copy


def _encoding(path: Path) -> str:
    start = next(_chunks(path), b"")
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in _chunks(path):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _chunks(path: Path) -> Iterator[bytes]:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


def _rows(sample: str, delimiter: str) -> Iterator[list[str]]:
    return (row for row in csv.reader(sample.splitlines(keepends=True), delimiter=delimiter) if row)


def _delimiter(sample: str) -> str:
    """The one that parts most rows into as many fields as the header, more than one where possible."""

    def fit(delimiter: str) -> tuple[float, int]:
        try:
            lengths = [len(row) for row in _rows(sample, delimiter)][:200]
        except csv.Error:
            return (0.0, 0)
        if not lengths or lengths[0] == 1:
            return (0.0, 0)
        return (round(lengths.count(lengths[0]) / len(lengths), 1), lengths[0])

    return max(_DELIMITERS, key=fit)


def _header(path: Path, header: list[str]) -> list[str]:
    """Column names of the first row; a nameless column gets its number, a name used again too."""
    cells = [cell.strip() for cell in header]
    if any(re.fullmatch(r"[^@\s]+@[^@\s]+\.\w+|\d[\d ./:-]{5,}", cell) for cell in cells):
        raise TableError(
            f"{path}, row 1: '{', '.join(cells)[:80]}' looks like values, not like column names; "
            "put a line of column names on top"
        )
    names: list[str] = []
    for place, cell in enumerate(cells, start=1):
        name = cell or f"column {place}"
        names.append(f"{name} ({place})" if name in names else name)
    return names


def _explained(path: Path, error: duckdb.Error, names: list[str]) -> TableError:
    """DuckDB's complaint about a line, in one sentence with file, row and field."""
    said = str(error)
    line = re.search(r"CSV Error on Line: (\d+)", said)
    where = f"{path}, line {line.group(1)}" if line else str(path)
    counts = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", said)
    if counts:
        expected, found = int(counts.group(1)), int(counts.group(2))
        field = f"nothing for '{names[found]}'" if found < expected else f"more after '{names[-1]}'"
        return TableError(
            f"{where}: {found} fields where the header names {expected} ({field}); "
            "quote values that contain the delimiter"
        )
    if "unterminated quote" in said:
        return TableError(f"{where}: a quote is opened and never closed")
    return TableError(f"{where}: {_first_line(error)}")


def _first_line(error: duckdb.Error) -> str:
    return str(error).strip().splitlines()[0]

"""What a model knows of a whole table besides probabilities: words, area codes and how common values are.

Learned once, with the model, so that what a record looks like when it is compared depends on that record and the model
alone. Temporary table `dictionary` (kind, key, share, text) in the caller's connection; kept as Parquet beside the
model, under a name that says its content.
"""

import hashlib
import os
import shutil
from pathlib import Path

import duckdb

# Shares are kept so: rounding makes the same dictionary on engines that add in another order.
_DIGITS = 12


def begin(con: duckdb.DuckDBPyConnection) -> None:
    """An empty table `dictionary`."""
    con.execute("create or replace temp table dictionary (kind varchar, key varchar, share double, text varchar)")


def learn(con: duckdb.DuckDBPyConnection, kind: str, query: str) -> None:
    """Add entries of a kind: the query gives key, or key and share, or key, share and text."""
    columns = [row[0] for row in con.execute(f"describe {query}").fetchall()]
    share = f"round({columns[1]}, {_DIGITS})" if len(columns) > 1 else "null"
    text = columns[2] if len(columns) > 2 else "null"
    con.execute(f"insert into dictionary select '{kind}', {columns[0]}, {share}, {text} from ({query})")


def entries(kind: str) -> str:
    """The entries of a kind as a relation (key, share, text)."""
    return f"(select key, share, text from dictionary where kind = '{kind}')"


def save(con: duckdb.DuckDBPyConnection, folder: Path) -> str:
    """Write the dictionary into the folder; returns the file's name, the same for the same content."""
    content = con.execute(
        "select cast(sum(hash(kind, key, cast(share as varchar), text)) as varchar), count(*) from dictionary"
    ).fetchall()[0]
    name = f"dictionary-{hashlib.md5(repr(content).encode()).hexdigest()[:12]}.parquet"
    unfinished = folder / f"{name}.tmp"
    con.execute(f"copy (from dictionary order by all) to '{unfinished}' (format parquet)")
    os.replace(unfinished, folder / name)
    return name


def load(con: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Table `dictionary` as it was saved."""
    con.execute(f"create or replace temp table dictionary as from read_parquet('{file}')")


def bring(name: str | None, source: Path, target: Path) -> None:
    """Copy a dictionary to another model's folder, where it is not there already."""
    if name and (source / name).exists() and not (target / name).exists():
        target.mkdir(parents=True, exist_ok=True)
        unfinished = target / f"{name}.tmp"
        shutil.copyfile(source / name, unfinished)
        os.replace(unfinished, target / name)

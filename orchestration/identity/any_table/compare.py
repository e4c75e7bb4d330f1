"""Where two partitions of the same records differ, and what the records of a difference have in common.

Nobody is right here: A is what there was, B what there is now. Scores against a truth are in `metrics`.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.identity.any_table import assignment, facts
from orchestration.identity.any_table.seeds import read_partition
from orchestration.warehouse import workspace
from orchestration.warehouse.files import TableError, read_table

# Columns of a record that an example shows at most.
_SHOWN_COLUMNS = 10
KINDS = ("merged", "split", "moved")


@dataclass(frozen=True)
class Example:
    """One difference: its kind, sizes in words, its records (A's and B's person first), and what they agree on."""

    kind: str
    count_a: int
    count_b: int
    columns: tuple[str, ...]
    records: tuple[tuple[Any, ...], ...]
    why: str


def compare(
    a: Path, b: Path, *, records: Path | None = None, columns: list[str] | None = None, examples: int = 5,
    listed: Path | None = None,
) -> tuple[dict[str, Any], list[Example]]:  # fmt: skip
    """Counts and pair agreement of two partitions, and examples of each kind of difference.

    `records` is the table that was linked: its values show and explain the examples. `listed` gets every record of
    every difference (kind, difference, record_id, person_id_a, person_id_b).
    """
    with workspace.opened() as (con, scratch):
        read_partition(con, a, "a", scratch)
        read_partition(con, b, "b", scratch)
        con.execute(
            "create table shared as select record_id, a.person_id as person_a, b.person_id as person_b "
            "from a inner join b using (record_id)"
        )
        counts = _counts(con)
        if not counts["records_in_both"]:
            raise TableError(f"{a} and {b} have no record_id in common: are they of the same table?")
        _make_differences(con)
        counts |= _kinds(con)
        shown = _read_records(con, records, columns or [], scratch) if records else []
        if listed:
            _write_list(con, listed)
        return counts, [example for kind in KINDS for example in _examples(con, kind, examples, shown)]


def _counts(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Records and people on each side, and pairs of records that are one person in A, in B, in both."""
    pairs = "coalesce(sum(n * (n - 1) / 2), 0)::bigint"
    in_a, in_b, in_both = (
        con.execute(f"select {pairs} from (select count(*) as n from shared group by {by})").fetchall()[0][0]
        for by in ("person_a", "person_b", "person_a, person_b")
    )
    both, people_a, people_b = con.execute(
        "select count(*), count(distinct person_a), count(distinct person_b) from shared"
    ).fetchall()[0]
    return {
        "records_in_both": both,
        "records_only_in_a": con.execute("select count(*) from a anti join b using (record_id)").fetchall()[0][0],
        "records_only_in_b": con.execute("select count(*) from b anti join a using (record_id)").fetchall()[0][0],
        "people_a": people_a,
        "people_b": people_b,
        "pairs_a": in_a,
        "pairs_b": in_b,
        "pairs_in_both": in_both,
        "share_of_a_kept": in_both / in_a if in_a else 1.0,
        "share_of_b_known": in_both / in_b if in_b else 1.0,
        "pair_agreement": 2 * in_both / (in_a + in_b) if in_a + in_b else 1.0,
    }


def _make_differences(con: duckdb.DuckDBPyConnection) -> None:
    """Table `differences` (record_id, person_a, person_b, difference, kind): people of A and B that hang together.

    `merged`: several of A are one of B; `split`: one of A is several of B; `moved`: several became several.
    """
    con.execute(
        "create table cells as select person_a, person_b, count(*) as n, "
        "count(*) over (partition by person_a) as parts_a, "
        "count(*) over (partition by person_b) as parts_b from shared group by person_a, person_b"
    )
    con.execute(
        "create temp table grouped as select person_a, person_b, person_a as difference from cells "
        "where parts_a > 1 or parts_b > 1"
    )
    while True:
        # The smallest person of A goes round, across people of B and back, until all that hang together have it.
        con.execute(
            "create or replace temp table further as select person_a, person_b, "
            "min(low) over (partition by person_b) as difference from (select *, min(difference) over "
            "(partition by person_a) as low from grouped)"
        )
        moved = con.execute(
            "select count(*) from grouped inner join further using (person_a, person_b) "
            "where grouped.difference <> further.difference"
        ).fetchall()[0][0]
        con.execute("create or replace temp table grouped as from further")
        if not moved:
            break
    con.execute(
        "create table differences as with sizes as (select difference, count(distinct person_a) as count_a, "
        "count(distinct person_b) as count_b from grouped group by difference) "
        "select record_id, person_a, person_b, difference, count_a, count_b, case when count_b = 1 then 'merged' "
        "when count_a = 1 then 'split' else 'moved' end as kind "
        "from shared inner join grouped using (person_a, person_b) inner join sizes using (difference)"
    )


def _kinds(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    rows = con.execute("select kind, count(distinct difference), count(*) from differences group by kind").fetchall()
    found = {kind: (count, records) for kind, count, records in rows}
    same = con.execute("select count(*) from cells where parts_a = 1 and parts_b = 1").fetchall()[0][0]
    counted = {kind: {"cases": found.get(kind, (0, 0))[0], "records": found.get(kind, (0, 0))[1]} for kind in KINDS}
    return {"people_the_same": same, **counted}


def _read_records(con: duckdb.DuckDBPyConnection, path: Path, said: list[str], scratch: Path) -> list[str]:
    """Table `shown` (record_id, v0, v1, ...) of the values worth showing; returns the names of the columns."""
    columns = read_table(con, path, "raw", scratch)
    texts = ", ".join(f"{column.text()} as {column.at}" for column in columns)
    con.execute(f"create table given as select row_no, {texts} from raw")
    guesses = assignment.overridden(
        assignment.guess_roles(columns, facts.column_facts(con, "given", "given", columns)), said, path
    )
    keys = assignment.assigned(guesses).get("record_id")
    key = f"trim(raw.{keys[0].at}::varchar)" if keys else "row_no::varchar"
    kept = [guess.column for guess in guesses if guess.role not in (None, "record_id", "source")][:_SHOWN_COLUMNS]
    values = ", ".join(f"given.{column.at} as v{place}" for place, column in enumerate(kept))
    con.execute(f"create table shown as select {key} as record_id, {values} from given inner join raw using (row_no)")
    known = con.execute("select count(*) from differences semi join shown using (record_id)").fetchall()[0][0]
    if not known and con.execute("select count(*) from differences").fetchall()[0][0]:
        name = keys[0].name if keys else "the row number"
        raise TableError(f"{path}: its record ids ('{name}') are not those of the partitions")
    return [column.name for column in kept]


def _examples(con: duckdb.DuckDBPyConnection, kind: str, limit: int, shown: list[str]) -> list[Example]:
    """Small differences first: they are the most usual ones and can be read."""
    chosen = con.execute(
        "select difference, any_value(count_a), any_value(count_b) from differences where kind = ? "
        "group by difference order by count(*), difference limit ?",
        [kind, limit],
    ).fetchall()
    values = "".join(f", v{place}" for place in range(len(shown)))
    join = "left join shown using (record_id)" if shown else ""
    found = []
    for difference, count_a, count_b in chosen:
        rows = con.execute(
            f"select person_a, person_b, record_id{values} from differences {join} where difference = ? "
            "order by person_a, person_b, record_id limit 20",
            [difference],
        ).fetchall()
        found.append(Example(kind, count_a, count_b, tuple(shown), tuple(rows), _why(kind, rows, shown)))
    return found


def _why(kind: str, rows: list[tuple[Any, ...]], shown: list[str]) -> str:
    """What the parts of a difference agree and differ in: the sides that one partition holds apart."""
    side = 1 if kind == "split" else 0
    parts: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        parts.setdefault(row[side], []).append(row[3:])
    agreed, differing, missing = [], [], []
    for place, name in enumerate(shown):
        values = [{_plain(row[place]) for row in part if row[place] is not None} for part in parts.values()]
        if not all(values):
            missing.append(name)
        else:
            (agreed if set.intersection(*values) else differing).append(name)
    told = [("agree on", agreed), ("differ in", differing), ("missing on one side", missing)]
    return "; ".join(f"{words} {', '.join(names)}" for words, names in told if names)


def _plain(value: str) -> str:
    return re.sub(r"\W+", "", value).casefold()


def _write_list(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    form = {".parquet": "format parquet", ".csv": "format csv, header true"}.get(path.suffix.lower())
    if not form:
        raise TableError(f"{path}: the list is Parquet or CSV; let its name end in .parquet or .csv")
    quoted = str(path).replace("'", "''")
    con.execute(
        "copy (select kind, dense_rank() over (order by kind, difference) as difference, record_id, "
        "person_a as person_id_a, person_b as person_id_b from differences order by all) "
        f"to '{quoted}' ({form})"
    )

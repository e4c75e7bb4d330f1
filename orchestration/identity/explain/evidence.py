"""What the model in use says of chosen pairs of records: weights by field, blocking keys they share, vetoes.

Pairs are weighed anew, by the engine's own SQL over all contacts. What was decided about them is not asked here.
"""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.errors import TesseraError
from orchestration.identity import comparisons, frequencies, link, records, scoring, versions
from orchestration.identity.resolve import _CONTACTS
from orchestration.settings import Settings
from orchestration.warehouse import engine


class NothingResolvedError(TesseraError):
    """There is no model or no partition to explain yet."""


@dataclass(frozen=True)
class FieldWeight:
    """One compared field: log2 odds it adds against strangers, and against two people of one household."""

    name: str
    level: str
    against_strangers: float
    against_household: float
    values: tuple[str | None, str | None]


@dataclass(frozen=True)
class SharedKey:
    """A blocking key two records share; `is_used` when its block is small enough to be compared."""

    name: str
    count_records: int
    is_used: bool


@dataclass(frozen=True)
class PairEvidence:
    """A pair as the model weighs it; `household` is what the household as a rival takes off, zero or less."""

    record_ids: tuple[str, str]
    match_weight: float
    match_probability: float
    against_strangers: float
    against_household: float
    prior: float
    veto: str | None
    fields: list[FieldWeight]
    keys: list[SharedKey] = field(default_factory=list)
    count_keys: int = 0

    @property
    def household(self) -> float:
        return self.match_weight - self.against_strangers


@contextmanager
def bench(settings: Settings) -> Iterator[tuple[duckdb.DuckDBPyConnection, dict[str, Any]]]:
    """Every contact prepared for comparison (tables `records`, `rated`) in memory, and the model in use.

    Raises NothingResolvedError before the first run.
    """
    path = versions.path(settings)
    if not path.exists():
        raise NothingResolvedError(f"there is no trained model at {path}: run `tessera run daily` first")
    with engine.reading(settings) as con:
        count = con.execute("select count(*) from conformed.contacts").fetchall()[0][0]
    with engine.memory(settings) as con:
        trained = link.load(con, path, count)
        if trained is None:
            raise NothingResolvedError(f"the model at {path} is of another version: run `tessera run daily` first")
        _prepare(con, settings, trained)
        yield con, trained


def _prepare(con: duckdb.DuckDBPyConnection, settings: Settings, trained: dict[str, Any]) -> None:
    with engine.reading(settings) as warehouse:
        contacts = warehouse.execute(f"select {_CONTACTS} from conformed.contacts").to_arrow_table()
    con.register("contacts_in", contacts)
    records.prepare(con, "contacts_in", trained["known"])
    frequencies.rate(con, trained, "records", "rated")


def weigh(
    con: duckdb.DuckDBPyConnection, trained: dict[str, Any], pairs: Iterable[tuple[str, str]]
) -> list[PairEvidence]:
    """The pairs (record ids, in any order) of which both are contacts, smaller record first; without blocking keys."""
    ends = sorted({tuple(sorted(pair)) for pair in pairs})
    asked = pa.table({"low": pa.array([a for a, _ in ends], pa.string()), "high": [b for _, b in ends]})
    con.register("asked_in", asked.cast(pa.schema([("low", pa.string()), ("high", pa.string())])))
    con.execute(
        "create or replace table asked as select l.n as n_l, r.n as n_r from asked_in "
        "inner join records as l on l.record_id = low inner join records as r on r.record_id = high"
    )
    con.unregister("asked_in")
    columns = (
        con.execute(f"select * from ({scoring.scored_sql(trained, 'asked')}) order by n_l, n_r")
        .to_arrow_table()
        .to_pylist()
    )
    known = _records(con, {row[end] for row in columns for end in ("n_l", "n_r")})
    return [_pair(trained, row, known[row["n_l"]], known[row["n_r"]]) for row in columns]


def _records(con: duckdb.DuckDBPyConnection, numbers: set[int]) -> dict[int, dict[str, Any]]:
    rows = con.execute("select * from records where list_contains(?, n)", [sorted(numbers)]).to_arrow_table()
    return {row["n"]: row for row in rows.to_pylist()}


def _pair(trained: dict[str, Any], row: dict[str, Any], left: dict[str, Any], right: dict[str, Any]) -> PairEvidence:
    prior = trained["splink"]["probability_two_random_records_match"]
    return PairEvidence(
        record_ids=(left["record_id"], right["record_id"]),
        match_weight=row["match_weight"],
        match_probability=row["match_probability"],
        against_strangers=row["weight_against_strangers"],
        against_household=row["weight_against_household"],
        prior=math.log2(prior / (1 - prior)),
        veto=row["veto"],
        fields=[
            _field(comparison, trained["household"], row, left, right)
            for comparison in trained["splink"]["comparisons"]
        ],
    )


def _field(
    comparison: dict[str, Any], household: dict[str, list], row: dict[str, Any], left: dict[str, Any],
    right: dict[str, Any],
) -> FieldWeight:  # fmt: skip
    """One field of a scored pair; levels are counted down to 0, and -1 is missing."""
    name = comparison["output_column_name"]
    gamma, levels = row[f"gamma_{name}"], comparison["comparison_levels"]
    weight = rival = row[f"weight_{name}"]
    place = len(levels) - 2 - gamma
    share = household[name][place] if gamma >= 0 and name in household else None
    if share is not None:
        rival = math.log2(levels[place + 1]["m_probability"] / share)
    column = compared_columns(name)
    return FieldWeight(
        name=name,
        level="missing" if gamma < 0 else levels[place + 1].get("label_for_charts", ""),
        against_strangers=weight,
        against_household=rival,
        values=(_text(left, column), _text(right, column)),
    )


def join_weight(trained: dict[str, Any]) -> float:
    """The least mean weight at which this model joins two groups of records."""
    return trained["join"]


def compared_columns(name: str) -> tuple[str, ...]:
    """The columns of `records` that a compared field is about."""
    known = {field.name: field.columns for field in comparisons.every_field()}
    return known.get(name, (name,))


def _text(row: dict[str, Any], columns: tuple[str, ...]) -> str | None:
    return ", ".join(str(row[column]) for column in columns if row.get(column) is not None) or None


def shared_keys(con: duckdb.DuckDBPyConnection, trained: dict[str, Any], pair: tuple[str, str]) -> list[SharedKey]:
    """Blocking keys of the model on which the two records agree."""
    found = []
    for rule in trained["keys"]:
        # Blocks are few and small, so one scan per key is cheaper than to build them all.
        rows = con.execute(
            f"with keyed as (select record_id, {rule['key']} as key from records), "
            "own as (select key from keyed where record_id in (?, ?) and key is not null "
            "group by key having count(*) = 2) select count(*) from keyed semi join own using (key)",
            list(pair),
        ).fetchall()
        if rows[0][0]:
            found.append(SharedKey(rule["name"], rows[0][0], rows[0][0] <= rule["most"]))
    return found

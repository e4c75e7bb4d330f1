"""What a score has learned and how good it is; the same shape for every score.

How a score learns and speaks is in its own module.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

import duckdb
import pyarrow as pa

from orchestration.scores.of_people.drift import Reference

Tenth = tuple[int, int, float, float, float]


@dataclass(frozen=True)
class Measure:
    """One figure of one method: how good it was at `target` on days after `holdout_date` that it had not seen."""

    target: str
    method: str
    is_baseline: bool
    is_used: bool
    measure: str
    value: float
    holdout_date: date
    horizon_days: int | None
    count_cases: int


@dataclass(frozen=True)
class Learned:
    """A trained score: `content` is its module's own; None where there was too little to learn from.

    `first_day` to `last_day` is the window it learned from. `tenths`: of each target what was said and what came, by
    tenths. `reference`: of each column that is watched, how it was on the last day.
    """

    first_day: date | None
    last_day: date
    count_cases: int = 0
    content: Any = None
    chosen: dict[str, str] = field(default_factory=dict)
    measures: list[Measure] = field(default_factory=list)
    tenths: dict[str, list[Tenth]] = field(default_factory=dict)
    reference: dict[str, Reference | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Score(Protocol):
    """A module of this folder."""

    NAME: str
    # Columns that are probabilities or amounts, watched for drift.
    WATCHED: tuple[str, ...]

    def learn(self, con: duckdb.DuckDBPyConnection, as_of: date) -> Learned:
        """A model from what is known on a day, measured on days before it. Reads the warehouse, makes temp tables."""

    def said(self, con: duckdb.DuckDBPyConnection, learned: Learned, as_of: date) -> pa.Table:
        """The score's table as of a day, without `model_version`; no rows where nothing was learned."""

"""The two runs of scores: `retrain` learns and keeps models, `score` lets the models in use speak of people.

What a score is lies in its own module; which ones there are, here.
"""

from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from types import ModuleType

import numpy as np
import pyarrow as pa

from orchestration.errors import TesseraError
from orchestration.scores.of_people import behaviour_groups, coupon_response, drift, models, next_products, purchases
from orchestration.scores.of_people.models import Kept
from orchestration.settings import Settings
from orchestration.warehouse import engine

SCORES: dict[str, ModuleType] = {
    module.NAME: module for module in (purchases, coupon_response, next_products, behaviour_groups)
}
# A model older than this should be trained again.
MOST_DAYS = 92


@dataclass(frozen=True)
class Spoken:
    """What a score said in a run: rows, its model, days since that was trained, and how far each column has moved."""

    score: str
    kept: Kept
    count_rows: int
    age_days: int
    stability: dict[str, float | None] = field(default_factory=dict)
    means: dict[str, float | None] = field(default_factory=dict)

    def is_plain(self, method: str) -> bool:
        """Whether a method of this score is a plain rule."""
        return any(one.method == method and one.is_baseline for one in self.kept.learned.measures)

    @property
    def moved(self) -> dict[str, float]:
        """Columns that moved too far since the model was trained."""
        return {name: value for name, value in self.stability.items() if value is not None and value > drift.MOST}


class UnknownScoreError(TesseraError):
    """There is no such score, or nothing has been trained yet."""


def named(name: str | None) -> tuple[str, ...]:
    """The score asked for, or all. Raises UnknownScoreError."""
    if name is not None and name not in SCORES:
        near = get_close_matches(name, SCORES, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(SCORES)}"
        raise UnknownScoreError(f"there is no score '{name}': {hint}")
    return (name,) if name else tuple(SCORES)


def in_use(settings: Settings, name: str | None = None) -> dict[str, Kept]:
    """The models that speak now, by score. Raises UnknownScoreError."""
    found = {one: kept for one in named(name) if (kept := models.in_use(settings, one))}
    if not found:
        raise UnknownScoreError("no score has been trained yet: run `tessera run daily`, or `tessera scores retrain`")
    return found


def retrain(settings: Settings, as_of: date, run_id: str, names: tuple[str, ...] = tuple(SCORES)) -> dict[str, Kept]:
    """Learn each score from what is known on a day; the new models are in use from here on."""
    found = {}
    for name in names:
        module, before = SCORES[name], models.in_use(settings, name)
        with engine.reading(settings) as con:
            learned = module.learn(con, as_of)
            if hasattr(module, "follow"):
                learned = module.follow(con, learned, before.learned if before else None)
        found[name] = models.keep(settings, name, learned, run_id)
    return found


def score(settings: Settings, as_of: date, run_id: str) -> list[Spoken]:
    """Write the tables of every score as of a day; a score without a usable model is trained first.

    A model that learned from days after `as_of` would look ahead: it is trained again as well.
    """
    spoken = []
    for name, module in SCORES.items():
        kept = models.in_use(settings, name)
        if kept is None or models.age_days(kept, as_of) < 0:
            kept = retrain(settings, as_of, run_id, (name,))[name]
        with engine.reading(settings) as con:
            table = module.said(con, kept.learned, as_of)
        version = pa.array([kept.version] * len(table), pa.string())
        day = pa.array([as_of] * len(table), pa.date32())
        _write(settings, name, table.append_column("model_version", version).append_column("as_of_date", day))
        spoken.append(Spoken(name, kept, len(table), models.age_days(kept, as_of), *_watched(module, kept, table)))
    _record(settings, spoken, as_of, run_id)
    return spoken


def _watched(
    module: ModuleType, kept: Kept, table: pa.Table
) -> tuple[dict[str, float | None], dict[str, float | None]]:
    """By watched column how far it has moved since training, and its mean."""
    stability, means = {}, {}
    for name in module.WATCHED:
        # A column may carry its unit behind the name.
        column = next(one for one in table.column_names if one.startswith(name))
        values = table[column].to_numpy(zero_copy_only=False).astype(float)
        reference = kept.learned.reference.get(name)
        stability[name] = reference.stability_index(values) if reference else None
        means[name] = float(np.nanmean(values)) if len(values) and not np.isnan(values).all() else None
    return stability, means


def _write(settings: Settings, name: str, table: pa.Table) -> None:
    with engine.writing(settings) as con:
        con.execute("create schema if not exists scores")
        con.register("scored_in", table)
        con.execute(f"create or replace table scores.{name} as from scored_in")


def _record(settings: Settings, spoken: list[Spoken], as_of: date, run_id: str) -> None:
    """Note what was said in the state database, and bring its tables about models to the warehouse."""
    rows = [
        [one.score, one.kept.version, target, as_of, one.count_rows, one.means[target], value, run_id]
        for one in spoken for target, value in one.stability.items()
    ]  # fmt: skip
    with engine.writing_state(settings) as con:
        con.execute(models.TABLES)
        con.execute("delete from scores.runs where as_of = ?", [as_of])
        con.executemany("insert into scores.runs values (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    _bring(settings)


def _bring(settings: Settings) -> None:
    """What is known of models, as tables of the warehouse: of every version that was ever in use."""
    with engine.reading(settings) as con:
        tables = {
            name: con.execute(f"from state.scores.{name} order by all").to_arrow_table()
            for name in ("models", "measures", "tenths", "runs")
        }
    with engine.writing(settings) as con:
        for name, table in tables.items():
            con.register("state_in", table)
            con.execute(f"create or replace table scores.{name} as from state_in")
            con.unregister("state_in")

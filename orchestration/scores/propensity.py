"""How likely each row of any table is to have an outcome: `tessera propensity`.

Every row gets a probability from a model that did not see it. Where the table shows no more than chance, that is said
and the share of all is given instead.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from orchestration.scores import classifiers, columns, features, measures, outcomes
from orchestration.scores.features import Features
from orchestration.scores.folds import Folds, by_chance, by_time
from orchestration.warehouse import answers, workspace
from orchestration.warehouse.files import Column, read_table

# A column that alone orders outcomes so well knows them, if it is not by chance of few rows.
_LEAK_AUC, _LEAK_SURELY = 0.95, 0.9
# An AUC no farther above one half than so many of its errors is chance.
_ERRORS = 2.5
_MARGIN = 0.002
METHODS = ("everybody's share", "best column", "logistic", "boosted", "blend")


@dataclass(frozen=True)
class Request:
    """What to learn from what: see the options of `tessera propensity`."""

    input: Path
    output: Path
    target: str
    day: str | None = None
    row_id: str | None = None
    dropped: tuple[str, ...] = ()
    date_format: str | None = None


@dataclass(frozen=True)
class Propensity:
    """What was done: the method, figures by method on rows that chose nothing, and what there is to know."""

    rows: int
    share: float
    positive: str
    method: str
    has_signal: bool
    measured_on: str
    figures: dict[str, dict[str, float]]
    deciles: list[tuple[int, int, float, float, float]]
    columns: list[tuple[str, float]]
    left_out: dict[str, str]
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True)
class _Table:
    """The rows: features, outcome (0 or 1, meaningless where not known), folds."""

    features: Features
    truth: np.ndarray
    known: np.ndarray
    folds: Folds
    key: Column | None
    notes: list[str]
    positive: str


def predict(request: Request) -> Propensity:
    """Write a probability for every row, and return the report. Raises TableError."""
    started = time.monotonic()
    answers.check(request.output, request.input)
    with workspace.opened() as (con, scratch):
        table = _read(con, request, scratch)
        alone = _alone(table)
        said = _said(table, alone)
        chosen = _chosen(table, said)
        measured = table.folds.measuring()
        truth = table.truth[measured]
        has_signal = chosen is not None and _is_signal(truth, said[chosen][measured])
        method = chosen if has_signal else METHODS[0]
        _write(con, request, table, said[method], method)
        return Propensity(
            rows=len(table.truth), share=float(table.truth[table.known].mean()), positive=table.positive, method=method,
            has_signal=has_signal, measured_on=_measured_on(table), figures=_figures(truth, said, measured),
            deciles=measures.deciles(truth, said[method][measured]), columns=alone[:8],
            left_out=table.features.left_out, notes=table.notes, warnings=_warnings(table, alone),
            seconds=round(time.monotonic() - started, 1),
        )  # fmt: skip


def _read(con: duckdb.DuckDBPyConnection, request: Request, scratch: Path) -> _Table:
    found = read_table(con, request.input, "raw", scratch)
    target = columns.named(request.input, found, request.target, "--target")
    key = columns.named(request.input, found, request.row_id, "--id") if request.row_id else None
    day = columns.named(request.input, found, request.day, "--date") if request.day else None
    dropped = [columns.named(request.input, found, name, "--drop") for name in request.dropped]
    outcome, positive = outcomes.sql(con, request.input, target)
    truth = con.execute(f"select {outcome} as y from raw order by row_no").fetchnumpy()["y"]
    known = ~np.ma.getmaskarray(truth)
    truth = np.ma.filled(truth, 0).astype(int)
    at = columns.as_time(con, request.input, "raw", day, request.date_format) if day else None
    own = [column for column in found if column not in (target, key, day, *dropped)]
    notes = [f"{(~known).sum():,} rows without an outcome are given one by a model of all others (no fold)"]
    folds, told = _folds(con, truth, known, at, key)
    outcomes.check_folds(request.input, truth, folds)
    return _Table(
        features.read(con, own, at), truth, known, folds, key, [*notes[: int((~known).any())], *told], positive
    )


def _folds(
    con: duckdb.DuckDBPyConnection, truth: np.ndarray, known: np.ndarray, at: str | None, key: Column | None
) -> tuple[Folds, list[str]]:
    if at:
        times = con.execute(f"select epoch_us(coalesce({at}, timestamp '1900-01-01')) as t from raw order by row_no")
        found = by_time(times.fetchnumpy()["t"].astype("int64"), known)
        if found:
            return found, []
        return by_chance(truth, known, None), ["all rows have one date: measured by chance, not by time"]
    if key is None:
        return by_chance(truth, known, None), []
    group = con.execute(f"select dense_rank() over (order by {key.text()}) - 1 as g from raw order by row_no")
    number = group.fetchnumpy()["g"].astype(int)
    repeats = len(np.unique(number)) < len(number)
    told = [f"'{key.name}' repeats: rows of one id are learned from and measured together"] if repeats else []
    return by_chance(truth, known, number if repeats else None), told


def _alone(table: _Table) -> list[tuple[str, float]]:
    """Each column with its AUC alone, the best first; learned on the rows before, judged on those that measure."""
    judge = table.folds.measuring() if table.folds.is_by_time else table.folds.rows(0)
    learn = table.folds.learned(table.folds.count - 1 if table.folds.is_by_time else 0)
    found = [
        (str(name), classifiers.alone(table.features.frame[name], table.truth, learn, judge))
        for name in table.features.frame.columns
    ]
    return sorted(found, key=lambda one: (-np.nan_to_num(one[1]), one[0]))


def _said(table: _Table, alone: list[tuple[str, float]]) -> dict[str, np.ndarray]:
    """By method the probability of every row, from models that did not see it."""
    count = len(table.truth)
    found = {name: np.full(count, np.nan) for name in METHODS}
    parts = [(table.folds.learned(fold), table.folds.rows(fold)) for fold in range(table.folds.count)]
    if not table.known.all():
        parts.append((np.flatnonzero(table.known), np.flatnonzero(~table.known)))
    for learn, rows in parts:
        share = float(table.truth[learn].mean())
        found[METHODS[0]][rows] = share
        if not alone or not 0 < share < 1:
            for name in METHODS[1:]:
                found[name][rows] = share
            continue
        best = table.features.frame[alone[0][0]]
        found["best column"][rows] = classifiers.by_one_column(best, table.truth, learn, rows)
        for name in classifiers.METHODS:
            model = classifiers.fitted(name, table.features, learn, table.truth)
            found[name][rows] = classifiers.said(model, table.features, rows)
        found["blend"][rows] = (found["logistic"][rows] + found["boosted"][rows]) / 2
    return found


def _chosen(table: _Table, said: dict[str, np.ndarray]) -> str | None:
    """The method with the least log loss, the plainer of two that are as good; None where no column says anything."""
    rows = table.folds.choosing()
    loss = {name: measures.log_loss(table.truth[rows], said[name][rows]) for name in METHODS}
    best = next(name for name in METHODS if loss[name] <= min(loss.values()) * (1 + _MARGIN))
    return best if best != METHODS[0] else None


def _is_signal(truth: np.ndarray, said: np.ndarray) -> bool:
    """Whether the order is better than chance could have made it, and the probabilities than everybody's share."""
    value = measures.auc(truth, said)
    positive = truth.sum()
    error = np.sqrt((len(truth) + 1) / (12 * max(positive * (len(truth) - positive), 1)))
    plain = measures.log_loss(truth, np.full(len(truth), truth.mean()))
    return bool(value > 0.5 + _ERRORS * error and measures.log_loss(truth, said) < plain * 1.01)


def _figures(truth: np.ndarray, said: dict[str, np.ndarray], rows: np.ndarray) -> dict[str, dict[str, float]]:
    return {
        name: {
            "AUC": measures.auc(truth, score[rows]),
            "average precision": measures.average_precision(truth, score[rows]),
            "Brier": measures.brier(truth, score[rows]),
            "log loss": measures.log_loss(truth, score[rows]),
            "calibration error": measures.calibration_error(truth, score[rows]),
            "capture@10%": measures.capture(truth.astype(float), score[rows]),
        }
        for name, score in said.items()
    }


def _measured_on(table: _Table) -> str:
    rows = len(table.folds.measuring())
    if table.folds.is_by_time:
        return f"the latest {rows:,} rows, by models that knew earlier ones only"
    return f"all {rows:,} rows, each by a model that did not see it; the same rows chose the method"


def _warnings(table: _Table, alone: list[tuple[str, float]]) -> list[str]:
    truth = table.truth[table.folds.measuring() if table.folds.is_by_time else table.folds.rows(0)]
    told = [
        f"'{name}' predicts too well by itself (AUC {value:.3f}): is it known before the outcome? if not, leave it out "
        f"with --drop {name}"
        for name, value in alone
        if value >= _LEAK_AUC and value - 2 * measures.auc_error(truth, value) >= _LEAK_SURELY
    ]
    return told + [f"'{name}' has dates after the row's own: it is not known then; leave it out with --drop {name}"
                   for name in table.features.later]  # fmt: skip


def _write(con: duckdb.DuckDBPyConnection, request: Request, table: _Table, said: np.ndarray, method: str) -> None:
    fold = pd.array(np.where(table.folds.of >= 0, table.folds.of, 0), dtype="Int64")
    fold[table.folds.of < 0] = pd.NA
    rows: dict[str, Any] = {"row_no": np.arange(1, len(said) + 1), "probability": said}
    con.register("said_in", pa.table(rows | {"fold": pa.array(fold)}))
    key, name = (table.key.at, table.key.name) if table.key else ("row_no", "row")
    quoted = name.replace('"', '""')
    answers.write(
        con,
        f'select raw.{key} as "{quoted}", probability, fold from said_in inner join raw using (row_no) order by row_no'
        if table.key
        else 'select row_no as "row", probability, fold from said_in order by row_no',
        request.output,
    )

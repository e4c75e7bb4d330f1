"""What customers will be worth in a horizon, from any table of transactions: `tessera clv`.

The method is chosen by how well it did one horizon earlier than the one it is measured on, and measured on the last
horizon that is past, by methods that knew nothing of it.
"""

import time
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.scores import forecasts, measures, snapshots, transactions
from orchestration.scores.forecasts import Forecast
from orchestration.scores.snapshots import Snapshot
from orchestration.scores.transactions import Transactions
from orchestration.warehouse import answers, workspace
from orchestration.warehouse.files import TableError

TARGETS = ("active", "purchases", "spend")
# A horizon is judged by at least so many customers, and so many who bought in it.
_LEAST_JUDGED, _LEAST_BUYERS = 100, 20
# A plainer method stays unless another is better by this share of its loss.
_MARGIN = 0.005


@dataclass(frozen=True)
class Request:
    """What to forecast from what: see the options of `tessera clv`."""

    input: Path
    output: Path
    customer: str
    day: str
    amount: str
    horizon_days: int
    cutoff: date | None = None
    date_format: str | None = None


@dataclass(frozen=True)
class Value:
    """What was done: the method by target, figures by method on the holdout, and what there is to know."""

    cutoff: date
    horizon_days: int
    customers: int
    chosen: dict[str, str]
    holdout: date | None
    figures: dict[str, dict[str, float]]
    deciles: list[tuple[int, int, float, float, float]]
    totals: dict[str, float]
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True)
class _Judged:
    """A past horizon, and what each method said of it beforehand."""

    snapshot: Snapshot
    said: dict[str, Forecast]


def forecast(request: Request) -> Value:
    """Write one row per customer known at the cutoff, and return the report. Raises TableError."""
    started = time.monotonic()
    answers.check(request.output, request.input)
    if request.horizon_days < 1:
        raise TableError(f"--horizon-days {request.horizon_days}: a horizon has one day or more")
    with workspace.opened() as (con, scratch):
        read = transactions.read(con, request.input, scratch, customer=request.customer, day=request.day,
                                 amount=request.amount, date_format=request.date_format)  # fmt: skip
        cutoff = _cutoff(request, read)
        con.execute("delete from days where day > ?", [cutoff])
        now = snapshots.taken(con, cutoff, request.horizon_days, is_past=False)
        said = forecasts.made(con, now, read.first_day)
        judged = [_judged(con, read, cutoff, request.horizon_days, back) for back in (1, 2)]
        chosen, notes = _chosen(judged, said)
        final = _combined(said, chosen)
        rows = pa.table({"i": now.customer, **vars(final)})
        _write(con, request, read.customer.name, rows, _model(chosen))
        total = {target: float(getattr(final, target).sum()) for target in TARGETS}
        last = judged[0]
        return Value(
            cutoff, request.horizon_days, len(now.customer), chosen, last.snapshot.day if last else None,
            _figures(last) if last else {}, _deciles(last, chosen) if last else [], total, [*read.notes, *notes],
            round(time.monotonic() - started, 1),
        )  # fmt: skip


def _cutoff(request: Request, read: Transactions) -> date:
    """The last day that is known; without one the last of the table."""
    cutoff = request.cutoff or read.last_day
    if cutoff < read.first_day:
        raise TableError(
            f"{request.input}: --cutoff {cutoff} is before the first transaction ({read.first_day}); nobody is known"
        )
    return cutoff


def _judged(
    con: duckdb.DuckDBPyConnection, read: Transactions, cutoff: date, horizon_days: int, back: int
) -> _Judged | None:
    """The horizon that ended so many horizons before the next begins; None where too little is known of it."""
    day = cutoff - timedelta(days=back * horizon_days)
    if day <= read.first_day:
        return None
    snapshot = snapshots.taken(con, day, horizon_days, is_past=True)
    if len(snapshot.customer) < _LEAST_JUDGED or (snapshot.purchases > 0).sum() < _LEAST_BUYERS:
        return None
    return _Judged(snapshot, forecasts.made(con, snapshot, read.first_day))


def _truth(judged: _Judged, target: str) -> np.ndarray:
    past = judged.snapshot
    found = {"active": past.purchases > 0, "purchases": past.purchases, "spend": np.maximum(past.spend, 0)}
    return np.asarray(found[target], dtype=float)


def _loss(target: str, truth: np.ndarray, said: np.ndarray) -> float:
    """Log loss of a chance; of a mean the Poisson deviance, least for the true mean whatever its spread."""
    if target == "active":
        return measures.log_loss(truth, said)
    mean = np.maximum(said, 1e-3 * max(truth.mean(), 1e-9))
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(truth > 0, truth * np.log(truth / mean), 0.0)
    return float(2 * np.mean(logs - truth + mean))


def _chosen(judged: list[_Judged | None], said: dict[str, Forecast]) -> tuple[dict[str, str], list[str]]:
    """The method of each target: the best where it is not measured, the plainer of two that are as good."""
    last, before = judged
    by = before or last
    if by is None:
        plain = "bg_nbd" if "bg_nbd" in said else "personal_rate"
        return dict.fromkeys(TARGETS, plain), ["too little history for a holdout: nothing here is measured"]
    notes = [] if before else ["too little history to choose and to measure apart: the figures below also chose"]
    methods = [name for name in forecasts.METHODS if name in said and name in by.said]
    chosen = {}
    for target in TARGETS:
        truth = _truth(by, target)
        loss = {name: _loss(target, truth, getattr(by.said[name], target)) for name in methods}
        chosen[target] = next(name for name in methods if loss[name] <= min(loss.values()) * (1 + _MARGIN))
    plain = [target for target, name in chosen.items() if name in forecasts.BASELINES]
    if plain:
        notes.append(f"a plain rule was the best for {', '.join(plain)}, and is used")
    return chosen, notes


def _figures(judged: _Judged) -> dict[str, dict[str, float]]:
    """By method: how good it was on the holdout."""
    active, purchases, spend = (_truth(judged, target) for target in TARGETS)
    return {
        name: {
            "AUC": measures.auc(active, said.active),
            "average precision": measures.average_precision(active, said.active),
            "Brier": measures.brier(active, said.active),
            "calibration error": measures.calibration_error(active, said.active),
            "purchases MAE": measures.mean_absolute_error(purchases, said.purchases),
            "purchases Spearman": measures.spearman(purchases, said.purchases),
            "spend MAE": measures.mean_absolute_error(spend, said.spend),
            "spend Spearman": measures.spearman(spend, said.spend),
            "spend capture@10%": measures.capture(spend, said.spend),
            "spend said / came": float(said.spend.sum() / spend.sum()) if spend.sum() else float("nan"),
        }
        for name, said in judged.said.items()
    }


def _deciles(judged: _Judged, chosen: dict[str, str]) -> list[tuple[int, int, float, float, float]]:
    said = judged.said.get(chosen["active"])
    return measures.deciles(_truth(judged, "active"), said.active) if said else []


def _combined(said: dict[str, Forecast], chosen: dict[str, str]) -> Forecast:
    """The forecast of each target by its method; who buys at all buys once at least."""
    active, purchases, spend = (getattr(said[chosen[target]], target) for target in TARGETS)
    active = np.clip(active, 0.0, 1.0)
    return Forecast(active, np.maximum(purchases, active), np.maximum(spend, 0.0))


def _model(chosen: dict[str, str]) -> str:
    names = set(chosen.values())
    return names.pop() if len(names) == 1 else " ".join(f"{target}={name}" for target, name in chosen.items())


def _write(con: duckdb.DuckDBPyConnection, request: Request, name: str, rows: pa.Table, model: str) -> None:
    con.register("said_in", rows)
    quoted = name.replace('"', '""')
    answers.write(
        con,
        f'select customer as "{quoted}", active as probability_active, purchases as expected_purchases, '
        f"spend as expected_spend, '{model}' as model from said_in inner join customers using (i) order by i",
        request.output,
    )

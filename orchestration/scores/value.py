"""What customers will be worth in a horizon, from any table of transactions: `tessera clv`.

The method is chosen by how well it did one horizon earlier than the one it is measured on, and measured on the last
horizon that is past, by methods that knew nothing of it.
"""

import time
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.scores import forecasts, judging, transactions
from orchestration.scores.forecasts import Past
from orchestration.scores.snapshots import TARGETS, Forecast
from orchestration.scores.transactions import Transactions
from orchestration.warehouse import answers, workspace
from orchestration.warehouse.files import TableError


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
        past, days = Past(con, read.first_day), request.horizon_days
        now = past.snapshot(cutoff, days, is_past=False)
        said = forecasts.made(past, now)
        last, before = (judging.judged(past, cutoff, days, back) for back in (1, 2))
        chosen, notes = judging.chosen(last, before, set(said))
        final = _combined(said, chosen)
        rows = pa.table({"i": now.customer, **vars(final)})
        _write(con, request, read.customer.name, rows, _model(chosen))
        total = {target: float(getattr(final, target).sum()) for target in TARGETS}
        return Value(
            cutoff, request.horizon_days, len(now.customer), chosen, last.snapshot.day if last else None,
            judging.figures(last) if last else {}, judging.deciles(last, chosen["active"]) if last else [], total,
            [*read.notes, *notes], round(time.monotonic() - started, 1),
        )  # fmt: skip


def _cutoff(request: Request, read: Transactions) -> date:
    """The last day that is known; without one the last of the table."""
    cutoff = request.cutoff or read.last_day
    if cutoff < read.first_day:
        raise TableError(
            f"{request.input}: --cutoff {cutoff} is before the first transaction ({read.first_day}); nobody is known"
        )
    return cutoff


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

"""What customers will do in the horizon after a day, by every method: plain rules, BG/NBD with Gamma-Gamma, boosting.

A method learns from what was known by the day it speaks on, and from nothing later.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import duckdb
import numpy as np

from orchestration.scores import purchase_value, repeat_purchases, snapshots
from orchestration.scores.snapshots import Snapshot
from orchestration.scores.threads import bounded

BASELINES = ("last_window", "recency", "personal_rate")
METHODS = (*BASELINES, "bg_nbd", "boosted", "blend")
# Snapshots of the past that boosting learns from, and the customers it takes at least.
_MOST_SNAPSHOTS, _LEAST_CUSTOMERS, _LEAST_ACTIVE = 6, 300, 60
_LEAST_HISTORY = 0.5
# Of more customers than these trees learn the same from one in several.
_MOST_CUSTOMERS = 25_000
_SEED = 1


@dataclass(frozen=True)
class Forecast:
    """By customer: the chance of a purchase in the horizon, and what to expect of purchase days and of spend."""

    active: np.ndarray
    purchases: np.ndarray
    spend: np.ndarray


def made(con: duckdb.DuckDBPyConnection, now: Snapshot, first_day: object) -> dict[str, Forecast]:
    """The forecast of each method that could learn enough, for the customers of a snapshot."""
    past = _past(con, now, first_day)
    found: dict[str, Forecast] = {}
    if past:
        found |= {"last_window": _by_last_window(past[0], now), "recency": _by_recency(past[0], now)}
    found["personal_rate"] = _by_personal_rate(now)
    try:
        found["bg_nbd"] = _by_models(now)
    except ValueError:
        return found
    if _is_enough(past):
        with bounded(sum(len(one.customer) for one in past)):
            found["boosted"] = _boosted(past, now)
        found["blend"] = _blend(found["bg_nbd"], found["boosted"])
    return found


def _past(con: duckdb.DuckDBPyConnection, now: Snapshot, first_day: object) -> list[Snapshot]:
    """Snapshots whose horizon has ended by now, the latest first."""
    days = now.horizon_days
    step, least = max(days // 2, 7), max(round(days * _LEAST_HISTORY), 14)
    wanted = [now.day - timedelta(days=days + place * step) for place in range(_MOST_SNAPSHOTS)]
    one_in = max(-(-len(now.customer) // _MOST_CUSTOMERS), 1)
    return [
        snapshots.taken(con, day, days, is_past=True, one_in=one_in)
        for day in wanted
        if (day - first_day).days >= least
    ]


def _is_enough(past: list[Snapshot]) -> bool:
    active = sum(int((one.purchases > 0).sum()) for one in past)
    people = sum(len(one.customer) for one in past)
    return people >= _LEAST_CUSTOMERS and min(active, people - active) >= _LEAST_ACTIVE


def _by_groups(past: Snapshot, now: Snapshot, group: Callable[[Snapshot], np.ndarray]) -> Forecast:
    """What became of everybody in the same group the last time."""
    then, here = group(past), group(now)

    def means(truth: np.ndarray) -> np.ndarray:
        size = max(int(then.max(initial=0)), int(here.max(initial=0))) + 1
        count = np.bincount(then, minlength=size)
        total = np.bincount(then, weights=truth, minlength=size)
        return np.where(count > 0, total / np.maximum(count, 1), truth.mean() if len(truth) else 0.0)[here]

    return Forecast(means((past.purchases > 0).astype(float)), means(past.purchases), means(np.maximum(past.spend, 0)))


def _by_last_window(past: Snapshot, now: Snapshot) -> Forecast:
    """Who bought in as many days before will again, as often and for as much."""
    days = now.horizon_days
    rate = _by_groups(past, now, lambda one: (one.column(f"purchases_{days}d") > 0).astype(int))
    return Forecast(rate.active, now.column(f"purchases_{days}d"), np.maximum(now.column(f"spend_{days}d"), 0))


def _by_recency(past: Snapshot, now: Snapshot) -> Forecast:
    """What became the last time of those who had bought as recently, in tenths."""
    ago = past.column("recency")[past.known]
    edges = np.unique(np.quantile(ago, np.linspace(0.1, 0.9, 9))) if len(ago) else np.zeros(1)

    def tenth(one: Snapshot) -> np.ndarray:
        return np.searchsorted(edges, np.nan_to_num(one.column("recency"), nan=1e9), side="left").astype(int)

    return _by_groups(past, now, tenth)


def _by_personal_rate(now: Snapshot) -> Forecast:
    """Each as often and for as much a day as so far; a chance that follows from it."""
    share = now.horizon_days / np.maximum(now.column("age") + 1, now.horizon_days)
    purchases = now.count * share
    return Forecast(-np.expm1(-purchases), purchases, np.maximum(now.column("spend_all"), 0) * share)


def _by_models(now: Snapshot) -> Forecast:
    """BG/NBD for when, Gamma-Gamma for how much. Raises ValueError where there is nothing to learn from."""
    weeks = now.horizon_days / snapshots.DAYS_PER_WEEK
    seen = _only(now.history, now.known)
    when = repeat_purchases.fit(seen)
    worth = purchase_value.fit(now.count[now.known], now.mean[now.known])
    purchases = when.expected(now.history, weeks) * now.known
    value = worth.expected(now.count, now.mean)
    # What comes back is paid back: as large a share as so far, of everybody's.
    paid = float(np.nansum(now.count * np.nan_to_num(now.mean)))
    kept = max(1 - float(now.column("returned").sum()) / paid, 0.0) if paid else 1.0
    return Forecast(when.buys_within(now.history, weeks) * now.known, purchases, purchases * value * kept)


def _only(history: repeat_purchases.History, kept: np.ndarray) -> repeat_purchases.History:
    return repeat_purchases.History(history.repeats[kept], history.last[kept], history.age[kept])


def _boosted(past: list[Snapshot], now: Snapshot) -> Forecast:
    """Gradient-boosted trees over all features and what the models say, one for each of the three."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    learned = np.vstack([_described(one) for one in past])
    purchases = np.concatenate([one.purchases for one in past])
    spend = np.maximum(np.concatenate([one.spend for one in past]), 0)
    here = _described(now)
    shape = {"learning_rate": 0.05, "max_iter": 150, "max_leaf_nodes": 12, "min_samples_leaf": 40,
             "l2_regularization": 1.0, "random_state": _SEED, "early_stopping": False}  # fmt: skip
    active = HistGradientBoostingClassifier(**shape).fit(learned, purchases > 0).predict_proba(here)[:, 1]

    def mean(truth: np.ndarray) -> np.ndarray:
        if not truth.sum():
            return np.zeros(len(here))
        # Few spend most: the largest would be learned by heart.
        capped = np.minimum(truth, np.quantile(truth[truth > 0], 0.995))
        fitted = HistGradientBoostingRegressor(loss="poisson", **shape).fit(learned, capped)
        return fitted.predict(here) * (truth.sum() / capped.sum())

    return Forecast(active, mean(purchases), mean(spend))


def _described(one: Snapshot) -> np.ndarray:
    try:
        said = _by_models(one)
    except ValueError:
        return np.column_stack([one.features, *[np.full(len(one.customer), np.nan)] * 3])
    return np.column_stack([one.features, said.active, said.purchases, said.spend])


def _blend(a: Forecast, b: Forecast) -> Forecast:
    return Forecast((a.active + b.active) / 2, (a.purchases + b.purchases) / 2, (a.spend + b.spend) / 2)

"""Plain rules that a model has to beat: what became of like customers the last time, and each as so far."""

from dataclasses import dataclass

import numpy as np

from orchestration.scores.snapshots import Forecast, Snapshot

NAMES = ("last_window", "recency", "personal_rate")


@dataclass(frozen=True)
class _Means:
    """What customers of each group did on average: arrays by group."""

    active: np.ndarray
    purchases: np.ndarray
    spend: np.ndarray

    def of(self, group: np.ndarray) -> Forecast:
        return Forecast(self.active[group], self.purchases[group], self.spend[group])


def _means(past: Snapshot, group: np.ndarray, groups: int) -> _Means:
    count = np.bincount(group, minlength=groups)

    def mean(truth: np.ndarray) -> np.ndarray:
        total = np.bincount(group, weights=truth, minlength=groups)
        return np.where(count > 0, total / np.maximum(count, 1), truth.mean() if len(truth) else 0.0)

    return _Means(mean((past.purchases > 0).astype(float)), mean(past.purchases), mean(np.maximum(past.spend, 0)))


@dataclass(frozen=True)
class LastWindow:
    """Who bought in as many days before will again, as often and for as much."""

    means: _Means

    @classmethod
    def learned(cls, past: Snapshot) -> "LastWindow":
        return cls(_means(past, cls._group(past), 2))

    @staticmethod
    def _group(one: Snapshot) -> np.ndarray:
        return (one.column(f"purchases_{one.horizon_days}d") > 0).astype(int)

    def said(self, now: Snapshot) -> Forecast:
        """The forecast for the customers of a snapshot."""
        days = now.horizon_days
        chance = self.means.of(self._group(now)).active
        return Forecast(chance, now.column(f"purchases_{days}d"), np.maximum(now.column(f"spend_{days}d"), 0))


@dataclass(frozen=True)
class Recency:
    """What became the last time of those who had bought as recently, in tenths."""

    edges: np.ndarray
    means: _Means

    @classmethod
    def learned(cls, past: Snapshot) -> "Recency":
        ago = past.column("recency")[past.known]
        edges = np.unique(np.quantile(ago, np.linspace(0.1, 0.9, 9))) if len(ago) else np.zeros(1)
        return cls(edges, _means(past, cls._tenth(edges, past), len(edges) + 1))

    @staticmethod
    def _tenth(edges: np.ndarray, one: Snapshot) -> np.ndarray:
        return np.searchsorted(edges, np.nan_to_num(one.column("recency"), nan=1e9), side="left").astype(int)

    def said(self, now: Snapshot) -> Forecast:
        """The forecast for the customers of a snapshot."""
        return self.means.of(self._tenth(self.edges, now))


@dataclass(frozen=True)
class PersonalRate:
    """Each as often and for as much a day as so far; a chance that follows from it."""

    def said(self, now: Snapshot) -> Forecast:
        """The forecast for the customers of a snapshot."""
        share = now.horizon_days / np.maximum(now.column("age") + 1, now.horizon_days)
        purchases = now.count * share
        return Forecast(-np.expm1(-purchases), purchases, np.maximum(now.column("spend_all"), 0) * share)

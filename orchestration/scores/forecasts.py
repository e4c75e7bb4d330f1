"""What customers will do in the horizon after a day, by every method: plain rules, BG/NBD with Gamma-Gamma, boosting.

A method learns from what was known by the day it speaks on, and from nothing later; what it learned can be kept.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol

import duckdb

from orchestration.scores import boosting, rules, snapshots
from orchestration.scores.boosting import RepeatsAndValue
from orchestration.scores.snapshots import TARGETS, Forecast, Snapshot

BASELINES = rules.NAMES
METHODS = (*BASELINES, "bg_nbd", "boosted", "blend")
# Snapshots of the past that boosting learns from, and the customers it takes at least.
_MOST_SNAPSHOTS, _LEAST_CUSTOMERS, _LEAST_ACTIVE = 6, 300, 60
_LEAST_HISTORY = 0.5
# Of more customers than these trees learn the same from one in several.
_MOST_CUSTOMERS = 25_000


class Method(Protocol):
    """What was learned, as something that speaks of any snapshot with the same horizon."""

    def said(self, now: Snapshot) -> Forecast:
        """The forecast for the customers of a snapshot."""


@dataclass(frozen=True)
class Blend:
    """The mean of two methods, of each target that both speak of."""

    one: Method
    other: Method

    def said(self, now: Snapshot) -> Forecast:
        """The forecast for the customers of a snapshot."""
        a, b = self.one.said(now), self.other.said(now)
        means = {
            target: (getattr(a, target) + getattr(b, target)) / 2
            for target in TARGETS
            if getattr(a, target) is not None and getattr(b, target) is not None
        }
        return Forecast(**{target: means.get(target) for target in TARGETS})


@dataclass
class Past:
    """Snapshots and models of past days over table `days`; each is made once, however many methods learn from it."""

    con: duckdb.DuckDBPyConnection
    first_day: date
    _snapshots: dict[tuple[date, int, bool, int], Snapshot] = field(default_factory=dict)
    _models: dict[tuple[date, int], RepeatsAndValue | None] = field(default_factory=dict)

    def snapshot(self, day: date, horizon_days: int, *, is_past: bool = True, one_in: int = 1) -> Snapshot:
        """Customers as known on a day, of one in so many; with what followed where the horizon is past."""
        key = (day, horizon_days, is_past, one_in)
        if key not in self._snapshots:
            self._snapshots[key] = snapshots.taken(self.con, day, horizon_days, is_past=is_past, one_in=one_in)
        return self._snapshots[key]

    def models(self, one: Snapshot, one_in: int = 1) -> RepeatsAndValue | None:
        """BG/NBD and Gamma-Gamma as of a snapshot's day; None where nobody came back. They know no horizon."""
        key = (one.day, one_in)
        if key not in self._models:
            try:
                self._models[key] = RepeatsAndValue.learned(one)
            except ValueError:
                self._models[key] = None
        return self._models[key]


def learned(past: Past, now: Snapshot, targets: tuple[str, ...] = TARGETS) -> dict[str, Method]:
    """Every method that could learn enough by the day of a snapshot; trees learn the targets that are asked for."""
    one_in = max(-(-len(now.customer) // _MOST_CUSTOMERS), 1)
    before = _before(past, now, one_in)
    found: dict[str, Method] = {}
    if before:
        found |= {"last_window": rules.LastWindow.learned(before[0]), "recency": rules.Recency.learned(before[0])}
    found["personal_rate"] = rules.PersonalRate()
    models = past.models(now)
    if models is None:
        return found
    found["bg_nbd"] = models
    if _is_enough(before):
        found["boosted"] = boosting.learned([(one, past.models(one, one_in)) for one in before], models, targets)
        found["blend"] = Blend(models, found["boosted"])
    return found


def made(past: Past, now: Snapshot, targets: tuple[str, ...] = TARGETS) -> dict[str, Forecast]:
    """The forecast of each method that could learn enough, for the customers of a snapshot."""
    return {name: method.said(now) for name, method in learned(past, now, targets).items()}


def _before(past: Past, now: Snapshot, one_in: int) -> list[Snapshot]:
    """Snapshots whose horizon has ended by now, the latest first."""
    days = now.horizon_days
    step, least = max(days // 2, 7), max(round(days * _LEAST_HISTORY), 14)
    wanted = [now.day - timedelta(days=days + place * step) for place in range(_MOST_SNAPSHOTS)]
    return [past.snapshot(day, days, one_in=one_in) for day in wanted if (day - past.first_day).days >= least]


def _is_enough(before: list[Snapshot]) -> bool:
    active = sum(int((one.purchases > 0).sum()) for one in before)
    people = sum(len(one.customer) for one in before)
    return people >= _LEAST_CUSTOMERS and min(active, people - active) >= _LEAST_ACTIVE

"""Purchases to come by gradient-boosted trees, over what was known of customers on past days and what the models of
repeat purchases said then; and those models as one method.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from orchestration.scores import purchase_value, repeat_purchases, snapshots, trees
from orchestration.scores.purchase_value import PurchaseValue
from orchestration.scores.repeat_purchases import History, RepeatPurchases
from orchestration.scores.snapshots import Forecast, Snapshot
from orchestration.scores.threads import bounded

_SEED = 1
_SHAPE = {"learning_rate": 0.05, "max_iter": 150, "max_leaf_nodes": 12, "min_samples_leaf": 40,
          "l2_regularization": 1.0, "random_state": _SEED, "early_stopping": False}  # fmt: skip
# Few spend most: what lies beyond would be learned by heart.
_CAPPED_AT = 0.995


@dataclass(frozen=True)
class RepeatsAndValue:
    """BG/NBD for when, Gamma-Gamma for how much; `kept` is the share of sales that is not returned."""

    when: RepeatPurchases
    worth: PurchaseValue
    kept: float

    @classmethod
    def learned(cls, now: Snapshot) -> "RepeatsAndValue":
        """From all that is known at a snapshot. Raises ValueError where there is nothing to learn from."""
        known = now.known
        seen = History(now.history.repeats[known], now.history.last[known], now.history.age[known])
        with bounded(0):
            when, worth = repeat_purchases.fit(seen), purchase_value.fit(now.count[known], now.mean[known])
        paid = float(np.nansum(now.count * np.nan_to_num(now.mean)))
        kept = max(1 - float(now.column("returned").sum()) / paid, 0.0) if paid else 1.0
        return cls(when, worth, kept)

    def said(self, now: Snapshot) -> Forecast:
        """The forecast for the customers of a snapshot."""
        weeks = now.horizon_days / snapshots.DAYS_PER_WEEK
        purchases = self.when.expected(now.history, weeks) * now.known
        value = self.worth.expected(now.count, now.mean)
        return Forecast(self.when.buys_within(now.history, weeks) * now.known, purchases, purchases * value * self.kept)


@dataclass(frozen=True)
class Boosted:
    """A model per target; `scale` gives back what was capped. `said_too`: the models whose word is a feature."""

    models: dict[str, Any]
    scale: dict[str, float]
    said_too: RepeatsAndValue | None

    def said(self, now: Snapshot) -> Forecast:
        """The forecast for the customers of a snapshot; of a target that was not learned None."""
        here = described(now, self.said_too)
        found: dict[str, np.ndarray] = {}
        with bounded(len(here)):
            for target, model in self.models.items():
                if model is None:
                    found[target] = np.zeros(len(here))
                elif target == "active":
                    found[target] = model.predict_proba(here)[:, 1]
                else:
                    found[target] = model.predict(here) * self.scale[target]
        return Forecast(found.get("active"), found.get("purchases"), found.get("spend"))


def described(one: Snapshot, models: RepeatsAndValue | None) -> np.ndarray:
    """Customers x (features and what the models say)."""
    if models is None:
        return np.column_stack([one.features, *[np.full(len(one.customer), np.nan)] * 3])
    said = models.said(one)
    return np.column_stack([one.features, said.active, said.purchases, said.spend])


def learned(
    past: list[tuple[Snapshot, RepeatsAndValue | None]], said_too: RepeatsAndValue | None, targets: tuple[str, ...]
) -> Boosted:
    """Trees from past snapshots, each with the models of its own day."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    rows = np.vstack([described(one, models) for one, models in past])
    purchases = np.concatenate([one.purchases for one, _ in past])
    truths = {"purchases": purchases, "spend": np.maximum(np.concatenate([one.spend for one, _ in past]), 0)}
    models: dict[str, Any] = {}
    scale: dict[str, float] = {}
    for target in targets:
        if target == "active":
            models[target] = trees.fitted(HistGradientBoostingClassifier(**_SHAPE), rows, purchases > 0)
            continue
        truth = truths[target]
        if not truth.sum():
            models[target] = None
            continue
        capped = np.minimum(truth, np.quantile(truth[truth > 0], _CAPPED_AT))
        models[target] = trees.fitted(HistGradientBoostingRegressor(loss="poisson", **_SHAPE), rows, capped)
        scale[target] = float(truth.sum() / capped.sum())
    return Boosted(models, scale, said_too)

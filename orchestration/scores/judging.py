"""Which method speaks of a target, and how good it is: chosen on one past horizon, measured on the next."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from orchestration.scores import forecasts, measures
from orchestration.scores.forecasts import Past
from orchestration.scores.snapshots import TARGETS, Forecast, Snapshot

# A horizon is judged by at least so many customers, and so many who bought in it.
_LEAST_JUDGED, _LEAST_BUYERS = 100, 20
# A plainer method stays unless another is better by this share of its loss.
_MARGIN = 0.005


@dataclass(frozen=True)
class Judged:
    """A past horizon, and what each method said of it beforehand."""

    snapshot: Snapshot
    said: dict[str, Forecast]


def judged(past: Past, cutoff: date, horizon_days: int, back: int, targets: tuple[str, ...] = TARGETS) -> Judged | None:
    """The horizon that ended so many horizons before the next begins; None where too little is known of it."""
    day = cutoff - timedelta(days=back * horizon_days)
    if day <= past.first_day:
        return None
    snapshot = past.snapshot(day, horizon_days)
    if len(snapshot.customer) < _LEAST_JUDGED or (snapshot.purchases > 0).sum() < _LEAST_BUYERS:
        return None
    return Judged(snapshot, forecasts.made(past, snapshot, targets))


def truth(one: Judged, target: str) -> np.ndarray:
    """What came, by customer."""
    past = one.snapshot
    found = {"active": past.purchases > 0, "purchases": past.purchases, "spend": np.maximum(past.spend, 0)}
    return np.asarray(found[target], dtype=float)


def chosen(
    last: Judged | None, before: Judged | None, can_speak: set[str], targets: tuple[str, ...] = TARGETS
) -> tuple[dict[str, str], list[str]]:
    """The method of each target: the best where it is not measured, the plainer of two that are as good; with notes."""
    by = before or last
    if by is None:
        plain = "bg_nbd" if "bg_nbd" in can_speak else "personal_rate"
        return dict.fromkeys(targets, plain), ["too little history for a holdout: nothing here is measured"]
    notes = [] if before else ["too little history to choose and to measure apart: the figures below also chose"]
    methods = [name for name in forecasts.METHODS if name in can_speak and name in by.said]
    found = {}
    for target in targets:
        came = truth(by, target)
        loss = {name: _loss(target, came, getattr(by.said[name], target)) for name in methods}
        found[target] = next(name for name in methods if loss[name] <= min(loss.values()) * (1 + _MARGIN))
    plain = [target for target, name in found.items() if name in forecasts.BASELINES]
    if plain:
        notes.append(f"a plain rule was the best for {', '.join(plain)}, and is used")
    return found, notes


def _loss(target: str, came: np.ndarray, said: np.ndarray) -> float:
    """Log loss of a chance; of a mean the Poisson deviance, least for the true mean whatever its spread."""
    if target == "active":
        return measures.log_loss(came, said)
    mean = np.maximum(said, 1e-3 * max(came.mean(), 1e-9))
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(came > 0, came * np.log(came / mean), 0.0)
    return float(2 * np.mean(logs - came + mean))


def figures(one: Judged, targets: tuple[str, ...] = TARGETS) -> dict[str, dict[str, float]]:
    """By method: how good it was on a past horizon."""
    return {
        name: {
            figure: value
            for target in targets
            for figure, value in _of_target(target, truth(one, target), getattr(said, target)).items()
        }
        for name, said in one.said.items()
    }


def _of_target(target: str, came: np.ndarray, said: np.ndarray) -> dict[str, float]:
    if target == "active":
        return {
            "AUC": measures.auc(came, said),
            "average precision": measures.average_precision(came, said),
            "Brier": measures.brier(came, said),
            "calibration error": measures.calibration_error(came, said),
        }
    found = {
        f"{target} MAE": measures.mean_absolute_error(came, said),
        f"{target} Spearman": measures.spearman(came, said),
    }
    if target == "spend":
        found["spend capture@10%"] = measures.capture(came, said)
        found["spend said / came"] = float(said.sum() / came.sum()) if came.sum() else float("nan")
    return found


def deciles(one: Judged, method: str, target: str = "active") -> list[tuple[int, int, float, float, float]]:
    """What a method said of a past horizon and what came, by tenths; nothing where it could not speak."""
    said = one.said.get(method)
    return measures.deciles(truth(one, target), getattr(said, target)) if said else []

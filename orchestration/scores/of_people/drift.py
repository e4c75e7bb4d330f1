"""Whether what a model says of people has moved since it was trained: a sign that it should be trained again."""

from dataclasses import dataclass

import numpy as np

# Above .25 a population is commonly held to be another one, above .1 to be moving (Siddiqi, Credit Risk Scorecards,
# 2006).
MOST = 0.25
_LEAST_PEOPLE = 100
_PARTS = 10
# A part that nobody is in says no more than that few are.
_LEAST_SHARE = 1e-3


@dataclass(frozen=True)
class Reference:
    """What was said at training: edges between parts, tenths as far as values differ, and the share in each part."""

    edges: np.ndarray
    shares: np.ndarray

    @classmethod
    def learned(cls, values: np.ndarray) -> "Reference | None":
        """None where too few are known; a value that is not known counts for nothing."""
        known = _known(values)
        if len(known) < _LEAST_PEOPLE:
            return None
        edges = np.unique(np.quantile(known, np.linspace(0, 1, _PARTS + 1)[1:-1]))
        return cls(edges, _shares(edges, known))

    def stability_index(self, values: np.ndarray) -> float | None:
        """The population stability index of values: 0 as at training; None of too few."""
        known = _known(values)
        if len(known) < _LEAST_PEOPLE:
            return None
        expected, actual = (np.maximum(shares, _LEAST_SHARE) for shares in (self.shares, _shares(self.edges, known)))
        return float(np.sum((actual - expected) * np.log(actual / expected)))


def _known(values: np.ndarray) -> np.ndarray:
    numbers = np.asarray(values, dtype=float)
    return numbers[~np.isnan(numbers)]


def _shares(edges: np.ndarray, known: np.ndarray) -> np.ndarray:
    return np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1) / len(known)

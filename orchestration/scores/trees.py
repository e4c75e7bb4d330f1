"""Gradient-boosted trees on tables as they are: scikit-learn's refuse a column without any value."""

from typing import Any

import numpy as np

from orchestration.scores.threads import bounded


def filled(rows: np.ndarray) -> np.ndarray:
    """The rows, with 0 in columns that have no value in any: nothing is learned from them."""
    empty = np.isnan(rows).all(axis=0)
    return np.where(empty, 0.0, rows) if empty.any() else rows


def fitted(model: Any, rows: np.ndarray, truth: np.ndarray) -> Any:
    """The model learned from rows (cases x numbers, nan where not known) and what came."""
    with bounded(len(rows)):
        return model.fit(filled(rows), truth)

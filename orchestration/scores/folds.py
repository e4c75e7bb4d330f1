"""Which rows a model learns from before it speaks of others: earlier ones where time is known, else the other parts.

Every row is spoken of by a model that did not see it. With time, blocks follow each other and a model knows the blocks
before; the first has none before it, is spoken of by a model of the second, and is never measured.
"""

from dataclasses import dataclass

import numpy as np

_PARTS = 5
_SEED = 1


@dataclass(frozen=True)
class Folds:
    """`of`: the fold of each row, -1 where the outcome is not known."""

    of: np.ndarray
    is_by_time: bool

    @property
    def count(self) -> int:
        return int(self.of.max()) + 1

    def learned(self, fold: int) -> np.ndarray:
        """Row numbers that the model of a fold learns from."""
        if not self.is_by_time:
            return np.flatnonzero((self.of >= 0) & (self.of != fold))
        return np.flatnonzero((self.of >= 0) & (self.of < fold)) if fold else np.flatnonzero(self.of == 1)

    def rows(self, fold: int) -> np.ndarray:
        """Row numbers that the model of a fold speaks of."""
        return np.flatnonzero(self.of == fold)

    def choosing(self) -> np.ndarray:
        """Rows by which a method is chosen."""
        if not self.is_by_time:
            return np.flatnonzero(self.of >= 0)
        return np.flatnonzero((self.of > 0) & ((self.of < self.count - 1) | (self.count == 2)))

    def measuring(self) -> np.ndarray:
        """Rows on which it is measured: with time the last block, which chose nothing."""
        return np.flatnonzero(self.of == self.count - 1) if self.is_by_time else np.flatnonzero(self.of >= 0)


def by_time(at: np.ndarray, known: np.ndarray) -> Folds | None:
    """Blocks of as many rows, equal times together; None where there are not two different times."""
    edges = np.unique(np.quantile(at[known].astype("int64"), np.linspace(0, 1, _PARTS + 1)[1:-1], method="lower"))
    place = np.searchsorted(edges, at.astype("int64"), side="left")
    _, place[known] = np.unique(place[known], return_inverse=True)
    of = np.where(known, place, -1)
    return Folds(of, is_by_time=True) if of.max() >= 1 else None


def by_chance(truth: np.ndarray, known: np.ndarray, group: np.ndarray | None) -> Folds:
    """Parts with as many of either outcome; rows of one group (number) are in one part."""
    chance = np.random.default_rng(_SEED)
    of = np.full(len(known), -1)
    if group is not None:
        of[known] = chance.integers(0, _PARTS, int(group.max()) + 1)[group[known]]
        _, of[known] = np.unique(of[known], return_inverse=True)
        return Folds(of, is_by_time=False)
    for outcome in (0, 1):
        rows = chance.permutation(np.flatnonzero(known & (truth == outcome)))
        of[rows] = np.arange(len(rows)) % _PARTS
    return Folds(of, is_by_time=False)

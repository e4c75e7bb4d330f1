"""Connected components of a graph given as arrays; no decision about people."""

import numpy as np


def components(count: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The smallest node of each node's component: int64 of length `count`; nodes are 0 .. count-1."""
    label = np.arange(count, dtype=np.int64)
    while True:
        # Hook the larger root below the smaller one, then shorten every path to its root.
        low = np.minimum(label[left], label[right])
        high = np.maximum(label[left], label[right])
        open_edges = low != high
        if not open_edges.any():
            return label
        left, right = left[open_edges], right[open_edges]
        np.minimum.at(label, high[open_edges], low[open_edges])
        while True:
            shorter = label[label]
            if np.array_equal(shorter, label):
                break
            label = shorter

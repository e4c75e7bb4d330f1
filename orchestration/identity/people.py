"""The partition: which records are one person, given scored pairs, sure links and what a steward decided.

Works on arrays of record numbers 0 .. count-1 and knows nothing of tables; ids that last are given in `registry`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from orchestration.identity import model
from orchestration.identity.components import components

# A pair a steward keeps apart, and one that must be together: no sum of weights reaches either.
_APART_WEIGHT = -1e6


@dataclass(frozen=True)
class Edges:
    """Pairs of record numbers, and what each pair weighs (log2 odds)."""

    left: np.ndarray
    right: np.ndarray
    weight: np.ndarray


def partition(
    count: int,
    pairs: Edges,
    sure: Edges,
    apart: Edges,
    *,
    only_one: np.ndarray | None = None,
    join: float = model.JOIN_MEAN_WEIGHT,
    join_leftovers: bool = False,
) -> np.ndarray:
    """The smallest record number of each record's person, int64 of length `count`.

    `join` is the least mean weight at which groups join; `join_leftovers`: see `with_leftovers`. `only_one` (uint64 of
    length `count`) has a bit for each source of which a person has one record at most.

    `sure` links always hold, except where `apart` (a steward's cannot-link) parts the two ends. `pairs` are Splink's,
    vetoes already in their weights: components over them are cut by average linkage, so that one bridge does not make
    one person of two.
    """
    groups, component = loose_components(count, pairs, sure, apart)
    inside = component[pairs.left] == component[pairs.right]
    weight = np.clip(pairs.weight[inside], model.CLIP_LOW_WEIGHT, model.CLIP_HIGH_WEIGHT)
    weight = np.where(pairs.weight[inside] <= model.VETO_WEIGHT, model.VETO_WEIGHT, weight)
    edges = Edges(
        _concat(pairs.left[inside], apart.left),
        _concat(pairs.right[inside], apart.right),
        _concat(weight, np.full(len(apart.left), _APART_WEIGHT)),
    )
    label = average_linkage(groups, edges, only_one, join)
    return with_leftovers(label, edges) if join_leftovers and only_one is None else label


def loose_components(count: int, pairs: Edges, sure: Edges, apart: Edges) -> tuple[np.ndarray, np.ndarray]:
    """Groups over sure links, and components over those and pairs: the smallest record number of each record's."""
    groups = _groups(count, sure, apart)
    linked = pairs.weight >= model.LEAST_LINK_WEIGHT
    left, right = _concat(pairs.left[linked], groups), _concat(pairs.right[linked], np.arange(count))
    return groups, components(count, left, right)


def _concat(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.concatenate([first, second])


def _groups(count: int, sure: Edges, apart: Edges) -> np.ndarray:
    """Components over sure links; where they would join a pair that must be apart, links are taken strongest first."""
    label = components(count, sure.left, sure.right)
    broken = np.unique(label[apart.left][label[apart.left] == label[apart.right]])
    if not len(broken):
        return label
    whole = ~np.isin(label[sure.left], broken)
    label = components(count, sure.left[whole], sure.right[whole])
    # Rare and small: a steward's decision against an identifier, so one link at a time is good enough.
    for edge in sorted(np.flatnonzero(~whole), key=lambda i: (-sure.weight[i], sure.left[i], sure.right[i])):
        ends = label[sure.left[edge]], label[sure.right[edge]]
        joined = np.where(label == max(ends), min(ends), label)
        if not (joined[apart.left] == joined[apart.right]).any():
            label = joined
    return label


def average_linkage(
    label: np.ndarray, edges: Edges, only_one: np.ndarray | None = None, join: float = model.JOIN_MEAN_WEIGHT
) -> np.ndarray:
    """Join groups of records while the mean weight over all pairs between two is at least `join`.

    `label` is the smallest record number of each record's group to begin with. A pair not in `edges` weighs
    `CLIP_LOW_WEIGHT`. Every round joins all pairs of groups that are each other's best, which for a mean gives the
    same result as one at a time.
    """
    for a, b, _ in joins(label, edges, only_one, join):
        # `a` is the smaller label of each pair, and each label is in one pair only.
        new = np.arange(len(label))
        new[b] = a
        label = new[label]
    return label


def joins(
    label: np.ndarray, edges: Edges, only_one: np.ndarray | None, join: float
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The rounds of `average_linkage`: labels that are joined, the smaller first, and the mean weights between them.

    For a higher threshold the rounds are these without what joins below it: a mean falls as groups grow.
    """
    count = len(label)
    while True:
        a, b, total, known = _between(label, edges, count)
        if only_one is not None:
            held = np.zeros(count, dtype=np.uint64)
            np.bitwise_or.at(held, label, only_one)
            free = (held[a] & held[b]) == 0
            a, b, total, known = a[free], b[free], total[free], known[free]
        size = np.bincount(label, minlength=count)
        pairs = size[a] * size[b]
        mean = (total + (pairs - known) * model.CLIP_LOW_WEIGHT) / pairs
        good = mean >= join
        if not good.any():
            return
        best = _mutual_best(a[good], b[good], np.round(mean[good], 6), count)
        a, b, mean = a[good][best], b[good][best], mean[good][best]
        yield a, b, mean
        new = np.arange(count)
        new[b] = a
        label = new[label]


def with_leftovers(label: np.ndarray, edges: Edges) -> np.ndarray:
    """Groups of one or two records joined to the large group they fit best, at a mean weight that would join no others.

    For tables where a person has many records: who is there ten times is likelier to be there once more, under a name
    cut short. No two that must be apart come together that way.
    """
    count = len(label)
    a, b, total, known = _between(label, edges, count)
    size = np.bincount(label, minlength=count)
    mean = (total + (size[a] * size[b] - known) * model.CLIP_LOW_WEIGHT) / np.maximum(size[a] * size[b], 1)
    small, large = np.where(size[a] <= size[b], (a, b), (b, a))
    fits = (size[small] <= model.MAX_LEFTOVER) & (size[large] >= model.LEAST_GROUP_OF_LEFTOVERS)
    fits &= mean >= model.LEFTOVER_MEAN_WEIGHT
    order = np.lexsort((large[fits], -np.round(mean[fits], 6), small[fits]))
    small, large = small[fits][order], large[fits][order]
    first = np.ones(len(small), dtype=bool)
    first[1:] = small[1:] != small[:-1]
    new = np.arange(count)
    new[small[first]] = large[first]
    joined = new[label]
    apart = edges.weight <= model.VETO_WEIGHT
    left, right = edges.left[apart], edges.right[apart]
    broken = joined[left][(joined[left] == joined[right]) & (label[left] != label[right])]
    joined = np.where(np.isin(joined, broken), label, joined)
    return _smallest(joined)


def _smallest(label: np.ndarray) -> np.ndarray:
    """The labels with each group's smallest record number as its label."""
    least = np.full(len(label), len(label), dtype=np.int64)
    np.minimum.at(least, label, np.arange(len(label)))
    return least[label]


def _between(label: np.ndarray, edges: Edges, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of different groups (smaller label first) with the sum and the number of the known weights between them."""
    left, right = label[edges.left], label[edges.right]
    between = left != right
    low = np.minimum(left, right)[between]
    high = np.maximum(left, right)[between]
    key, index = np.unique(low * count + high, return_inverse=True)
    total = np.bincount(index, weights=edges.weight[between], minlength=len(key))
    return key // count, key % count, total, np.bincount(index, minlength=len(key))


def _mutual_best(a: np.ndarray, b: np.ndarray, mean: np.ndarray, count: int) -> np.ndarray:
    """Which pairs are each side's best; ties go to the smaller labels, so that there always is one."""
    order = np.lexsort((b, a, -mean))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    best = np.full(count, len(order), dtype=np.int64)
    np.minimum.at(best, a, rank)
    np.minimum.at(best, b, rank)
    return (best[a] == rank) & (best[b] == rank)

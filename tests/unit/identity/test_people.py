"""The partition: average linkage inside components, sure links, and what a steward keeps apart."""

import numpy as np
import pytest

from orchestration.identity import model
from orchestration.identity.components import components
from orchestration.identity.people import Edges, average_linkage, partition, with_leftovers

STRONG, WEAK = model.CLIP_HIGH_WEIGHT, model.CLIP_LOW_WEIGHT


def edges(*rows) -> Edges:
    left, right, weight = zip(*rows, strict=True) if rows else ((), (), ())
    return Edges(np.array(left, dtype=np.int64), np.array(right, dtype=np.int64), np.array(weight, dtype=float))


def split(count, pairs=(), sure=(), apart=()) -> list[int]:
    return partition(
        count,
        edges(*pairs),
        edges(*[(a, b, 1.0) for a, b in sure]),
        edges(*[(a, b, 0.0) for a, b in apart]),
    ).tolist()


@pytest.mark.parametrize("shift", [1, 3, 7])
def test_components_of_a_long_chain(shift):
    nodes = np.random.default_rng(shift).permutation(200)
    assert components(200, nodes[:-1], nodes[1:]).tolist() == [0] * 200


def test_components_keep_strangers_apart():
    assert components(5, np.array([0, 3]), np.array([2, 4])).tolist() == [0, 1, 0, 3, 3]


def test_no_pairs_no_people():
    assert split(3) == [0, 1, 2]


def test_one_bridge_does_not_make_one_person_of_two():
    first = [(a, b, STRONG) for a in range(4) for b in range(a + 1, 4)]
    second = [(a, b, STRONG) for a in range(4, 8) for b in range(a + 1, 8)]
    assert split(8, first + second + [(3, 4, STRONG)]) == [0] * 4 + [4] * 4


def test_a_vetoed_pair_parts_a_component():
    pairs = [(0, 1, STRONG), (1, 2, STRONG), (0, 2, model.VETO_WEIGHT)]
    assert len(set(split(3, pairs))) == 2


def test_clipping_keeps_one_excessive_weight_from_outweighing_doubts():
    pairs = [(0, 1, 60.0), (0, 2, STRONG), (1, 2, STRONG), (0, 3, 60.0), (1, 3, -60.0), (2, 3, -60.0)]
    assert split(4, pairs)[:3] == [0, 0, 0]


def test_sure_links_join_what_scores_do_not():
    assert split(3, [(0, 1, -20.0)], sure=[(0, 1)]) == [0, 0, 2]


def test_apart_outranks_scores_and_sure_links():
    assert split(2, [(0, 1, STRONG)], apart=[(0, 1)]) == [0, 1]
    label = split(3, sure=[(0, 1), (1, 2)], apart=[(0, 2)])
    assert label[0] != label[2]


def test_linkage_does_not_depend_on_the_order_of_pairs():
    random = np.random.default_rng(5)
    rows = [(a, b, float(random.integers(-6, 9))) for a in range(30) for b in range(a + 1, 30) if random.random() < 0.4]
    label = np.arange(30)
    shuffled = [rows[i] for i in random.permutation(len(rows))]
    assert average_linkage(label, edges(*rows)).tolist() == average_linkage(label, edges(*shuffled)).tolist()


def test_linkage_equals_joining_the_best_pair_one_at_a_time():
    random = np.random.default_rng(11)
    rows = [(a, b, float(random.normal(0, 4))) for a in range(18) for b in range(a + 1, 18)]
    weight = {(a, b): w for a, b, w in rows}
    groups = [[i] for i in range(18)]
    while len(groups) > 1:
        means = {
            (i, j): np.mean([weight[min(a, b), max(a, b)] for a in groups[i] for b in groups[j]])
            for i in range(len(groups))
            for j in range(i + 1, len(groups))
        }
        (i, j), best = max(means.items(), key=lambda item: item[1])
        if best < model.JOIN_MEAN_WEIGHT:
            break
        groups[i] += groups.pop(j)
    found = average_linkage(np.arange(18), edges(*rows))
    assert sorted(map(sorted, groups)) == sorted(np.flatnonzero(found == k).tolist() for k in np.unique(found))


def test_leftovers_join_a_large_group_but_never_two_that_must_be_apart():
    group = [(left, right, 8.0) for left in range(5) for right in range(left + 1, 5)]
    weak = [(member, leftover, -3.2) for member in range(5) for leftover in (5, 6)]
    alone = np.array([0, 0, 0, 0, 0, 5, 6])
    assert with_leftovers(alone, edges(*group, *weak)).tolist() == [0, 0, 0, 0, 0, 0, 0]
    apart = edges(*group, *weak, (5, 6, model.VETO_WEIGHT))
    assert with_leftovers(alone, apart).tolist() == alone.tolist()
    assert (
        with_leftovers(alone, edges(*group, *[(left, right, -3.8) for left, right, _ in weak])).tolist()
        == alone.tolist()
    )

"""Permanent ids: a cluster's number says nothing, its customers everything."""

import itertools

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from segmentation import identity
from segmentation.identity import Match, match

overlaps = st.dictionaries(
    st.tuples(st.integers(0, 4), st.integers(1, 5)), st.integers(1, 60), min_size=1, max_size=16
)
calm = settings(max_examples=150, deadline=None, derandomize=True)


def by_cluster(found: list[Match]) -> dict[int, tuple[int | None, tuple[int, ...]]]:
    return {m.cluster: (m.segment_id, m.parents) for m in found}


def best_pairs(overlap: dict[tuple[int, int], int]) -> list[dict[int, int]]:
    """Every way to pair clusters and segments with the most customers in pairs, then the highest Jaccard."""
    clusters, segments = (sorted({pair[i] for pair in overlap}) for i in (0, 1))
    size = {c: sum(n for (a, _), n in overlap.items() if a == c) for c in clusters}
    before = {s: sum(n for (_, b), n in overlap.items() if b == s) for s in segments}

    def jaccard(c: int, s: int) -> float:
        shared = overlap.get((c, s), 0)
        return shared / (size[c] + before[s] - shared)

    padded = [*segments, *[None] * len(clusters)]
    ways = {}
    for chosen in set(itertools.permutations(padded, len(clusters))):
        pairs = [(c, s) for c, s in zip(clusters, chosen, strict=True) if s is not None]
        shared = sum(overlap.get(pair, 0) for pair in pairs)
        together = round(sum(jaccard(*pair) for pair in pairs), 9)
        kept = {c: s for c, s in pairs if jaccard(c, s) >= identity.SURVIVES}
        ways.setdefault((shared, together), []).append(kept)
    return ways[max(ways)]


@calm
@given(overlap=overlaps, numbers=st.permutations(range(5)))
def test_other_cluster_numbers_give_the_same_ids(overlap, numbers):
    clusters = sorted({cluster for cluster, _ in overlap})
    before = by_cluster(match(overlap, clusters))
    renumbered = {(numbers[c], s): n for (c, s), n in overlap.items()}
    after = by_cluster(match(renumbered, [numbers[c] for c in clusters]))
    assert after == {numbers[c]: found for c, found in before.items()}


@calm
@given(overlap=overlaps, order=st.randoms(use_true_random=False))
def test_the_order_of_rows_and_clusters_changes_nothing_but_the_order(overlap, order):
    if len(best_pairs(overlap)) > 1:  # equally good: the order of the clusters has to decide
        return
    clusters = sorted({cluster for cluster, _ in overlap})
    before = by_cluster(match(overlap, clusters))
    rows = list(overlap.items())
    order.shuffle(rows)
    order.shuffle(clusters)
    after = match(dict(rows), clusters)
    assert [m.cluster for m in after] == clusters
    assert by_cluster(after) == before


@settings(calm, max_examples=60)
@given(
    overlap=st.dictionaries(
        st.tuples(st.integers(0, 3), st.integers(1, 4)), st.integers(1, 9), min_size=1, max_size=12
    )
)
def test_as_many_customers_as_can_be_keep_their_segment(overlap):
    clusters = sorted({cluster for cluster, _ in overlap})
    kept = {m.cluster: m.segment_id for m in match(overlap, clusters) if m.segment_id is not None}
    assert kept in best_pairs(overlap)


@calm
@given(sizes=st.lists(st.integers(1, 100), min_size=1, max_size=6), numbers=st.permutations(range(6)))
def test_the_same_customers_keep_their_ids_under_any_numbers(sizes, numbers):
    overlap = {(numbers[i], i + 1): size for i, size in enumerate(sizes)}
    found = match(overlap, [numbers[i] for i in range(len(sizes))])
    assert [m.segment_id for m in found] == [i + 1 for i in range(len(sizes))]
    assert all(m.parents == (m.segment_id,) for m in found)


@pytest.mark.parametrize(
    ("overlap", "clusters", "expected"),
    [
        # the first date: everything is new
        ({}, [0, 1], {0: (None, ()), 1: (None, ())}),
        # split: the larger part keeps the id, the other has it as its parent
        ({(0, 1): 60, (1, 1): 40}, [0, 1], {0: (1, (1,)), 1: (None, (1,))}),
        # merge: the larger segment's id goes on, both are parents
        ({(0, 1): 60, (0, 2): 40}, [0], {0: (1, (1, 2))}),
        # new: its few known customers came from everywhere, so nobody is its parent
        (
            {(0, 1): 90, (1, 2): 90, (2, 3): 90, (3, 4): 90, (4, 5): 90, **{(5, s): 2 for s in range(1, 6)}},
            [0, 1, 2, 3, 4, 5],
            {**{c: (c + 1, (c + 1,)) for c in range(5)}, 5: (None, ())},
        ),
        # a cluster of newcomers only
        ({(0, 1): 10}, [0, 7], {0: (1, (1,)), 7: (None, ())}),
        # too little in common (Jaccard 0.25) is no survival
        ({(0, 1): 40, (0, 2): 60, (1, 1): 60, (1, 2): 40, (2, 3): 1}, [0, 1, 2],
         {0: (2, (1, 2)), 1: (1, (1, 2)), 2: (3, (3,))}),
        ({(0, 1): 25, (0, 2): 25, (0, 3): 25, (0, 4): 25}, [0], {0: (None, (1, 2, 3, 4))}),
        # two parts of equal size: the one that is purer keeps the id
        ({(0, 1): 50, (0, 2): 10, (1, 1): 50, (2, 2): 90}, [0, 1, 2],
         {0: (None, (1,)), 1: (1, (1,)), 2: (2, (2,))}),
    ],
)  # fmt: skip
def test_segments_survive_split_merge_and_appear(overlap, clusters, expected):
    assert by_cluster(match(overlap, clusters)) == expected


@calm
@given(parts=st.lists(st.integers(1, 50), min_size=8, max_size=8))
def test_no_id_is_given_twice(parts):
    """Two clusters out of each of four segments: one of the two keeps the id, the larger one."""
    overlap = {(cluster, cluster // 2): size for cluster, size in enumerate(parts)}
    ids = [m.segment_id for m in match(overlap, list(range(8))) if m.segment_id is not None]
    assert sorted(ids) == [0, 1, 2, 3]
    for m in match(overlap, list(range(8))):
        if m.segment_id is not None:
            assert parts[m.cluster] >= parts[m.cluster ^ 1]

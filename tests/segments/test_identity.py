"""Permanent ids: a cluster's number says nothing, its customers everything."""

import hashlib
import itertools
import math
from collections import Counter

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from segmentation.segments import identity
from segmentation.segments.identity import Match, match

overlaps = st.dictionaries(
    st.tuples(st.integers(0, 4), st.integers(1, 5)), st.integers(1, 60), min_size=1, max_size=16
)
calm = settings(max_examples=150, deadline=None)


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


# --- what became of each segment ---------------------------------------------------------------------------


def events_of(before: dict[str, int], after: dict[str, int]) -> dict[int, identity.Event]:
    """Match, give new ids from 100 on, and tell the events; the customers of each date and their segments."""
    overlap = Counter((after[c], before[c]) for c in before if c in after)
    clusters = sorted(set(after.values()), key=lambda n: min(c for c in after if after[c] == n))
    fresh = itertools.count(100)
    ids = {m.cluster: next(fresh) if m.segment_id is None else m.segment_id for m in match(overlap, clusters)}
    shared = {(ids[cluster], segment): n for (cluster, segment), n in overlap.items()}
    sizes = Counter(ids[n] for n in after.values())
    return {e.segment_id: e for e in identity.events(shared, sizes, Counter(before.values()))}


@st.composite
def stories(draw):
    """Segments of which some are split, some are merged in pairs and some go on, under shuffled numbers.

    Parts are at least 30 % of what they are parts of; up to a tenth of those that go on are new customers.
    """
    kinds = draw(st.lists(st.sampled_from(["go on", "split", "merge"]), min_size=1, max_size=5))
    before, after, expected = {}, {}, {}
    segment, cluster = 0, 0

    def add(n: int, was: int | None, now: int) -> None:
        for _ in range(n):
            name = f"c{len(after):05}"
            after[name] = now
            if was is not None:
                before[name] = was

    for kind in kinds:
        size = draw(st.integers(10, 40))
        if kind == "go on":
            segment, cluster = segment + 1, cluster + 1
            add(size, segment, cluster)
            add(draw(st.integers(0, size // 10)), None, cluster)
            expected[segment] = ("survive", (segment,))
        elif kind == "split":
            part = draw(st.integers(math.ceil(0.3 * size), size // 2 - 1))
            segment, cluster = segment + 1, cluster + 2
            add(size - part, segment, cluster - 1)
            add(part, segment, cluster)
            expected[segment] = ("split", (segment,))
        else:
            part = draw(st.integers(math.ceil(0.3 * size), size // 2 - 1))
            segment, cluster = segment + 2, cluster + 1
            add(size - part, segment - 1, cluster)
            add(part, segment, cluster)
            expected[segment - 1] = ("merge", (segment - 1, segment))
            expected[segment] = ("vanish", (segment,))
    numbers = draw(st.permutations(range(1, cluster + 1)))
    return before, {c: numbers[n - 1] for c, n in after.items()}, expected, kinds.count("split")


@calm
@given(story=stories())
def test_random_splits_and_merges_are_told_as_such(story):
    before, after, expected, splits = story
    found = events_of(before, after)
    assert {s: (e.event, e.parents) for s, e in found.items() if s < 100} == expected
    new = [e for s, e in found.items() if s >= 100]
    assert len(new) == splits
    for event in new:
        (parent,) = event.parents
        assert event.event == "split"
        assert expected[parent] == ("split", (parent,))
        assert found[parent].successors == (parent, event.segment_id)
    for event in found.values():
        if event.event == "vanish":
            (into,) = event.successors
            assert found[into].event == "merge"
            assert event.segment_id in found[into].parents


@settings(calm, max_examples=60)
@given(story=stories(), order=st.randoms(use_true_random=False))
def test_the_order_of_customers_and_the_numbers_of_clusters_change_no_event(story, order):
    before, after, _, _ = story
    once = events_of(before, after)
    numbers = sorted(set(after.values()))
    renamed = dict(zip(numbers, order.sample(range(50), len(numbers)), strict=True))
    customers = list(after)
    order.shuffle(customers)
    again = events_of(before, {c: renamed[after[c]] for c in customers})
    assert again == once


@pytest.mark.parametrize(
    ("overlap", "sizes", "before", "expected"),
    [
        # the first date
        ({}, {1: 10, 2: 5}, {}, {1: ("appear", (), ()), 2: ("appear", (), ())}),
        # nearly all of a segment's customers are new ones: it has no parent, whoever the three others were
        ({(1, 1): 20, (2, 1): 3}, {1: 20, 2: 40}, {1: 23},
         {1: ("survive", (1,), (1,)), 2: ("appear", (), ())}),
        # a tenth breaks off: the new one is a part, the other goes on
        ({(1, 1): 90, (2, 1): 10}, {1: 90, 2: 10}, {1: 100},
         {1: ("survive", (1,), (1,)), 2: ("split", (1,), ())}),
        # a small one is taken in: nothing happens to the large one
        ({(1, 1): 90, (1, 2): 10}, {1: 100}, {1: 90, 2: 10},
         {1: ("survive", (1,), (1,)), 2: ("vanish", (2,), (1,))}),
        # it falls apart into others that go on
        ({(1, 1): 50, (2, 2): 50, (1, 3): 10, (2, 3): 10}, {1: 60, 2: 60}, {1: 50, 2: 50, 3: 20},
         {1: ("survive", (1,), (1,)), 2: ("survive", (2,), (2,)), 3: ("vanish", (3,), (1, 2))}),
        # all its customers are gone
        ({(1, 1): 5}, {1: 5}, {1: 5, 2: 4}, {1: ("survive", (1,), (1,)), 2: ("vanish", (2,), ())}),
        # a new id made of most of two
        ({(7, 1): 6, (8, 1): 4, (7, 2): 6, (8, 2): 4}, {7: 12, 8: 8}, {1: 10, 2: 10},
         {1: ("vanish", (1,), (7, 8)), 2: ("vanish", (2,), (7, 8)),
          7: ("merge", (1, 2), ()), 8: ("split", (1, 2), ())}),
    ],
)  # fmt: skip
def test_what_became_of_a_segment(overlap, sizes, before, expected):
    found = identity.events(overlap, sizes, before)
    assert {e.segment_id: (e.event, e.parents, e.successors) for e in found} == {
        s: (event, parents, successors if s in before else ())
        for s, (event, parents, successors) in expected.items()
    }
    for e in found:
        assert (e.customers, e.customers_before) == (sizes.get(e.segment_id, 0), before.get(e.segment_id, 0))


# --- a date that is run again ------------------------------------------------------------------------------


def sketch(customers: range) -> list[int]:
    """Sketch as the warehouse makes it: the smallest hashes."""
    hashes = (int(hashlib.md5(b"%d" % c, usedforsecurity=False).hexdigest()[:15], 16) for c in customers)
    return sorted(hashes)[: identity.SKETCH]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (range(100), range(100)),
        (range(100), range(50, 150)),  # both are whole
        (range(5000), range(2500, 7500)),
        (range(20_000), range(300)),  # a sketch against a set that is whole
        (range(300), range(300, 600)),
    ],
)
def test_the_jaccard_index_is_known_from_two_sketches(one, other):
    true = len({*one} & {*other}) / len({*one} | {*other})
    assert identity.likeness(sketch(one), sketch(other)) == pytest.approx(true, abs=0.1)


@pytest.mark.parametrize(
    ("new", "reserved", "expected"),
    [
        # run again as it was, in whatever order
        ({0: range(100), 1: range(100, 200)}, {5: range(100, 200), 6: range(100)}, {0: 6, 1: 5}),
        # late facts changed it a little
        ({0: range(10, 110)}, {5: range(100), 6: range(200, 300)}, {0: 5}),
        # something else: the ids are not for it
        ({0: range(300, 400)}, {5: range(100), 6: range(200, 300)}, {}),
        # of two parts one takes the id
        ({0: range(60), 1: range(60, 100)}, {5: range(100)}, {0: 5}),
        # ids from before there were sketches are dealt out in order
        ({0: range(10), 1: range(10, 20), 2: range(20, 30)}, {5: range(0), 6: range(10), 7: range(0)},
         {0: 6, 1: 5, 2: 7}),
        ({}, {5: range(10)}, {}),
        ({0: range(10)}, {}, {}),
    ],
)  # fmt: skip
def test_a_segment_of_an_earlier_run_of_the_date_is_known_again(new, reserved, expected):
    found = identity.recognise(
        {c: sketch(r) for c, r in new.items()}, {s: sketch(r) for s, r in reserved.items()}
    )
    assert found == expected

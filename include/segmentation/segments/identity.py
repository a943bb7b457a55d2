"""Permanent segment ids: tonight's clusters matched to the segments of the parent date.

Cluster numbers mean nothing from one fit to the next. They are turned into segment ids here, and nothing
downstream sees them. See docs/adr/0003-segment-ids.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

SURVIVES = 0.3  # least Jaccard index of a cluster and the segment whose id it keeps
PARENT = 0.25  # least share of a segment's customers that is worth naming where they came from, or went
MOST = 0.5  # a segment is merged into another that takes more than this share of its customers
SKETCH = 256  # hashes kept of a new segment's first customers: its Jaccard index is known to about 0.03


@dataclass(frozen=True)
class Match:
    """A cluster: the id it keeps (None: it is new), and the segments that its customers came from."""

    cluster: int
    segment_id: int | None
    parents: tuple[int, ...]


@dataclass(frozen=True)
class Event:
    """The fate of a segment since the parent date; the columns of `segments.segment_events`."""

    segment_id: int
    event: str
    parents: tuple[int, ...]
    successors: tuple[int, ...]
    customers: int
    customers_before: int
    customers_stayed: int


def match(overlap: dict[tuple[int, int], int], clusters: list[int], least: float = SURVIVES) -> list[Match]:
    """Match clusters to segments so that the customers in matched pairs are as many as can be.

    Parameters
    ----------
    overlap
        (cluster, segment id) -> customers in both, counted over those who are in both dates.
    clusters
        All clusters, in the order in which they get new ids.
    least
        Jaccard index below which a pair is no match.

    Returns
    -------
    One match a cluster, in the order of `clusters`. Solved by the Hungarian algorithm on the overlap. Permuting
    cluster numbers permutes the result and no more.
    """
    segments = sorted({segment for _, segment in overlap})
    counts = np.array([[overlap.get((c, s), 0) for s in segments] for c in clusters], dtype=float)
    segment_of = _matched(counts, clusters, segments, least) if counts.size else {}
    return [Match(c, segment_of.get(c), _sources(overlap, c)) for c in clusters]


def _matched(counts: np.ndarray, clusters: list[int], segments: list[int], least: float) -> dict[int, int]:
    union = counts.sum(axis=1, keepdims=True) + counts.sum(axis=0, keepdims=True) - counts
    jaccard = np.divide(counts, union, out=np.zeros_like(counts), where=union > 0)
    # the Jaccard index breaks ties between equal overlaps, so that the order of clusters does not; all pairs
    # together add less than one customer
    rows, columns = linear_sum_assignment(counts + jaccard / (2 * min(counts.shape)), maximize=True)
    return {
        clusters[row]: segments[column]
        for row, column in zip(rows, columns, strict=True)
        if counts[row, column] and jaccard[row, column] >= least
    }


def _sources(overlap: Mapping[tuple[int, int], int], to: int, least: float = PARENT) -> tuple[int, ...]:
    """The segments of which at least a share of the known customers in `to` came."""
    customers = sum(n for (target, _), n in overlap.items() if target == to)
    return tuple(
        sorted(s for (target, s), n in overlap.items() if target == to and n and n >= least * customers)
    )


def events(
    overlap: Mapping[tuple[int, int], int], sizes: Mapping[int, int], before: Mapping[int, int]
) -> list[Event]:
    """Derive the fate of each segment of the parent date, and the origin of each segment of tonight.

    Parameters
    ----------
    overlap
        (segment id tonight, segment id on the parent date) -> customers in both.
    sizes, before
        Segment id -> customers, tonight and on the parent date (empty: there is no parent).

    Returns
    -------
    One event a segment of either date, by id. Tonight's segments:

    - merge: at least two of its parents gave it more than half of their customers;
    - appear: a new id without parents, or of which less than a quarter was there before;
    - split: another new id; or an id that goes on, while a quarter of its customers went to such a one;
    - survive: any other id that goes on.

    Those of the parent date that tonight has no more: vanish, with the successors their customers went to.
    """
    flipped = {(source, target): n for (target, source), n in overlap.items()}
    left = {s: sum(n for (_, source), n in overlap.items() if source == s) for s in before}
    parents = {s: _sources(overlap, s) for s in sizes}
    for s in set(sizes) - set(before):
        were_there = sum(n for (target, _), n in overlap.items() if target == s)
        if were_there < PARENT * sizes[s]:
            parents[s] = ()
    successors = {s: _sources(flipped, s) for s in before}

    def event(s: int) -> str:
        if sum(overlap.get((s, p), 0) > MOST * left[p] for p in parents[s]) > 1:
            return "merge"
        if s not in before:
            return "split" if parents[s] else "appear"
        new = (child for child in successors[s] if child not in before)
        return "split" if any(s in parents[child] for child in new) else "survive"

    return [
        Event(
            segment_id=s,
            event=event(s) if s in sizes else "vanish",
            parents=parents.get(s, (s,)),
            successors=successors.get(s, ()),
            customers=sizes.get(s, 0),
            customers_before=before.get(s, 0),
            customers_stayed=overlap.get((s, s), 0),
        )
        for s in sorted({*sizes, *before})
    ]


def recognise(sketches: Mapping[int, Sequence[int]], reserved: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """Recognise new clusters as segments that got their id in an earlier run of the same date.

    Parameters
    ----------
    sketches
        New cluster -> the smallest hashes of its customers; in the order in which they get ids.
    reserved
        Segment id of the date -> the sketch of its first customers; empty where none was kept.

    Returns
    -------
    cluster -> segment id, where the Jaccard index estimated from the two sketches is at least 0.3. What is
    left of the ids without a sketch is dealt out in order.
    """
    clusters, ids = list(sketches), sorted(s for s, sketch in reserved.items() if len(sketch))
    alike = np.array([[likeness(sketches[c], reserved[s]) for s in ids] for c in clusters])
    recognised = {}
    if alike.size:
        # equal ones go to the lower id and the earlier cluster
        rows, columns = linear_sum_assignment(alike, maximize=True)
        recognised = {
            clusters[row]: ids[column]
            for row, column in zip(rows, columns, strict=True)
            if alike[row, column] >= SURVIVES
        }
    blank = iter(sorted(set(reserved) - set(ids)))
    dealt = zip((c for c in clusters if c not in recognised), blank, strict=False)
    return {**recognised, **dict(dealt)}


def likeness(one: Iterable[int], other: Iterable[int]) -> float:
    """The Jaccard index of two sets of customers, estimated from the smallest hashes of each.

    Among the smallest hashes of the union, the share that is in both (Broder 1997, bottom-k); exact for sets
    that their sketches hold whole.
    """
    a, b = np.unique(np.asarray(list(one))), np.unique(np.asarray(list(other)))
    union = np.union1d(a, b)
    if max(len(a), len(b)) >= SKETCH:
        union = union[:SKETCH]
    both = np.isin(union, a) & np.isin(union, b)
    return float(both.mean()) if len(union) else 0.0

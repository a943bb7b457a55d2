"""Customers at a border: who is as near to the segment of the parent date as to another one stays there.

Who has ordered since has changed, and stays by a small share only. On a night that keeps the model the calendar alone
has moved all others, mostly to and fro: they stay until they are clearly somewhere else, or there is room to let go of
them, the clearest first (`room.tonight`). On the night of a new model those stay of whom it says what the one before it
said. See docs/adr/0010.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from segmentation.modelling.labellers import NOISE, Labeller
from segmentation.modelling.settings import ModelSettings
from segmentation.segments import identity
from segmentation.selection import matrices
from segmentation.selection.matrices import Matrix


def of_each(frame: pd.DataFrame, day: date, parent: date | None, settings: ModelSettings) -> pd.Series:
    """The border of each customer of `frame`: that of those with an order since the parent date, or without one.

    Where the parent date or the recency is not known, nobody is taken for one without.
    """
    borders = pd.Series(settings.border, index=frame.index)
    if parent is None or "recency_days" not in frame:
        return borders
    has_ordered = frame["recency_days"] <= (day - parent).days
    return borders.where(has_ordered, settings.border_without_order)


def of_a_new_model(
    borders: pd.Series,
    clusters: pd.Series,
    clusters_before: pd.Series | None,
    segments_before: pd.Series,
    settings: ModelSettings,
) -> pd.Series:
    """The border of each customer on the night of a new model.

    Its own movers are paid for, and have the small border. The border on a night that keeps the model, `borders`, is
    of those whom the model before would have moved as well, to the segment that goes on as their new one: that
    somebody was held there is no news, and to let go of all of them at once is no part of what the model gained.

    Parameters
    ----------
    clusters, clusters_before : Series of int, index customer_id
        Tonight, by the new model and by the one before it; None where that is not known.
    segments_before : Series of int
        The segment of customers on the parent date.
    """
    narrow = pd.Series(settings.border, index=borders.index)
    if clusters_before is None or segments_before.empty:
        return narrow
    return narrow.where(~_held(clusters, clusters_before, segments_before).reindex(borders.index), borders)


def _held(clusters: pd.Series, clusters_before: pd.Series, segments_before: pd.Series) -> pd.Series:
    """True of customers whom the model before would have moved as well, to what goes on as their new cluster."""
    before = clusters_before.reindex(clusters.index)
    own = segments_before.reindex(clusters.index).map(matched(clusters_before, segments_before, 0.0))
    return own.notna() & (own != before) & (before.map(matched(clusters, clusters_before, 0.0)) == clusters)


def movers(clusters: pd.Series, clusters_before: pd.Series, segments_before: pd.Series) -> float:
    """Share of the customers of the parent date who change segment if a new model replaces the one in use.

    Counted as it will be published: a segment of which too little goes on has ended, and all of its customers move;
    who was held at a border is let go of where their segment ends, or the new model says something else of them.
    Whoever the small border would hold is counted as a mover.

    Parameters
    ----------
    clusters, clusters_before : Series of int, index customer_id
        Of the same customers tonight, by the new model and by the one in use.
    segments_before : Series of int
        The segment of customers on the parent date.
    """
    segments = segments_before.reindex(clusters.index)
    is_known = segments.notna() & (clusters != NOISE)
    if not is_known.any():
        return 0.0
    clusters, segments = clusters[is_known], segments[is_known].astype(int)
    own = segments.map(matched(clusters, segments))
    stays = own.notna() & _held(clusters, clusters_before, segments)
    published = clusters.where(~stays, own).astype(int)
    return float((segments.map(matched(published, segments)) != published).mean())


def steadied(
    labelled: pd.DataFrame,
    labeller: Labeller | None,
    matrix: Matrix,
    segments_before: pd.Series,
    borders: pd.Series,
    is_same_model: bool = False,
    room: float = 0.0,
    narrow: float = 0.0,
) -> pd.DataFrame:
    """The labels, with those who would cross a border for next to nothing where they were.

    Parameters
    ----------
    labelled : DataFrame with label, confidence, is_outlier; index customer_id
    labeller : Labeller or None
        The one that labelled them; None of a partition without a model.
    matrix : DataFrame or other Matrix of shape (n_customers, n_columns), same index
        What it labelled.
    segments_before : Series of int
        The segment of customers on the parent date.
    borders : Series of float, same index
        Share by which another cluster must be nearer than the old one, at least.
    is_same_model : bool
        Every segment goes on then, however many of its customers are held in it.
    room : float
        Share of the customers of the parent date who may move before anybody is held at more than `narrow`.
    narrow : float
        The border that is left to those who are let go of.

    Returns
    -------
    DataFrame
        As `labelled`. Who stays has confidence 0. Outliers are left as they are.
    """
    if labeller is None or segments_before.empty or not borders.any():
        return labelled
    clusters = matched(labelled["label"], segments_before, 0.0 if is_same_model else identity.SURVIVES)
    before = segments_before.reindex(labelled.index).map(clusters)
    would_move = before.notna() & (before != labelled["label"]) & ~labelled["is_outlier"]
    if not would_move.any():
        return labelled
    rows = np.flatnonzero(would_move.to_numpy())
    near = labeller.nearness(np.ascontiguousarray(matrices.rows(matrix, rows), dtype=np.float64))
    old = before.iloc[rows].to_numpy(dtype=np.int64)
    new = labelled["label"].iloc[rows].to_numpy()
    one_each = np.arange(len(rows))
    border = borders.iloc[rows].to_numpy()
    of_old, of_new = near[one_each, old], near[one_each, new]
    stays = of_old >= (1 - border) * of_new
    allowed = int(room * before.notna().sum()) - int((~stays).sum())
    quotient = np.divide(of_old, of_new, out=np.ones_like(of_old), where=of_new > 0)
    stays[let_go(quotient, stays & (border > narrow) & (quotient < 1 - narrow), allowed)] = False
    label, confidence = labelled["label"].to_numpy().copy(), labelled["confidence"].to_numpy().copy()
    label[rows[stays]], confidence[rows[stays]] = old[stays], 0.0
    return labelled.assign(label=label, confidence=confidence)


def let_go(nearness: np.ndarray, is_held: np.ndarray, allowed: int) -> np.ndarray:
    """The rows of those held whom there is room to let go of: whose old segment is the least near first.

    Parameters
    ----------
    nearness : ndarray of shape (n,)
        Of the old segment, as a share of that of the new one.
    is_held : ndarray of bool, shape (n,)
    allowed : int
        Customers who may be let go of; below 0: nobody.
    """
    held = np.flatnonzero(is_held)
    return held[np.argsort(nearness[held], kind="stable")[: max(allowed, 0)]]


def matched(
    clusters: pd.Series, segments_before: pd.Series, least: float = identity.SURVIVES
) -> dict[int, int]:
    """The cluster that goes on from each segment of the parent date, as `segments.identity` matches them."""
    both = pd.concat(
        [clusters.rename("cluster"), segments_before.rename("segment")], axis=1, join="inner"
    ).astype(int)
    counts = both.groupby(["cluster", "segment"]).size()
    overlap = {
        (int(cluster), int(segment)): int(n) for cluster, segment, n in counts.reset_index().to_numpy()
    }
    matches = identity.match(overlap, sorted(map(int, clusters.unique())), least)
    return {match.segment_id: match.cluster for match in matches if match.segment_id is not None}

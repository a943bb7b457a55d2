"""Segments that are too small to be published: their customers go to the nearest one that is large enough."""

import numpy as np
import pandas as pd

from segmentation.selection import matrices
from segmentation.selection.matrices import Matrix


def merged(labelled: pd.DataFrame, matrix: Matrix, least: int) -> pd.DataFrame:
    """The labels, with no cluster of fewer than `least` customers but that of a shop which has no more.

    Parameters
    ----------
    labelled : DataFrame with label, confidence, is_outlier; index customer_id
    matrix : DataFrame or other Matrix of shape (n_customers, n_columns)
        All of `labelled` are in it.
    least : int
        Customers of the smallest cluster that stays.

    Returns
    -------
    DataFrame
        As `labelled`. Who was in a smaller cluster has the label of the nearest mean, is_outlier and
        confidence 0, as noise has; where every cluster is smaller, everybody is one segment, confidence 1.
    """
    sizes = labelled["label"].value_counts().sort_index()
    small = sizes.index[sizes < least]
    if small.empty or len(sizes) == 1:
        return labelled
    large = sizes.index.difference(small)
    if large.empty:
        return labelled.assign(label=np.int64(0), confidence=1.0, is_outlier=False)
    moving = labelled["label"].isin(small).to_numpy()
    values = np.nan_to_num(matrices.of(matrix, labelled.index).to_numpy(dtype=np.float64))
    labels = labelled["label"].to_numpy()
    means = np.stack([values[labels == label].mean(axis=0) for label in large])
    distances = ((values[moving, None, :] - means[None, :, :]) ** 2).sum(axis=2)
    label = labels.copy()
    label[moving] = large.to_numpy()[distances.argmin(axis=1)]
    return labelled.assign(
        label=label,
        confidence=np.where(moving, 0.0, labelled["confidence"]),
        is_outlier=labelled["is_outlier"].to_numpy() | moving,
    )

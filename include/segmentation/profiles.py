"""What the customers of each cluster are like, in natural units."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from segmentation import naming
from segmentation.features import Feature
from segmentation.modelling.prepare import signed_log
from segmentation.settings import Lifecycle

DECIMALS = 6
ALIKE = 1e-9


def profiles(frame: pd.DataFrame, clusters: pd.Series, features: Sequence[Feature]) -> pd.DataFrame:
    """Statistics of each feature in each cluster.

    Parameters
    ----------
    frame : DataFrame of shape (n_customers, n_features), index customer_id
    clusters : Series of int, same index

    Returns
    -------
    DataFrame, one row a cluster and numeric feature: cluster, feature, mean, median, p10, p90, index_vs_all
    (100 x mean / mean of everybody; null where that is not above zero) and importance (see `effects`).
    """
    numeric = [f.name for f in features if f.transform != "category" and frame[f.name].notna().any()]
    grouped = frame[numeric].groupby(clusters)
    everybody = frame[numeric].mean()
    importance = effects(frame, clusters, features).abs()
    tables = {
        "mean": grouped.mean(),
        "median": grouped.median(),
        "p10": grouped.quantile(0.1),
        "p90": grouped.quantile(0.9),
    }
    tables["index_vs_all"] = 100 * tables["mean"] / everybody.where(everybody > 0)
    tables["importance"] = importance
    long = pd.concat(
        {
            name: table.rename_axis(index="cluster", columns="feature").stack()
            for name, table in tables.items()
        },
        axis=1,
    )
    return long.round(DECIMALS).reset_index()


def effects(frame: pd.DataFrame, clusters: pd.Series, features: Sequence[Feature]) -> pd.DataFrame:
    """How far each cluster lies from everybody: (mean - mean of all) / standard deviation of all.

    Heavy-tailed features are compared on a log scale. One row a cluster, one column a numeric feature.
    """
    columns = {
        f.name: signed_log(frame[f.name].to_numpy()) if f.transform == "log" else frame[f.name].to_numpy()
        for f in features
        if f.transform != "category" and frame[f.name].notna().any()
    }
    scaled = pd.DataFrame(columns, index=frame.index)
    spread = scaled.std(ddof=0)
    # what differs in the last digits only does not differ
    centred = (scaled - scaled.mean()) / spread.where(spread > ALIKE, np.inf)
    return centred.groupby(clusters).mean()


def traits(
    frame: pd.DataFrame, clusters: pd.Series, features: Sequence[Feature], bounds: Lifecycle
) -> list[naming.Traits]:
    """Value tier, life-cycle and phrases of each cluster."""
    terciles = tuple(float(value) for value in frame["spend_365d"].quantile([1 / 3, 2 / 3]))
    distances = effects(frame, clusters, features)
    found = []
    for cluster, rows in frame.groupby(clusters):
        found.append(
            naming.Traits(
                cluster=int(cluster),
                value_tier=naming.value_tier(rows["spend_365d"], terciles),
                lifecycle=naming.lifecycle(rows["recency_days"], rows["tenure_days"], bounds),
                phrases=naming.phrases(distances.loc[cluster], features),
                customers=len(rows),
                median_spend_365d=float(rows["spend_365d"].median()),
                median_recency_days=float(rows["recency_days"].median()),
            )
        )
    return found

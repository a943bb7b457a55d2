"""Profiles of the customers of each cluster, in natural units."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from segmentation.features.dictionary import Feature
from segmentation.modelling.prepare import signed_log
from segmentation.segments import explain, naming, vocabulary
from segmentation.settings import Lifecycle

DECIMALS = 6
SAME = 1e-9
YEAR_DAYS = 365.0
ALIKE = 0.1  # standard deviations from everybody, up to which a segment is like everybody


def profiles(
    frame: pd.DataFrame, clusters: pd.Series, features: Sequence[Feature], seed: int = 0, least: int = 1
) -> pd.DataFrame:
    """Statistics of each feature in each cluster; none where fewer than `least` of it have a value, but some.

    Parameters
    ----------
    frame : DataFrame of shape (n_customers, n_features), index customer_id
    clusters : Series of int, same index

    Returns
    -------
    DataFrame, one row a cluster and numeric feature: cluster, feature, mean, median, p10, p90, index_vs_all
    (100 x mean / mean of everybody; null where that is not above zero), importance (`explain.importance`),
    effect (see `effects`), direction (higher, lower, alike), mean_all and median_all (of everybody).
    """
    importance = explain.importance(frame, clusters, features, seed)
    frame, clusters = _without_ids(frame, clusters)
    numeric = explain.numbers(frame, features)
    grouped = frame[numeric].groupby(clusters)
    everybody = frame[numeric].mean()
    tables = {
        "mean": grouped.mean(),
        "median": grouped.median(),
        "p10": grouped.quantile(0.1),
        "p90": grouped.quantile(0.9),
    }
    tables["index_vs_all"] = 100 * tables["mean"] / everybody.where(everybody > 0)
    tables["importance"] = importance
    tables["effect"] = effects(frame, clusters, features)
    long = pd.concat(
        {
            name: table.rename_axis(index="cluster", columns="feature").stack()
            for name, table in tables.items()
        },
        axis=1,
    )
    long["direction"] = np.select(
        [long["effect"] > ALIKE, long["effect"] < -ALIKE], ["higher", "lower"], default="alike"
    )
    for name, values in {"mean_all": everybody, "median_all": frame[numeric].median()}.items():
        long[name] = long.index.get_level_values("feature").map(values.to_dict())
    counts = grouped.count().rename_axis(index="cluster", columns="feature").stack()
    counts = counts.reindex(long.index)
    return long[(counts == 0) | (counts >= least)].round(DECIMALS).reset_index()


def effects(frame: pd.DataFrame, clusters: pd.Series, features: Sequence[Feature]) -> pd.DataFrame:
    """Distance of each cluster from everybody: (mean - mean of all) / standard deviation of all.

    Heavy-tailed features are compared on a log scale. One row a cluster, one column a numeric feature.
    """
    by_feature = {
        f.name: _distances(frame[f.name], clusters, f.transform == "log")
        for f in features
        if f.transform != "category" and frame[f.name].notna().any()
    }
    return pd.DataFrame(by_feature)


def _distances(values: pd.Series, clusters: pd.Series, is_log: bool) -> pd.Series:
    """Distances by one feature at a time: a copy of all of a million customers takes 400 MB."""
    scaled = pd.Series(signed_log(values.to_numpy()), values.index) if is_log else values
    spread = scaled.std(ddof=0)
    # what differs in the last digits only does not differ
    centred = (scaled - scaled.mean()) / (spread if spread > SAME else np.inf)
    return centred.groupby(clusters).mean()


def traits(
    frame: pd.DataFrame,
    clusters: pd.Series,
    features: Sequence[Feature],
    bounds: Lifecycle,
    before: Mapping[int, naming.Name] | None = None,
) -> list[naming.Traits]:
    """Value tier, life-cycle and traits of each cluster; `before`: the names of those that go on."""
    frame, clusters = _without_ids(frame, clusters)
    value = worth(frame)
    lower, upper = (float(value.quantile(share)) for share in (1 / 3, 2 / 3))
    numeric = explain.numbers(frame, features)
    far = effects(frame, clusters, features)
    grouped = frame[numeric].groupby(clusters)
    known_shares = grouped.count().div(grouped.size(), axis=0)
    named_shares = shares(frame, clusters).to_dict(orient="index")
    far_above = above(frame[numeric], clusters).to_dict(orient="index")
    by_cluster = []
    effects_by_cluster = {
        cluster: _reliable_effects(far.loc[[cluster]].iloc[0], known_shares.loc[[cluster]].iloc[0])
        for cluster in far.index
    }
    for cluster, rows in frame.groupby(clusters):
        name_before = (before or {}).get(int(cluster))
        by_cluster.append(
            naming.Traits(
                cluster=int(cluster),
                value_tier=naming.value_tier(
                    value[rows.index], (lower, upper), name_before.value_tier if name_before else None
                ),
                lifecycle=naming.lifecycle(
                    rows["recency_days"],
                    rows["tenure_days"],
                    bounds,
                    name_before.lifecycle if name_before else None,
                ),
                effects=effects_by_cluster[cluster],
                above={str(name): share for name, share in far_above[cluster].items() if np.isfinite(share)},
                shares={str(name): share for name, share in named_shares[cluster].items()},
                customers=len(rows),
                median_spend_365d=float(rows["spend_365d"].median()),
                median_recency_days=float(rows["recency_days"].median()),
                before=name_before,
            )
        )
    return by_cluster


def _without_ids(frame: pd.DataFrame, clusters: pd.Series) -> tuple[pd.DataFrame, pd.Series]:
    """Both by position: to look up and compare a million ids takes seconds, feature by feature."""
    return frame.reset_index(drop=True), clusters.reindex(frame.index).reset_index(drop=True)


def above(frame: pd.DataFrame, clusters: pd.Series) -> pd.DataFrame:
    """Share of each cluster's customers above everybody's median, half of those at it: a row a cluster.

    Of the customers of whom a feature is known; NaN where it is known of none.
    """
    by_feature = {}
    for name in frame.columns:
        values = frame[name].astype("float64").dropna()
        middle = values.median()
        beyond = (values > middle) + (values == middle) / 2
        by_feature[name] = beyond.groupby(clusters[values.index]).mean()
    return pd.DataFrame(by_feature, index=np.unique(clusters))


def shares(frame: pd.DataFrame, clusters: pd.Series) -> pd.DataFrame:
    """Share of each cluster's customers of whom a name of the vocabulary is true: a row a cluster, a column a name.

    Of a customer without a value of a feature that the name asks for it is not.
    """
    true_of = pd.DataFrame(index=frame.index)
    for entry in vocabulary.load():
        bounds = entry.when.three_quarters
        if bounds and set(bounds) <= set(frame.columns):
            within = (
                (frame[name] >= (-np.inf if each.least is None else each.least))
                & (frame[name] <= (np.inf if each.most is None else each.most))
                for name, each in bounds.items()
            )
            true_of[entry.name] = np.logical_and.reduce(list(within))
    return true_of.groupby(clusters).mean()


def _reliable_effects(effects: "pd.Series", known_shares: "pd.Series") -> dict[str, float]:
    """The effects of the features that are known for most of the segment."""
    return {
        str(name): float(effect)
        for name, effect in effects.items()
        if np.isfinite(effect) and known_shares.get(name, 0.0) >= naming.LEAST_KNOWN_SHARE
    }


def worth(frame: pd.DataFrame) -> pd.Series:
    """The value of a customer in a year: of the last 365 days, or what it was in the time they bought, if more.

    The second is the lifetime's spend over the years from the first order to the last one, at least one: who was
    among the best and has gone silent is still known for it.
    """
    lately = frame["spend_365d"].astype("float64")
    if not {"monetary", "tenure_days", "recency_days"} <= set(frame.columns):
        return lately
    years = ((frame["tenure_days"] - frame["recency_days"]) / YEAR_DAYS).clip(lower=1.0)
    return pd.Series(np.fmax(lately, frame["monetary"] / years), index=frame.index)

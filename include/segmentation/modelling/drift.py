"""Drift of the customers since a model was made: the population stability index of each feature."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

DECILES = np.linspace(0.1, 0.9, 9)
COMMONEST = 10  # values of a category with a bin of their own
ADDED = 0.5  # customers in every bin, so that none is empty


def histogram(frame: pd.DataFrame) -> dict[str, dict[str, list]]:
    """Histograms for `psi` to compare with later: the bins of each feature, and the customers in each.

    Parameters
    ----------
    frame : DataFrame of shape (n_customers, n_features)
        Numbers and texts; unknown values have a bin of their own, the last.

    Returns
    -------
    dict, by feature
        JSON values: `bounds` (deciles) of a number or `values` (the ten commonest) of a text, and `counts`.
    """
    return {str(name): _bins(frame[name]) for name in frame.columns}


def _bins(column: pd.Series) -> dict[str, list]:
    if pd.api.types.is_numeric_dtype(column):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        values = values[~np.isnan(values)]
        bounds = (
            np.unique(np.quantile(values, DECILES, method="inverted_cdf")) if len(values) else np.empty(0)
        )
        bins: dict[str, list] = {"bounds": bounds.tolist()}
    else:
        counts = column.dropna().astype(str).value_counts()
        common = sorted(counts.index, key=lambda value: (-counts[value], value))[:COMMONEST]
        bins = {"values": common}
    return {**bins, "counts": _counts(column, bins).tolist()}


def _counts(column: pd.Series, bins: dict[str, list]) -> np.ndarray:
    if "bounds" in bins:
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        unknown = np.isnan(values)
        bin_numbers = np.searchsorted(np.asarray(bins["bounds"], dtype=np.float64), values, side="left")
        size = len(bins["bounds"]) + 1
    else:
        unknown = column.isna().to_numpy()
        bin_numbers = pd.Index(bins["values"]).get_indexer(
            column.astype(object).where(~unknown, "").astype(str)
        )
        size = len(bins["values"]) + 1
        bin_numbers = np.where(bin_numbers < 0, size - 1, bin_numbers)
    return np.bincount(np.where(unknown, size, bin_numbers), minlength=size + 1)


def psi(before: dict[str, dict[str, Any]], frame: pd.DataFrame) -> pd.Series:
    """Population stability index of each feature: sum over bins of (p - q) ln(p / q).

    p is the share of the customers of `frame` in a bin and q that of `before`, a `histogram`; half a customer
    is added to every bin. Below .1 hardly anything has moved, above .25 much has (Siddiqi 2006).

    Returns
    -------
    Series, index = feature, the farthest first
        Infinite for a feature that only one of the two has.
    """
    index_by_feature = {name: float("inf") for name in {*before, *map(str, frame.columns)}}
    for name in index_by_feature.keys() & before.keys() & set(map(str, frame.columns)):
        now = _counts(frame[name], before[name]) + ADDED
        then = np.asarray(before[name]["counts"], dtype=np.float64) + ADDED
        p, q = now / now.sum(), then / then.sum()
        index_by_feature[name] = float(((p - q) * np.log(p / q)).sum())
    order = sorted(index_by_feature, key=lambda name: (-index_by_feature[name], name))
    return pd.Series({name: index_by_feature[name] for name in order}, dtype=float)


def middle(
    before: dict[str, dict[str, Any]], frame: pd.DataFrame, feature: str
) -> tuple[float | None, float | None]:
    """Change of a feature: its median then and now; of a text the share of what was commonest then.

    The median then is the decile bound that half of the known values are up to.
    """
    bins = before.get(feature)
    if bins is None or feature not in frame:
        return None, None
    counts = np.asarray(bins["counts"][:-1], dtype=float)
    if "values" in bins:
        if not bins["values"] or not len(frame):
            return None, None
        share = float((frame[feature].astype(object) == bins["values"][0]).mean())
        return float(bins["counts"][0]) / max(sum(bins["counts"]), 1), share
    now = frame[feature].median()
    if not bins["bounds"] or not counts.sum():
        return None, None if np.isnan(now) else float(now)
    place = int(np.searchsorted(np.cumsum(counts), counts.sum() / 2))
    then = float(bins["bounds"][min(place, len(bins["bounds"]) - 1)])
    return then, None if np.isnan(now) else float(now)

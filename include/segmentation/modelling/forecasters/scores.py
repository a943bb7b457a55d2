"""Scores of a forecast against what came."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata, spearmanr
from sklearn.metrics import roc_auc_score

from segmentation.modelling.forecasters.base import Array, Expectation, Sample

TENTHS = 10


def scored(expected: Expectation, came: Sample) -> dict[str, float]:
    """AUC, Brier score and that of the base rate, calibration error, MAE, Spearman, the top tenth's money.

    What cannot be told (an AUC where everybody bought) is NaN. Top tenth: of all money that came, the share of
    the tenth of customers of whom most was expected.
    """
    bought, spend = came.bought, came.spend
    base = bought.mean()
    return {
        "auc": float(roc_auc_score(bought, expected.probability)) if 0 < base < 1 else np.nan,
        "brier": float(np.square(expected.probability - bought).mean()),
        "brier_base": float(base * (1 - base)),
        "calibration_error": calibration_error(expected.probability, bought.astype(float)),
        "mae": float(np.abs(expected.spend - spend).mean()),
        "spearman": _spearman(expected.spend, spend),
        "top_decile_share": top_share(expected.spend, spend),
    }


def calibration_error(probability: Array, bought: Array) -> float:
    """Mean distance of the probability said from the share that bought, over tenths of equal size."""
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, TENTHS) if part.size]
    off = [part.size * abs(probability[part].mean() - bought[part].mean()) for part in parts]
    return float(sum(off) / len(order))


def top_share(expected: Array, spend: Array) -> float:
    """Share of the money that the tenth with the highest expectation brought; ties share their places."""
    if spend.sum() <= 0:
        return np.nan
    places = rankdata(-expected, method="min")
    most = max(1, round(len(spend) / TENTHS))
    bound = np.sort(places)[most - 1]
    at, above = places == bound, places < bound
    share = (most - above.sum()) / at.sum()
    return float((spend[above].sum() + share * spend[at].sum()) / spend.sum())


def capture(expected: Array, spend: Array) -> float:
    """Goodness of the ranking of the money: 1 as the money itself, 0 as chance (the Gini coefficients' ratio)."""

    def area(by: Array) -> float:
        return float(np.dot(rankdata(by), spend))

    best, chance = area(spend), (len(spend) + 1) / 2 * spend.sum()
    return (area(expected) - chance) / (best - chance) if best > chance else 0.0


def _spearman(left: Array, right: Array) -> float:
    if np.ptp(left) == 0 or np.ptp(right) == 0:
        return np.nan
    return float(spearmanr(left, right).statistic)

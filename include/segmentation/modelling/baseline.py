"""The naive baseline: the partition that one would get without this project, shown beside the published one.

K-means with three clusters on raw age, gender, number of orders and average order value, as
textbooks do it. It is scored against the true labels of shops that have some; it takes no part in the choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

NAME = "naive baseline (k-means, k=3 on raw age, gender, orders and order value)"
ALGORITHM = "reference"
FEATURES = ("age_years", "gender", "frequency_orders", "average_order_value")


def leaderboard_row(frame: pd.DataFrame, truth: np.ndarray, seed: int) -> dict | None:
    """The baseline as a row of the leaderboard.

    Parameters
    ----------
    frame : DataFrame of shape (n_customers, n_features), in natural units
    truth : ndarray of shape (n_customers,), -1 where unknown

    Returns
    -------
    The row, or None for a shop that lacks a feature or has fewer than three customers.
    """
    import pandas as pd
    from sklearn.cluster import KMeans

    from segmentation.modelling.scores.agreement import external
    from segmentation.modelling.threads import one_thread

    if not set(FEATURES) <= set(frame.columns) or len(frame) < 3:
        return None
    raw = frame[list(FEATURES)].assign(gender=pd.factorize(frame["gender"], sort=True)[0])
    values = raw.fillna(raw.median()).fillna(0.0).to_numpy(dtype=float)
    with one_thread():
        labels = KMeans(3, n_init=10, random_state=seed).fit_predict(values)
    agreement = {name: round(value, 6) for name, value in external(labels, truth).items()}
    return {
        "candidate": NAME,
        "algorithm": ALGORITHM,
        "representation": "raw",
        "parameters": "{}",
        "k": 3,
        **agreement,
        "gates_failed": "reference",
        "error": "",
        "chosen": False,
    }

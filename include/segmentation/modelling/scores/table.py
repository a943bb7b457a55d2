"""Scores of all candidates at once, on the same customers.

Every score is a column; its definition is the docstring of the function that makes it, and
`DEFINITIONS` says it in a line. Noise is never scored as a cluster: it is left out, and
`coverage` stands beside.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from segmentation.modelling.constraints import DECIMALS, SHARES, constraints_violated
from segmentation.modelling.density import density_validity, reachability_tree
from segmentation.modelling.sampling import ordered
from segmentation.modelling.scores.agreement import _agreement, _is_forecast, consensus, external
from segmentation.modelling.scores.geometry import (
    _near_neighbours,
    described,
    mixture_gain,
    near_neighbour_dunn,
    neighbour_purity,
    silhouettes_with_errors,
    variance_scores,
)
from segmentation.modelling.scores.labels import _shares, _with_noise_settled
from segmentation.modelling.scores.prediction import (
    PREDICTIVE,
    Losses,
    Snapshot,
    Then,
    explainability,
    predictive,
)
from segmentation.modelling.scores.separation import separation
from segmentation.modelling.search import WARM, Candidate, Progress, silent
from segmentation.modelling.settings import ModelSettings
from segmentation.modelling.stability import FIELDS
from segmentation.modelling.threads import one_thread

CORE_NEIGHBOURS = 5
COSTLY = (
    "explainability",
    "mixture_gain",
    "separation",
)  # a tree, a Gaussian a segment, all pairs of segments

DEFINITIONS = {
    "coverage": "share of customers that are not noise",
    "smallest_share": "share of customers in the smallest segment",
    "largest_share": "share of customers in the largest segment",
    "silhouette": "mean silhouette width, -1..1; noise left out",
    "silhouette_error": "standard error of the silhouette where it is of a sample; 0: of everybody",
    "calinski_harabasz": "variance between segments over variance within, per degree of freedom",
    "davies_bouldin": "mean likeness of each segment to its most alike, 0 is best; noise left out",
    "described": "share of the variance of the features that membership explains, adjusted for k",
    "near_neighbour_dunn": "near neighbours: soft minimum distance between segments over mean within",
    "density_validity": "how much sparser it is between segments than within, -1..1 (DBCV)",
    "neighbour_purity": "0..1: how far near neighbours share a segment, against chance of its size",
    "consensus": "mean adjusted Rand index with the candidates of each algorithm",
    "separation": "how much emptier it is between a segment and its next than in both, 0..1",
    "mixture_gain": "nats a customer that a Gaussian a segment gains over one for all, after BIC",
    "stability": "mean adjusted Rand index with refits on subsamples",
    "stability_error": "standard error of the stability, over subsamples",
    "prediction_strength": "of the segment that keeps together worst in refits, its share of pairs kept",
    "segment_jaccard": "of the segment found again worst in refits, its mean Jaccard index",
    "explainability": "balanced accuracy of a depth-4 decision tree, on held-out customers",
    "predictive": "out-of-sample share of the next period's log spend that membership explains",
    "predictive_error": "standard error of predictive, over customers",
    "predictive_auc": "out-of-sample AUC of membership for buying at all in the next period",
    "predictive_auc_error": "standard error of predictive_auc",
    "predictive_season": "predictive of the same days of the year before; shown, never used",
    "predictive_season_error": "standard error of predictive_season",
    "rule_fidelity": "share of held-out customers whom rules in natural units put where they belong",
    "untold_segments": "segments without rules that hold at least 60 % of them with precision of 60 %",
    "moved_share": "share of customers who would change segment, clusters matched with those in use",
    "gain": "how much more of the spend it explains than the model in use",
    "gain_error": "paired standard error of the gain, over customers",
    "agreement_incumbent": "adjusted Rand index with the segments in use",
    "external_ari": "adjusted Rand index with true labels; shown, never used",
    "external_ami": "adjusted mutual information with true labels; shown, never used",
    "external_nmi": "normalised mutual information with true labels; shown, never used",
    "external_homogeneity": "each segment has one true label only, 0..1; shown, never used",
    "external_completeness": "each true label is in one segment only, 0..1; shown, never used",
}

ADDED_BY_THE_CHOICE = (
    *("predictive_season", "predictive_season_error", "rule_fidelity", "untold_segments"),
    *("moved_share", "gain", "gain_error"),
)


def score(
    candidates: Sequence[Candidate],
    X: pd.DataFrame | np.ndarray,
    settings: ModelSettings,
    *,
    incumbent: np.ndarray | None = None,
    truth: np.ndarray | None = None,
    snapshots: Mapping[str, Snapshot] | None = None,
    losses: Losses | None = None,
    progress: Progress = silent,
    leave_out: Collection[str] = (),
) -> pd.DataFrame:
    """All scores of all candidates that have labels.

    Parameters
    ----------
    X : DataFrame (index = customer_id) or ndarray, of shape (n_customers, n_columns)
        The matrix that candidates of every representation are compared in, its rows in the order of
        the candidates' labels.
    incumbent, truth : array of shape (n_customers,), optional
        Labels of the model in use, and true labels (-1 or NaN where unknown).
    snapshots : dict of Snapshot, optional
        By representation; without them there are no predictive scores.
    losses : Losses, optional
        Of the customers of the snapshots (`prediction.no_losses`); the candidates' errors are added to it.
    leave_out : names of `COSTLY` scores that are not wanted of all candidates

    Returns
    -------
    DataFrame
        Index: candidate names; columns: the keys of `DEFINITIONS` that apply, float64, NaN where a
        score is undefined (fewer than two clusters, say). The past is labelled by candidates that meet the
        constraints, and by the model in use: no other can win.
    """
    fitted = [c for c in candidates if not c.error]
    values, back = ordered(X)
    order = np.argsort(back)
    labels = [c.labels[order] for c in fitted]
    columns = [_shares(lab) for lab in labels]
    costly_names = [name for name in COSTLY if name not in leave_out]
    with one_thread():
        rows = paired_rows(len(values), settings)
        sample, on_sample = values[rows], [lab[rows] for lab in labels]
        progress(f"scoring {len(fitted)} candidates on {len(rows)} customers")
        neighbours, tree = _near_neighbours(sample), reachability_tree(sample, CORE_NEIGHBOURS)[0]
        published = [_with_noise_settled(sample, lab) for lab in on_sample]
        voices = [
            "" if _is_forecast(c.representation) or c.algorithm == WARM else c.algorithm for c in fitted
        ]
        for row, agreed in zip(columns, consensus(published, voices), strict=True):
            row["consensus"] = agreed
        for row, (width, error) in zip(columns, silhouettes_with_errors(sample, on_sample), strict=True):
            row["silhouette"] = width
            row["silhouette_error"] = error if len(rows) < len(values) else error * 0.0
        for row, candidate, lab, settled in zip(columns, fitted, on_sample, published, strict=True):
            row["calinski_harabasz"], row["davies_bouldin"] = variance_scores(sample, lab)
            row["described"] = described(sample, lab)
            row["near_neighbour_dunn"] = near_neighbour_dunn(*neighbours, lab)
            row["density_validity"] = density_validity(tree, lab)
            row["neighbour_purity"] = neighbour_purity(neighbours[1], settled)
            row |= _costly(sample, lab, settled, settings, costly_names)
            for name in FIELDS:
                row[name] = getattr(candidate, name)
        progress("comparing with the incumbent, the true labels and the next period, where known")
        customers_then: dict[str, Then] = {}
        for row, candidate, lab in zip(columns, fitted, labels, strict=True):
            if incumbent is not None:
                row["agreement_incumbent"] = _agreement(lab, np.asarray(incumbent)[order])
            row |= {} if truth is None else external(lab, np.asarray(truth)[order])
            snapshot = (snapshots or {}).get(candidate.representation)
            if snapshot is not None and not _may_win(candidate, row, settings):
                row |= dict.fromkeys(PREDICTIVE, float("nan"))
            elif snapshot is not None:
                then = customers_then.setdefault(candidate.representation, snapshot.neighbours())
                row |= predictive(candidate, snapshot, settings.seed, then, losses)
    table = pd.DataFrame(columns, index=pd.Index([c.name for c in fitted], name="candidate"))
    return table.reindex(columns=[name for name in DEFINITIONS if name in table]).astype(float)


def _may_win(candidate: Candidate, shares: dict[str, float], settings: ModelSettings) -> bool:
    is_old = candidate.algorithm in ("incumbent", WARM)
    rounded = {name: round(share, DECIMALS) for name, share in shares.items() if name in SHARES}
    return is_old or not constraints_violated(candidate, rounded, settings)


def costly(
    candidate: Candidate, X: pd.DataFrame | np.ndarray, settings: ModelSettings, names: Collection[str]
) -> dict[str, float]:
    """Some of the `COSTLY` scores of one candidate, as `score` has them."""
    values, back = ordered(X)
    rows = paired_rows(len(values), settings)
    sample, labels = values[rows], candidate.labels[np.argsort(back)][rows]
    with one_thread():
        return _costly(sample, labels, _with_noise_settled(sample, labels), settings, names)


def _costly(
    sample: np.ndarray,
    labels: np.ndarray,
    settled: np.ndarray,
    settings: ModelSettings,
    names: Collection[str],
) -> dict[str, float]:
    measures = {
        "explainability": lambda: explainability(sample, labels, settings.seed),
        "mixture_gain": lambda: mixture_gain(sample, settled),
        "separation": lambda: separation(sample, settled),
    }
    return {name: measures[name]() for name in names}


def paired_rows(n: int, settings: ModelSettings) -> np.ndarray:
    """One uniform sample for all candidates, so that they differ by themselves and not by luck."""
    if n <= settings.score_rows:
        return np.arange(n)
    return np.sort(np.random.default_rng(settings.seed).permutation(n)[: settings.score_rows])

"""Representations, in which customers are compared: matrices of one feature table, with candidates each.

All start with the same columns (checked, clipped, imputed, on a scale of their own, redundant ones
dropped) and differ in what becomes of them after. A representation is an entry of `REPRESENTATIONS`
and a case in `tests/modelling/test_representations.py`. `ALL` is always made: it is the space that
scores are computed in, for candidates of every representation, so that they stay comparable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.decomposition import PCA
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline

from segmentation.modelling.prepare import BLOCK_ROWS, Feature, make_pipeline
from segmentation.modelling.representations.forecast import Forecast, ForecastCache
from segmentation.modelling.representations.transformers import (
    RANKING_ROWS,
    FactorWeights,
    GroupSelector,
)
from segmentation.modelling.settings import PreparationSettings

ALL = "all"
FOLDS = 5
SEASON_FOLDS = 3
VARIANCE_KEPT = 0.9
ROWS_COMPARED = 1_000  # customers by whom two matrices are mostly told apart


@dataclass(frozen=True)
class TrainingSnapshot:
    """Customers as they were a horizon ago, and what they did since.

    Attributes
    ----------
    features : DataFrame of shape (n_then, n_features), index = customer_id
    spend : ndarray of shape (n_then,)
        Currency units within the horizon; 0 for who bought nothing.
    year_before : TrainingSnapshot, optional
        The same of a year ago: the season that is coming, as it was the last time.
    """

    features: pd.DataFrame
    spend: np.ndarray
    year_before: TrainingSnapshot | None = None


@dataclass(frozen=True)
class Representation:
    """An entry: how a prepared matrix goes on.

    Attributes
    ----------
    title : str
        In words, for the report.
    steps : (features, settings) -> list of (name, transformer)
        What follows the columns common to all.
    learns : bool
        Whether the last step is fitted on the customers of a horizon ago and what they spent since;
        a shop that is too young has no such representation.
    """

    name: str
    title: str
    steps: Callable[[Sequence[Feature], PreparationSettings], list[tuple[str, BaseEstimator]]]
    learns: bool = False


def _groups(features: Sequence[Feature]) -> dict[str, str]:
    return {feature.name: feature.group for feature in features}


def _weights(features: Sequence[Feature], settings: PreparationSettings) -> BaseEstimator:
    """The last step of the preparation that everything else is compared with."""
    return make_pipeline(features, settings)[-1]


REPRESENTATIONS = {
    entry.name: entry
    for entry in (
        Representation(
            ALL,
            "all features, groups weighted as the settings say",
            lambda features, settings: [("weight", _weights(features, settings))],
        ),
        Representation(
            "rfm",
            "recency, frequency and money only",
            lambda features, settings: [("rfm", GroupSelector(_groups(features)))],
        ),
        Representation(
            "balanced",
            "all features, groups balanced (multiple factor analysis)",
            lambda features, settings: [("balance", FactorWeights(_groups(features)))],
        ),
        Representation(
            "pca",
            "principal components of the weighted features",
            lambda features, settings: [
                ("weight", _weights(features, settings)),
                ("pca", PCA(VARIANCE_KEPT, svd_solver="full")),
            ],
        ),
        Representation(
            "forecast",
            "all features, groups balanced, and what they foretell by the shop's own past",
            lambda features, settings: [("forecast", Forecast(FactorWeights(_groups(features)), weight=0.5))],
            learns=True,
        ),
        Representation(
            "rfm_forecast",
            "recency, frequency and money, and what all features foretell by the shop's own past",
            lambda features, settings: [("forecast", Forecast(GroupSelector(_groups(features)), weight=3.0))],
            learns=True,
        ),
    )
}


def represent(
    table: pd.DataFrame,
    features: Sequence[Feature],
    settings: PreparationSettings,
    names: Sequence[str],
    snapshot: TrainingSnapshot | None = None,
) -> dict[str, tuple[Pipeline, pd.DataFrame]]:
    """The fitted pipeline and the matrix of each representation wanted, and of `ALL`.

    Parameters
    ----------
    table : DataFrame of shape (n_customers, >= n_features), index = customer_id
    snapshot : TrainingSnapshot, optional
        Without it the representations that learn are left out.

    Returns
    -------
    dict
        Each pipeline goes from the feature table to its matrix, of shape (n_customers, n_columns),
        ordered by customer. One whose matrix would not differ from an earlier one is left out.

    Raises
    ------
    ValueError
        See `prepare.prepare`; or a representation is unknown.
    """
    in_turn = represented(table, features, settings, names, snapshot)
    return {name: (pipeline, matrix) for name, pipeline, matrix in in_turn}


def represented(
    table: pd.DataFrame,
    features: Sequence[Feature],
    settings: PreparationSettings,
    names: Sequence[str],
    snapshot: TrainingSnapshot | None = None,
) -> Iterator[tuple[str, Pipeline, pd.DataFrame]]:
    """Yield what `represent` returns, one by one: a matrix of a million customers is as large as their features.

    Whoever takes them one by one, and keeps neither the table nor a matrix, has two of them in memory at most.
    """
    if table.empty:
        raise ValueError("no customers to prepare")
    if not table.index.is_unique:
        raise ValueError("a customer occurs more than once in the feature table")
    common = Pipeline(make_pipeline(features, settings).steps[:-1]).set_output(transform="pandas")
    scaled = table.sort_index()
    del table
    for _, step in common.steps:  # as the pipeline would, which keeps what it is given
        scaled = step.fit_transform(scaled)
    scaled = _in_one_block(scaled)
    cache = ForecastCache()
    training = None if snapshot is None else _training_data(common, snapshot)
    earlier: list[tuple[Pipeline, pd.DataFrame]] = []
    for name in dict.fromkeys([ALL, *names]):
        entry = REPRESENTATIONS[name]
        own = Pipeline(entry.steps(features, settings)).set_output(transform="pandas")
        if entry.learns:
            if training is None:
                continue
            shown = {"today": scaled, "season": training.get("season"), "cache": cache}
            own.fit(*training["then"], **{f"forecast__{key}": value for key, value in shown.items()})
            matrix = own.transform(scaled)
        else:
            matrix = _fit_transform(own, scaled)
        if not any(_is_same(matrix, before, first, scaled) for before, first in earlier):
            earlier.append((own, matrix.iloc[:ROWS_COMPARED].copy()))
            yield name, Pipeline([*common.steps, *own.steps]), matrix
        del matrix


def _fit_transform(own: Pipeline, scaled: pd.DataFrame) -> pd.DataFrame:
    """Fit and transform as the pipeline does; principal components of many customers by a summary of them."""
    pca = own[-1]
    if not isinstance(pca, PCA) or len(scaled) <= BLOCK_ROWS:
        return own.fit_transform(scaled)
    matrix = own[:-1].fit_transform(scaled)
    pca.fit(_summary(matrix))
    return pca.transform(matrix)


def _summary(matrix: pd.DataFrame) -> pd.DataFrame:
    """A few rows with the mean and the covariance of all, so that they have the same principal components.

    The triangle R of a QR decomposition has R'R = X'X as the centred X itself, and as exactly as its singular values
    (Golub, Van Loan 2013, 5.4.5); it is found from blocks of rows. Each row of it stands on both sides of the mean.
    """
    mean = matrix.mean().to_numpy()
    triangle = np.empty((0, len(mean)))
    for start in range(0, len(matrix), BLOCK_ROWS):
        block = matrix.iloc[start : start + BLOCK_ROWS].to_numpy() - mean
        triangle = np.asarray(np.linalg.qr(np.vstack([triangle, block]), mode="r"))
    rows = 2 * len(triangle)
    sides = triangle * np.sqrt((rows - 1) / (2 * (len(matrix) - 1)))
    return pd.DataFrame(np.vstack([mean + sides, mean - sides]), columns=matrix.columns)


def _is_same(matrix: pd.DataFrame, before: Pipeline, first: pd.DataFrame, scaled: pd.DataFrame) -> bool:
    """The matrix is that of an earlier pipeline, whose `first` rows are known; a second look is at all."""
    if matrix.shape[1] != first.shape[1] or not np.allclose(matrix.iloc[: len(first)], first):
        return False
    return len(matrix) <= len(first) or np.allclose(matrix, before.transform(scaled))


def _training_data(
    common: Pipeline, snapshot: TrainingSnapshot
) -> dict[str, tuple[pd.DataFrame, np.ndarray]]:
    """X and y of what is learned from, in the columns common to all."""
    of = {"then": snapshot} | ({"season": snapshot.year_before} if snapshot.year_before is not None else {})
    return {
        name: (_in_one_block(common.transform(each.features)), np.log1p(each.spend))
        for name, each in of.items()
    }


def _in_one_block(columns: pd.DataFrame) -> pd.DataFrame:
    """Columns as numbers side by side, which later steps read where they are."""
    return pd.DataFrame(columns.to_numpy(np.float64), columns.index, columns.columns, copy=False)


def learned_again(pipeline: Pipeline, table: pd.DataFrame, snapshot: TrainingSnapshot) -> Pipeline:
    """The preparation with its forecast learned again of the last horizon, on the scale of before.

    All else stays as it was, so that a labeller goes on in it. A pipeline that learns nothing is given back.

    Parameters
    ----------
    table : DataFrame of shape (n_customers, >= n_features), index = customer_id
        Today's customers.
    """
    step = pipeline[-1]
    if not isinstance(step, Forecast):
        return pipeline
    common = pipeline[:-1]
    training = _training_data(common, snapshot)
    shown = np.sort(np.random.default_rng(step.seed).permutation(len(table))[:RANKING_ROWS])
    today = _in_one_block(common.transform(table.iloc[shown]))
    again = clone(step).fit(
        *training["then"], today=today, season=training.get("season"), factor=step.factor_
    )
    again.beside_ = step.beside_
    return Pipeline([*pipeline.steps[:-1], (pipeline.steps[-1][0], again)])


def cross_fitted(
    pipeline: Pipeline,
    snapshot: TrainingSnapshot,
    seed: int,
    of: str = "then",
    cache: ForecastCache | None = None,
) -> np.ndarray:
    """The matrix of the customers of a horizon ago; what `pipeline` learned from them is cross-fitted.

    `of` "season": of those of a year before that, where the snapshot has them. `cache` is shared by pipelines.

    A step that learned from these customers would predict its own training set well. So the rows of
    each of 5 folds come from that step fitted on the other folds; of 3 for the season, which is only shown.

    Returns
    -------
    ndarray of shape (n_then, n_columns)
    """
    step, source = pipeline[-1], snapshot
    if of == "season" and snapshot.year_before is not None:
        source = snapshot.year_before
    if not isinstance(step, Forecast):
        return pipeline.transform(source.features).to_numpy()
    training = _training_data(pipeline[:-1], snapshot)
    values, outcome = training[of]
    matrix = np.empty((len(values), len(step.get_feature_names_out())))
    cache = cache or ForecastCache()
    folds = KFold(SEASON_FOLDS if of == "season" else FOLDS, shuffle=True, random_state=seed)
    for learned, held in folds.split(values):
        refitted = clone(step)
        shown = {**training, of: (values.iloc[learned], outcome[learned])}
        # one scale, that of the segments
        refitted.fit(
            *shown["then"], today=values, season=shown.get("season"), cache=cache, factor=step.factor_
        )
        matrix[held] = refitted.transform(values.iloc[held])
    return matrix

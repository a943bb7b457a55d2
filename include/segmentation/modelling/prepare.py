"""Features to the matrix that customers are compared in: one scikit-learn Pipeline.

    check -> by kind (impute with indicator, clip, log, scale; categories one-hot) -> drop constant
    and correlated columns -> weight feature groups

scikit-learn does what it can. Own estimators remain where it has none that fits: feature-engine's
`Winsorizer` refuses constant and null columns, which a young shop has, and neither it nor skrub
weights groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectorMixin
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, PowerTransformer, StandardScaler
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from segmentation.modelling.settings import PreparationSettings

UNKNOWN = "unknown"
INDICATOR = "missingindicator_"
COLUMNS_AT_ONCE = 8
BLOCK_ROWS = 65_536  # at a time, of what has a row for every customer


class Feature(Protocol):
    """The part of a feature's definition that preparation reads.

    `transform` is "log" (counts, money, durations), "linear", "share" (0..1), "power"
    (Yeo-Johnson) or "category" (text).
    """

    @property
    def name(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def transform(self) -> str: ...


class FeatureCheck(TransformerMixin, BaseEstimator):
    """Select the known features, in their defined order, and refuse what no feature may hold.

    Parameters
    ----------
    numeric, categorical : list of str
        Column names; numbers become float64, categories become text or NaN.

    Raises
    ------
    ValueError
        A column is absent, not numeric, or infinite; the message names every such column.
    """

    def __init__(self, numeric: Sequence[str] = (), categorical: Sequence[str] = ()):
        self.numeric = numeric
        self.categorical = categorical

    def fit(self, X: pd.DataFrame, y=None) -> FeatureCheck:
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.n_features_in_ = X.shape[1]
        self.transform(X)
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        names = [*self.numeric, *self.categorical]
        absent = [name for name in names if name not in X.columns]
        if absent:
            raise ValueError(f"features absent from the table: {', '.join(absent)}")
        checked = {name: _number(X[name]) for name in self.numeric}
        infinite = [name for name, column in checked.items() if np.isinf(column).any()]
        if infinite:
            raise ValueError(f"infinite values in: {', '.join(infinite)}")
        checked |= {name: _category(X[name]) for name in self.categorical}
        return pd.DataFrame(checked, index=X.index, columns=names)

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        return np.asarray([*self.numeric, *self.categorical], dtype=object)


def _number(column: pd.Series) -> np.ndarray:
    try:
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{column.name} is not numeric: {error}") from None


def _category(column: pd.Series) -> np.ndarray:
    is_known = column.notna().to_numpy()
    return np.where(is_known, column.astype(object).where(is_known, "").astype(str), np.nan).astype(object)


class QuantileClipper(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Clip each column to two of its own quantiles; NaN passes through.

    Parameters
    ----------
    lower, upper : float
        Quantiles in 0..1.

    Attributes
    ----------
    lower_, upper_ : ndarray of shape (n_features,)
        Bounds, in the column's unit; infinite for a column without any value.
    """

    def __init__(self, lower: float = 0.001, upper: float = 0.999):
        self.lower = lower
        self.upper = upper

    def fit(self, X, y=None) -> QuantileClipper:
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan")
        bounds = np.array([self._bounds(column) for column in X.T]).reshape(-1, 2)
        self.lower_, self.upper_ = bounds.T.copy()
        return self

    def _bounds(self, column: np.ndarray) -> tuple[float, float]:
        """Bounds of one column at a time: quantiles sort a copy."""
        if np.isnan(column).all():
            return -np.inf, np.inf
        low, high = np.nanquantile(column, [self.lower, self.upper])
        return low, high

    def transform(self, X) -> np.ndarray:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        return np.clip(X, self.lower_, self.upper_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class RedundancyFilter(SelectorMixin, BaseEstimator):
    """Drop constant columns, and columns that repeat an earlier one.

    Columns are taken in the order they arrive, so of two that say the same the earlier one stays,
    whatever the data. When all are constant, the first stays.

    Parameters
    ----------
    threshold : float
        Absolute Pearson correlation above which the later column goes.
    """

    def __init__(self, threshold: float = 0.95):
        self.threshold = threshold

    def fit(self, X, y=None) -> RedundancyFilter:
        is_frame = isinstance(X, pd.DataFrame) and len(X) > 0  # whose blocks are checked as they are read
        X = validate_data(self, X, **({"skip_check_array": True} if is_frame else {"dtype": np.float64}))
        correlation, varies = _correlations(X)
        self.kept_ = np.zeros(X.shape[1], dtype=bool)
        for column in np.flatnonzero(varies):
            self.kept_[column] = not (correlation[column, self.kept_] > self.threshold).any()
        if not self.kept_.any():
            self.kept_[0] = True
        return self

    def _get_support_mask(self) -> np.ndarray:
        check_is_fitted(self)
        return self.kept_


def _correlations(X: pd.DataFrame | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Absolute Pearson correlations of columns, and which of them vary, from blocks of rows.

    Centred copies of a million customers in a hundred columns would take gigabytes.
    """
    n, columns = X.shape
    mean, largest, scatter = np.zeros(columns), np.zeros(columns), np.zeros((columns, columns))
    for block in _blocks(X):
        mean += block.sum(axis=0) / n
        np.maximum(largest, np.abs(block).max(axis=0), out=largest)
    for block in _blocks(X):
        block -= mean
        scatter += block.T @ block
    norms = np.sqrt(scatter.diagonal())
    varies = norms > 1e-10 * np.maximum(largest * np.sqrt(n), 1e-300)
    divisors = np.where(varies, norms, 1.0)
    return np.abs(scatter / np.outer(divisors, divisors)), varies


def _blocks(X: pd.DataFrame | np.ndarray) -> Iterator[np.ndarray]:
    """Copies of some rows at a time, float64."""
    size = BLOCK_ROWS // 4
    for start in range(0, len(X), size):
        yield check_array(X[start : start + size], dtype=np.float64, copy=True)


class GroupWeights(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Scale columns so that each feature group has the total variance that its weight says.

    A squared distance is then a weighted sum over groups, not over columns: twenty browsing
    columns count as much as three of spending. (Multiple factor analysis divides by a group's
    first eigenvalue instead, and leaves large groups more weight.)

    Parameters
    ----------
    groups : dict
        Group of each feature, by the feature's name; a column made of a feature (an indicator, a
        category) belongs to the feature's group.
    weights : dict
        Variance of each group, by group.
    default : float
        Variance of a group not in `weights`.

    Attributes
    ----------
    factors_ : ndarray of shape (n_features,)
        What each column is multiplied by.

    Notes
    -----
    factor of column j of group g = sqrt(weight_g / sum of var_i over i in g)
    """

    def __init__(self, groups: dict | None = None, weights: dict | None = None, default: float = 1.0):
        self.groups = groups
        self.weights = weights
        self.default = default

    def fit(self, X, y=None) -> GroupWeights:
        X = validate_data(self, X, dtype=np.float64)
        names = self.get_feature_names_out()
        variance = pd.Series(X.var(axis=0), index=range(len(names)))
        group = pd.Series([group_of(name, self.groups or {}) for name in names], dtype=object)
        total = variance.groupby(group).transform("sum").to_numpy()
        weight = group.map(lambda name: (self.weights or {}).get(name, self.default)).to_numpy(dtype=float)
        self.factors_ = np.sqrt(weight / np.where(total > 0, total, 1.0))
        return self

    def transform(self, X) -> np.ndarray:
        check_is_fitted(self)
        return validate_data(self, X, dtype=np.float64, reset=False) * self.factors_


def group_of(column: str, groups: dict) -> str:
    """Group of the feature that `column` was made of: the longest name that it starts with."""
    stem = column.removeprefix(INDICATOR)
    owners = [name for name in groups if stem == name or stem.startswith(f"{name}_")]
    return groups[max(owners, key=len)] if owners else ""


def signed_log(X: np.ndarray | pd.DataFrame) -> np.ndarray | pd.DataFrame:
    """sign(x) log(1 + |x|): the log of counts and money, defined for refunds too."""
    if not isinstance(X, pd.DataFrame):
        return np.sign(X) * np.log1p(np.abs(X))
    logs = np.empty(X.shape[::-1])
    for row, name in zip(logs, X.columns, strict=True):  # one at a time: each step of it is a copy
        row[:] = signed_log(X[name].to_numpy())
    return pd.DataFrame(logs.T, X.index, X.columns, copy=False)


def make_pipeline(features: Iterable[Feature], settings: PreparationSettings) -> Pipeline:
    """The preparation of `features` (table of customers x features) as one unfitted Pipeline.

    Its output is a DataFrame of float64 with one row a customer; columns are named after the
    feature, `missingindicator_<feature>` or `<feature>_<category>`. Fit it on rows ordered by
    customer, or use :func:`prepare`: sums in another order differ in the last bit.

    Raises
    ------
    ValueError
        No feature is left, or a transform is unknown; on fit and transform, see `FeatureCheck`.
    """
    used = [f for f in features if settings.group_weights.get(f.group, settings.default_group_weight) > 0]
    if not used:
        raise ValueError("no feature to prepare: the list is empty or every group has weight 0")
    unknown = sorted({f.transform for f in used} - {*_NUMERIC, "category"})
    if unknown:
        raise ValueError(f"unknown transform: {', '.join(unknown)}")
    numeric = [f.name for f in used if f.transform != "category"]
    categorical = [f.name for f in used if f.transform == "category"]
    by_kind = [
        (f"{kind}_{number}", _numeric(kind, settings), names)
        for kind in _NUMERIC
        for number, names in enumerate(_some_at_a_time([f.name for f in used if f.transform == kind]))
    ]
    by_kind.append(("category", _categorical(settings), categorical))
    by_kind.append(("missing", MissingIndicator(features="all"), numeric))
    columns = ColumnTransformer(
        [entry for entry in by_kind if entry[2]], sparse_threshold=0, verbose_feature_names_out=False
    )
    steps = [
        ("check", FeatureCheck(numeric, categorical)),
        ("by_kind", columns),
        ("redundant", RedundancyFilter(settings.correlation_threshold)),
        (
            "weight",
            GroupWeights(
                {f.name: f.group for f in used}, dict(settings.group_weights), settings.default_group_weight
            ),
        ),
    ]
    return Pipeline(steps).set_output(transform="pandas")


def _some_at_a_time(names: list[str]) -> list[list[str]]:
    """Columns that are imputed together: medians are taken of a copy, four times as large as they are."""
    return [names[start : start + COLUMNS_AT_ONCE] for start in range(0, len(names), COLUMNS_AT_ONCE)]


_NUMERIC = {
    "log": lambda: FunctionTransformer(signed_log, feature_names_out="one-to-one"),
    "linear": None,
    "share": None,
    "power": PowerTransformer,
}


def _numeric(kind: str, settings: PreparationSettings) -> Pipeline:
    """Clip before imputing, so that the median's copies do not move the quantiles."""
    shape = _NUMERIC[kind]
    steps = [
        ("clip", QuantileClipper(settings.clip_lower, settings.clip_upper)),
        ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
        *([("shape", shape())] if shape else []),
        ("scale", StandardScaler()),
    ]
    return Pipeline(steps)


def _categorical(settings: PreparationSettings) -> Pipeline:
    one_hot = OneHotEncoder(
        handle_unknown="infrequent_if_exist", min_frequency=settings.min_category_share, sparse_output=False
    )
    impute = SimpleImputer(strategy="constant", fill_value=UNKNOWN, keep_empty_features=True)
    return Pipeline([("impute", impute), ("one_hot", one_hot)])


def prepare(
    table: pd.DataFrame, features: Iterable[Feature], settings: PreparationSettings
) -> tuple[Pipeline, pd.DataFrame]:
    """Fit the preparation on `table` and return it with the matrix, both independent of row order.

    Parameters
    ----------
    table : DataFrame of shape (n_customers, >= n_features), index = customer_id
        NaN where unknown.

    Returns
    -------
    Pipeline, DataFrame of shape (n_customers, n_columns)
        The matrix is ordered by customer.

    Raises
    ------
    ValueError
        The table is empty, a customer occurs twice, or see :func:`make_pipeline`.
    """
    if table.empty:
        raise ValueError("no customers to prepare")
    if not table.index.is_unique:
        raise ValueError("a customer occurs more than once in the feature table")
    pipeline = make_pipeline(features, settings)
    return pipeline, pipeline.fit_transform(table.sort_index())

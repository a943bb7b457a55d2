"""Fit and choose on a frame of one's own, without Airflow and without a database: `segment_customers`."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api import types
from scipy import stats

from segmentation.errors import SettingsError
from segmentation.modelling import assign, choose, search
from segmentation.modelling.algorithms import registry
from segmentation.modelling.algorithms.base import Algorithm, Fitted, k_trials
from segmentation.modelling.labellers import NeighbourLabeller
from segmentation.modelling.prepare import prepare
from segmentation.modelling.sampling import evaluation_rows
from segmentation.modelling.scores import table as scores
from segmentation.modelling.search import fit_algorithm
from segmentation.modelling.settings import ModelSettings, PreparationSettings
from segmentation.segments import identity

USUAL = ("kmeans", "ward", "gaussian_mixture")
TRANSFORMS = ("log", "linear", "share", "power", "category")
SKEWED = 1.0  # skewness from which numbers that are never negative are compared by their logarithm


@dataclass(frozen=True)
class OwnFeature:
    """A column to compare customers by; each has the weight of its own group."""

    name: str
    transform: str

    @property
    def group(self) -> str:
        """Its own: all columns weigh the same."""
        return self.name


@dataclass(frozen=True)
class Segmentation:
    """Segments of a frame.

    Attributes
    ----------
    customers : DataFrame
        Index as the frame's, ordered; `segment` (from 1), `confidence` (0 to 1), `is_outlier`.
    leaderboard : DataFrame
        A row a candidate, the best first, with scores and the constraints that it violates.
    verdict : str
        Why the winner won, or why there is but one segment.
    model : Model or None
        The winner with its preparation; None where there is no structure.
    """

    customers: pd.DataFrame
    leaderboard: pd.DataFrame
    verdict: str
    model: assign.Model | None
    segment_ids: tuple[int, ...]

    def label(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Label other customers, or the same another day, by the model: as `customers`."""
        if self.model is None or self.model.pipeline is None:
            return _named(assign.assign(None, frame.sort_index()), self.segment_ids)
        matrix = self.model.pipeline.transform(frame.sort_index())
        return _named(assign.assign(self.model, matrix), self.segment_ids)

    def profiles(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Customers and means of the number columns by segment: a row a segment."""
        rows = frame.loc[self.customers.index]
        by_segment = rows.select_dtypes("number").groupby(self.customers["segment"])
        return by_segment.mean().assign(customers=by_segment.size())


def segment_customers(
    frame: pd.DataFrame,
    k: int | None = None,
    *,
    columns: Sequence[str] | None = None,
    algorithms: Sequence[str | Algorithm] = USUAL,
    transforms: Mapping[str, str] | None = None,
    weights: Mapping[str, float] | None = None,
    before: pd.Series | None = None,
    settings: ModelSettings | None = None,
    progress: search.Progress = search.silent,
) -> Segmentation:
    """Search over algorithms and numbers of segments, choose by evidence, label everybody.

    Parameters
    ----------
    frame : DataFrame of shape (n_customers, n_columns), index = customer_id
        Numbers and texts; NaN where unknown.
    k
        Number of segments; by default what the evidence says, from 3 to 10.
    columns
        Those to compare customers by; by default all.
    algorithms
        Names of the registry (`segmentation.modelling.algorithms.registry()`), and `own_algorithm`s.
    transforms
        `log`, `linear`, `share`, `power` or `category` by column; by default texts are categories, and numbers
        that are never negative and skewed are compared by their logarithm.
    weights
        Variance of a column in the distance; 1 by default, 0 leaves it out.
    before : Series, index = customer_id
        Segments of an earlier frame, whose ids are kept where more than three tenths are the same customers.
    settings
        Everything else of the search; `k` and `algorithms` win over it.

    Returns
    -------
    Segmentation

    Raises
    ------
    SettingsError
        A column, transform or algorithm is unknown.
    ValueError
        The frame has no rows, or a customer twice.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from segmentation import segment_customers
    >>> chance = np.random.default_rng(0)
    >>> kinds = np.repeat([0, 1, 2], 60)
    >>> shop = pd.DataFrame(
    ...     {
    ...         "orders": np.array([1, 8, 30])[kinds] + chance.integers(0, 3, 180),
    ...         "recency_days": np.array([200, 60, 5])[kinds] + chance.integers(0, 20, 180),
    ...     },
    ...     index=[f"c{n:03d}" for n in range(180)],
    ... )
    >>> found = segment_customers(shop, k=3, algorithms=["kmeans"])
    >>> found.customers["segment"].value_counts().to_dict()
    {1: 60, 2: 60, 3: 60}
    >>> found.profiles(shop)["orders"].round().tolist()
    [2.0, 9.0, 31.0]
    """
    features = _features(frame, columns, dict(transforms or {}))
    search_settings = _search_settings(settings or ModelSettings(), k, algorithms)
    preparation = PreparationSettings(group_weights=dict(weights or {}))
    pipeline, matrix = prepare(frame, features, preparation)
    fitted = [
        candidate
        for algorithm in algorithms
        for candidate in fit_algorithm(algorithm, matrix, search_settings, progress)
    ]
    evaluated = matrix.iloc[evaluation_rows(matrix, search_settings)]
    scored = scores.score(fitted, evaluated, search_settings, progress=progress)
    decided = choose.choose(fitted, scored, search_settings, n_customers=len(matrix))
    model = assign.make_model(decided.winner, matrix, pipeline) if decided.winner is not None else None
    assigned = assign.assign(model, matrix)
    ids = _ids(assigned["label"], before)
    return Segmentation(_named(assigned, ids), decided.leaderboard, decided.verdict, model, ids)


def _features(
    frame: pd.DataFrame, columns: Sequence[str] | None, transforms: dict[str, str]
) -> list[OwnFeature]:
    names = list(frame.columns if columns is None else columns)
    for name in (*names, *transforms):
        if name not in frame.columns:
            raise SettingsError(f"the frame has no column '{name}' (it has: {', '.join(map(str, frame))})")
    for name, transform in transforms.items():
        if transform not in TRANSFORMS:
            raise SettingsError(f"{name}: unknown transform '{transform}' (known: {', '.join(TRANSFORMS)})")
    return [OwnFeature(name, transforms.get(name) or usual_transform(frame[name])) for name in names]


def usual_transform(column: pd.Series) -> str:
    """Transform of a column by what is in it.

    >>> usual_transform(pd.Series(["DE", "FR", None]))
    'category'
    >>> usual_transform(pd.Series([0.1, 0.9, 0.5]))
    'share'
    >>> usual_transform(pd.Series([1, 2, 1, 3, 250]))
    'log'
    """
    if not types.is_numeric_dtype(column) or types.is_bool_dtype(column):
        return "category"
    values = column.dropna().astype(float)
    if values.between(0, 1).all():
        return "share"
    is_skewed = bool((values >= 0).all()) and stats.skew(values) > SKEWED
    return "log" if is_skewed else "linear"


def own_algorithm(
    name: str, labels: Callable[[np.ndarray, int, int], np.ndarray], max_rows: int = 10_000
) -> Algorithm:
    """Make an algorithm of a function, to be searched beside those of the registry.

    Parameters
    ----------
    labels : (X, k, seed) -> array of shape (n_customers,)
        Cluster of each row of the prepared matrix X, from 0; -1 is noise.
    max_rows
        Above it a sample is fitted; whoever is not in it gets the segment of the nearest customers.

    Examples
    --------
    >>> from sklearn.cluster import AgglomerativeClustering
    >>> complete = own_algorithm(
    ...     "complete", lambda X, k, seed: AgglomerativeClustering(k, linkage="complete").fit_predict(X)
    ... )
    >>> complete.name
    'complete'
    """
    return Algorithm(
        name=name,
        trials=lambda X, settings: k_trials(settings),
        fit=lambda X, shared, params, seed: Fitted(
            NeighbourLabeller(X, np.asarray(labels(X, params["k"], seed), dtype=np.int64))
        ),
        max_rows=max_rows,
        labels_rest="nearest labelled customer",
        confidence="share of the 15 nearest labelled customers that agree",
    )


def _search_settings(
    settings: ModelSettings, k: int | None, algorithms: Sequence[str | Algorithm]
) -> ModelSettings:
    available, names = registry(), [name for name in algorithms if isinstance(name, str)]
    if unknown := [name for name in names if name not in available]:
        raise SettingsError(f"algorithm '{unknown[0]}' is unknown (known: {', '.join(sorted(available))})")
    if k is not None and not 2 <= k <= 50:
        raise SettingsError(f"k={k}: expected a number of segments between 2 and 50")
    bounds = {"k_min": k, "k_max": k} if k is not None else {}
    return settings.model_copy(update={**({"algorithms": tuple(names)} if names else {}), **bounds})


def _ids(labels: pd.Series, before: pd.Series | None) -> tuple[int, ...]:
    """Id of each cluster, in the order of clusters: the earlier one, else one that was never given."""
    clusters = sorted(int(label) for label in labels.unique())
    if before is None:
        return tuple(cluster + 1 for cluster in clusters)
    both = pd.DataFrame({"cluster": labels, "segment": before}).dropna().astype(int)
    overlap = Counter(zip(both["cluster"].tolist(), both["segment"].tolist(), strict=True))
    free = int(max(before.dropna(), default=0)) + 1
    ids = []
    for match in identity.match(dict(overlap), clusters):
        ids.append(match.segment_id or free)
        free += match.segment_id is None
    return tuple(ids)


def _named(assigned: pd.DataFrame, ids: tuple[int, ...]) -> pd.DataFrame:
    """The assignment under ids in place of cluster numbers, which mean nothing from one fit to the next."""
    segment = np.array(ids)[assigned["label"].to_numpy()]
    return assigned.drop(columns="label").assign(segment=segment)[["segment", "confidence", "is_outlier"]]

"""Fit the trials of one algorithm: `fit_algorithm`, the body of a mapped task."""

from __future__ import annotations

import json
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from segmentation.modelling import algorithms, stability
from segmentation.modelling.algorithms.base import Algorithm, Fitted, Params
from segmentation.modelling.labellers import NOISE, Labeller, Neighbours, label_with
from segmentation.modelling.sampling import SearchSample
from segmentation.modelling.settings import ModelSettings
from segmentation.modelling.threads import one_thread
from segmentation.modelling.trials import OUT_OF_BOUNDS, Trials

Progress = Callable[[str], None]
WARM = "continued"  # the algorithm of candidates that start from the model in use


def silent(_message: str) -> None:
    """The default progress callback."""


@dataclass(frozen=True)
class Candidate:
    """One way to segment the customers.

    Attributes
    ----------
    name : str
        Unique in a run: algorithm, parameters, and the representation where it is not "all".
    labels : ndarray of shape (n_evaluated,), int64
        Of the customers of `sampling.evaluation_rows`, in the order of the matrix's rows; -1 is noise; 0 is
        the largest cluster, ties by the first customer in the order of ids, so that numbers do not
        depend on the run. They never
        leave as segment ids all the same.
    confidence : ndarray of shape (n_evaluated,), 0..1
    stability : float
        Mean ARI with refits on subsamples; NaN when not measured. `prediction_strength` and
        `segment_jaccard`: of the segment that fares worst there, see `modelling.stability`.
    representation : str
        Which matrix it was fitted on, see `modelling.representations`; "incumbent" is its own.
    labeller : Labeller or None
        Labels anybody, now or another night; None when the fit failed.
    error : str
        Why the fit failed; empty when it did not.
    """

    name: str
    algorithm: str
    params: Params
    k: int = 0
    labels: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    confidence: np.ndarray = field(default_factory=lambda: np.empty(0))
    converged: bool = False
    stability: float = float("nan")
    stability_error: float = float("nan")
    prediction_strength: float = float("nan")
    segment_jaccard: float = float("nan")
    representation: str = "all"
    labeller: Labeller | None = None
    fitted_rows: int = 0
    seconds: float = 0.0
    error: str = ""

    @property
    def fitted(self) -> Labeller:
        """The labeller of a fit that did not fail.

        Raises
        ------
        ValueError
            It did.
        """
        if self.labeller is None:
            raise ValueError(f"{self.name} has no labeller: {self.error}")
        return self.labeller


def fit_algorithm(
    name: str | Algorithm,
    X: pd.DataFrame | np.ndarray | SearchSample,
    settings: ModelSettings,
    progress: Progress = silent,
    first: Sequence[Params] = (),
) -> list[Candidate]:
    """Fit every trial of algorithm `name`, label customers by each, measure its stability.

    Parameters
    ----------
    name : str or Algorithm
        An entry of the registry, or an algorithm that is in no registry.
    X : DataFrame (index = customer_id) or ndarray, of shape (n_customers, n_columns), or SearchSample
        A prepared matrix without NaN, or the search sample of it. A DataFrame is fitted in the order of
        its index, so the order of its rows changes nothing; an array is taken as it is.
    first : parameters
        Tried before all others: what ranked highest on the parent date.

    Returns
    -------
    list of Candidate
        One a trial, with the labels of `sampling.evaluation_rows`: everybody, unless there are too many.
        A fit that fails, or takes too long, is a candidate with an `error`.

    Raises
    ------
    ValueError
        The algorithm is unknown, or the matrix is empty or not finite.
    """
    algorithm = name if isinstance(name, Algorithm) else algorithms.get(name)
    sample = X if isinstance(X, SearchSample) else SearchSample.of(X, settings)
    evaluated = np.sort(sample.evaluated)  # the same customers in the order of fitting
    back = np.searchsorted(evaluated, sample.evaluated)
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what matters of them is in `converged` and `error`
        candidates = _search(algorithm, sample, evaluated, settings, first, progress)
    return [
        replace(c, labels=c.labels[back], confidence=c.confidence[back]) if not c.error else c
        for c in candidates
    ]


def incumbent(labeller: Labeller, X: pd.DataFrame | np.ndarray, name: str = "incumbent") -> Candidate:
    """The model in use as a candidate: it labels today's matrix and keeps its cluster numbers."""
    labels, confidence = labeller.label(np.ascontiguousarray(X, dtype=np.float64))
    k = len(np.unique(labels[labels != NOISE]))
    return Candidate(name, "incumbent", {}, k, labels, confidence, converged=True, labeller=labeller)


def _search(
    algorithm: Algorithm,
    sample: SearchSample,
    evaluated: np.ndarray,
    settings: ModelSettings,
    first: Sequence[Params],
    progress: Progress,
) -> list[Candidate]:
    rows = sample.sample(min(algorithm.max_rows, settings.max_fit_rows))
    training, X = sample.X[rows], sample.X[evaluated]
    trials = Trials(
        algorithm.trials(training, settings),
        dict(algorithm.ranges),
        settings.trials,
        settings.seed,
        first,
        algorithm.has_criterion,
    )
    candidates, near = [], Neighbours(X)
    started = time.perf_counter()
    for params, fitted in _fits(algorithm, training, trials, settings):
        candidate = _candidate(algorithm, params, fitted, near)
        trials.tell(params, _criterion(fitted, candidate, settings))
        seconds = time.perf_counter() - started
        candidates.append(replace(candidate, fitted_rows=len(rows), seconds=seconds))
        progress(f"{candidate.name}: {candidate.error or f'{candidate.k} clusters'} in {seconds:.1f} s")
        started = time.perf_counter()
    return _with_stability(algorithm, X, candidates, settings, progress)


def _criterion(fitted: Fitted | Exception, candidate: Candidate, settings: ModelSettings) -> float:
    """The fit's own criterion, far lower where it could not be published; NaN where there is none."""
    if candidate.error or isinstance(fitted, Exception):
        return float("nan")
    noise = (candidate.labels == NOISE).mean()
    fits = settings.k_min <= candidate.k <= settings.k_max and noise <= settings.max_noise_share
    return fitted.criterion if fits else fitted.criterion - OUT_OF_BOUNDS


def _fits(
    algorithm: Algorithm, X: np.ndarray, trials: Iterable[Params], settings: ModelSettings
) -> Iterator[tuple[Params, Fitted | Exception]]:
    """Each trial with its fit, or with the exception that it ended in."""
    try:
        with _time_limit(settings.fit_timeout_seconds):
            shared = algorithm.shared(X, settings)
    except Exception as error:  # recorded for every trial that needed it
        yield from ((params, error) for params in trials)
        return
    for params in trials:
        try:
            with _time_limit(settings.fit_timeout_seconds):
                fitted = algorithm.fit(X, shared, params, settings.seed)
        except Exception as error:
            yield params, error
        else:
            yield params, fitted


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeoutError inside the block after `seconds`; only the main thread can be interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def _stop(_signal: int, _frame: object) -> None:
        raise TimeoutError(f"took longer than {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _candidate(
    algorithm: Algorithm, params: Params, fitted: Fitted | Exception, near: Neighbours
) -> Candidate:
    words = " ".join(f"{name}={value}" for name, value in params.items())
    blank = Candidate(f"{algorithm.name} {words}", algorithm.name, params)
    if isinstance(fitted, Exception):
        return replace(blank, error=f"{type(fitted).__name__}: {fitted}")
    labeller, labels, confidence = canonical(fitted.labeller, near)
    if labeller is None:
        return replace(blank, error="ValueError: everything is noise")
    return replace(
        blank,
        k=int(labels.max()) + 1,
        labels=labels,
        confidence=confidence,
        converged=fitted.converged,
        labeller=labeller,
    )


def canonical(labeller: Labeller, near: Neighbours) -> tuple[Labeller | None, np.ndarray, np.ndarray]:
    """Label `near.X` and number the clusters by size, then by first row; clusters without rows vanish."""
    labels, confidence = label_with(labeller, near)
    clusters, first, sizes = np.unique(labels[labels != NOISE], return_index=True, return_counts=True)
    if not len(clusters):
        return None, labels, confidence
    order = clusters[np.lexsort((first, -sizes))]
    numbers = np.full(clusters.max() + 2, NOISE)  # the last slot is noise's
    numbers[order] = np.arange(len(order))
    return labeller.reordered(order), numbers[labels], confidence


def _with_stability(
    algorithm: Algorithm,
    X: np.ndarray,
    candidates: list[Candidate],
    settings: ModelSettings,
    progress: Progress,
) -> list[Candidate]:
    """Stability of the candidate: its labels beside those of the same trial refitted on subsamples.

    A refit that fails counts 0. (Ben-Hur, Elisseeff, Guyon 2002, against the full fit.)
    """
    fitted = [c for c in candidates if not c.error]
    evaluated, shown = stability.subsamples(len(X), settings, algorithm.max_rows)
    if not fitted or not shown:
        return candidates
    near = Neighbours(X[evaluated])
    agreement: dict[str, list[np.ndarray]] = {c.name: [] for c in fitted}
    for draw, rows in enumerate(shown):
        refits = _fits(algorithm, X[rows], [c.params for c in fitted], settings)
        for candidate, (_, refit) in zip(fitted, refits, strict=True):
            again = None if isinstance(refit, Exception) else label_with(refit.labeller, near)[0]
            compared = stability.compare(candidate.labels[evaluated], again, candidate.k)
            agreement[candidate.name].append(compared)
        progress(f"{algorithm.name}: subsample {draw + 1} of {settings.stability_draws}")
    summaries: dict[str, Params] = {name: stability.summary(compared) for name, compared in agreement.items()}
    return [replace(c, **summaries.get(c.name, {})) for c in candidates]


def stability_of(
    candidates: Sequence[Candidate],
    sample: SearchSample,
    settings: ModelSettings,
    progress: Progress = silent,
) -> dict[str, dict[str, float]]:
    """Measures of stability of `fit_algorithm`, of some candidates and after the fits: fields by name.

    Refits cost more than the fit, so they are made of candidates that can still win.

    Parameters
    ----------
    candidates : of one algorithm, all fitted on `sample`
    """
    if not candidates:
        return {}
    order = np.argsort(sample.evaluated)  # that of fitting
    own = [replace(c, labels=c.labels[order]) for c in candidates]
    algorithm, X = algorithms.get(candidates[0].algorithm), sample.X[sample.evaluated[order]]
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scored = _with_stability(algorithm, X, own, settings, progress)
    return {c.name: {field: getattr(c, field) for field in stability.FIELDS} for c in scored}


def params_json(params: Params) -> str:
    """Parameters as the leaderboard stores them."""
    return json.dumps(params, sort_keys=True)

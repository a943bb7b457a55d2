"""The matrices of a date, and the candidates fitted on them: the two stages before the choice."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from segmentation.errors import SettingsError
from segmentation.features import dictionary, table
from segmentation.modelling import assign, search
from segmentation.modelling.algorithms import registry
from segmentation.modelling.prepare import Pipeline
from segmentation.modelling.representations.registry import ALL, TrainingSnapshot, represented
from segmentation.modelling.sampling import SearchSample, evaluation_rows
from segmentation.runs.night import Night
from segmentation.selection import matrices, refit

MATRIX, PIPELINE = "matrix-{}.parquet", "pipeline-{}.skops"
SNAPSHOT, YEAR_BEFORE = "snapshot.parquet", "snapshot-year.parquet"
SEARCH_SAMPLE = "search-sample-{}.npz"
FITTED_FILE = "representations.json"
SPEND = "_spend_since"  # beside the features in the snapshot
MIN_SNAPSHOT = 100  # customers; fewer say nothing of what comes
YEAR = 365


def prepare(night: Night, algorithms: list[str] | None, progress: Callable[[str], None] = print) -> list[str]:
    """Fit the preparations on the date's features and keep their matrices among the run's artifacts.

    Returns
    -------
    The algorithms to fit; none where there is nothing to cluster: too few customers, or all the same.

    Raises
    ------
    SettingsError
        An algorithm is unknown.
    """
    names = list(algorithms or night.settings.model.algorithms)
    if unknown := sorted(set(names) - set(registry())):
        raise SettingsError(f"algorithm '{unknown[0]}' is unknown (known: {', '.join(sorted(registry()))})")
    features = dictionary.of(night)
    night.folder.mkdir(parents=True, exist_ok=True)
    _write_snapshots(night, progress)
    return names if represent_all(night, _read(night, features), features, progress) else []


def _read(night: Night, features: tuple[dictionary.Feature, ...]) -> pd.DataFrame:
    with night.warehouse.connect(readonly=True) as conn:
        return table.read(conn, night.as_of_date, features)


def represent_all(
    night: Night,
    frame: pd.DataFrame,
    features: tuple[dictionary.Feature, ...],
    progress: Callable[[str], None] = print,
) -> bool:
    """Fit the preparations on features and keep their matrices; False where there is nothing to cluster.

    Whoever keeps no frame has two matrices of everybody in memory at most.
    """
    model = night.settings.model
    in_turn = represented(
        frame, features, night.settings.preparation, model.representations, training_snapshot(night)
    )
    del frame
    names, is_divisible = [], False
    for name, pipeline, matrix in in_turn:
        names.append(name)
        matrices.write(night.folder / MATRIX.format(name), matrix)
        if not matrix.empty:
            with (night.folder / SEARCH_SAMPLE.format(name)).open("wb") as file:
                SearchSample.of(matrix, model).write(file)
        (night.folder / PIPELINE.format(name)).write_bytes(assign.dumps(pipeline))
        progress(f"prepare {name}: {matrix.shape[0]:,} customers x {matrix.shape[1]} columns")
        if name == ALL:
            is_divisible = len(matrix) >= model.min_customers and _differ(matrix)
        del matrix
    fitted_on = [name for name in names if name in model.representations] or [ALL]
    (night.folder / FITTED_FILE).write_text(json.dumps(fitted_on))
    return is_divisible


def _differ(matrix: pd.DataFrame) -> bool:
    """The customers are not all the same."""
    return any(matrix[name].std(ddof=0) > 0 for name in matrix)


def _write_snapshots(night: Night, progress: Callable[[str], None]) -> None:
    """Keep `evaluation_rows` of the customers of a horizon and a year ago, with what they then spent."""
    horizon = night.settings.model.horizon_days
    if not _write_snapshot(night, horizon, SNAPSHOT):
        progress(f"prepare: too young to look {horizon} days back; predictive validity is not scored")
    elif _write_snapshot(night, YEAR, YEAR_BEFORE):
        progress(f"prepare: what comes is learned from {horizon} days ago, and the season from a year ago")


def _write_snapshot(night: Night, days: int, name: str) -> bool:
    model = night.settings.model
    drawn = partial(evaluation_rows, settings=model)
    return write_snapshot(night, *table.read_earlier(night, days, model.horizon_days, drawn), name)


def write_snapshot(night: Night, frame: pd.DataFrame, spend: pd.Series, name: str = SNAPSHOT) -> bool:
    """Keep customers of an earlier date with what they then spent; False where they are too few to tell.

    So it is of those of a year ago where the shop had opened less than half a horizon before: they had no past.
    """
    if len(frame) < MIN_SNAPSHOT or not (spend > 0).any():
        return False
    days_open = frame["tenure_days"].max() if "tenure_days" in frame else np.inf
    if name == YEAR_BEFORE and days_open < night.settings.model.horizon_days / 2:
        return False
    rows = evaluation_rows(frame, night.settings.model)
    frame, spend = frame.iloc[rows], spend.iloc[rows]
    with (night.folder / name).open("wb") as file:
        frame.assign(**{SPEND: spend}).to_parquet(file)
    return True


def training_snapshot(night: Night) -> TrainingSnapshot | None:
    """The customers of a horizon ago and what they spent since; None for a shop that is too young."""
    then = _read_snapshot(night, SNAPSHOT)
    return then and replace(then, year_before=_read_snapshot(night, YEAR_BEFORE))


def _read_snapshot(night: Night, name: str) -> TrainingSnapshot | None:
    path = night.folder / name
    if not path.exists():
        return None
    with path.open("rb") as file:
        frame = pd.read_parquet(file)
    spend = frame.pop(SPEND).to_numpy()
    return TrainingSnapshot(frame, spend)


def representations(night: Night) -> list[str]:
    """Representations that the run's candidates are fitted on."""
    return json.loads((night.folder / FITTED_FILE).read_text())


def matrix(night: Night, representation: str = ALL) -> pd.DataFrame:
    """A matrix of the run as a whole: index customer_id, one column a prepared feature."""
    return stored(night, representation).whole()


def stored(night: Night, representation: str = ALL) -> matrices.Stored:
    """A matrix of the run, of which some rows at a time are read."""
    return matrices.Stored(night.folder / MATRIX.format(representation))


def search_sample(night: Night, representation: str = ALL) -> SearchSample:
    """The search sample of a matrix of the run."""
    with (night.folder / SEARCH_SAMPLE.format(representation)).open("rb") as file:
        return SearchSample.read(file)


def pipeline(night: Night, representation: str = ALL) -> Pipeline:
    """A fitted preparation of the run."""
    return assign.loads((night.folder / PIPELINE.format(representation)).read_bytes())


def fit(night: Night, algorithm: str, progress: Callable[[str], None] = print) -> dict[str, Any]:
    """Fit the trials of one algorithm and keep them: on every representation where its entry says so.

    The others are fitted on the first only; those after the first get a quarter of the budget each.

    Returns
    -------
    How many there are, and how many failed.
    """
    settings = night.settings.model.model_copy(update={"stability_draws": 0})  # see `stability_of`
    first, *others = representations(night)
    fewer = settings.model_copy(update={"trials": max(1, settings.trials // 4)})
    tasks = [(first, settings)]
    if registry()[algorithm].everywhere:
        tasks += [(name, fewer) for name in others]
    before = refit.Decision.read(night).first.get(algorithm, {})
    fitted = [
        _named(candidate, name)
        for name, budget in tasks
        for candidate in search.fit_algorithm(
            algorithm, search_sample(night, name), budget, first=before.get(name, ())
        )
    ]
    assign.save_candidates(fitted, night.folder / f"candidates-{algorithm}.skops")
    failed = sum(bool(candidate.error) for candidate in fitted)
    seconds = sum(candidate.seconds for candidate in fitted)
    progress(
        f"fit {algorithm}: {len(fitted)} candidates in {seconds:.1f} s"
        + (f", {failed} failed" if failed else "")
    )
    return {"algorithm": algorithm, "candidates": len(fitted), "failed": failed}


def stability_of(night: Night, fitted: Sequence[assign.Candidate]) -> dict[str, dict[str, float]]:
    """The stability of some candidates of the run, as fields by name."""
    stability: dict[str, dict[str, float]] = {}
    for algorithm, representation in sorted({(c.algorithm, c.representation) for c in fitted}):
        own = [c for c in fitted if (c.algorithm, c.representation) == (algorithm, representation)]
        stability |= search.stability_of(own, search_sample(night, representation), night.settings.model)
    return stability


def _named(candidate: assign.Candidate, representation: str) -> assign.Candidate:
    name = candidate.name if representation == ALL else f"{candidate.name} on {representation}"
    return replace(candidate, name=name, representation=representation)


def load(night: Night, algorithms: list[str]) -> list[assign.Candidate]:
    """The candidates of the run, by algorithm in the order given."""
    return [
        candidate
        for algorithm in algorithms
        for candidate in assign.load_candidates(night.folder / f"candidates-{algorithm}.skops")
    ]

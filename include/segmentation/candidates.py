"""The matrix of a date, and the candidates fitted on it: the two stages before the choice."""

from collections.abc import Callable
from typing import Any

import pandas as pd
from skops import io as skops_io

from segmentation import features
from segmentation.errors import SettingsError
from segmentation.modelling import assign
from segmentation.modelling.algorithms import registry
from segmentation.modelling.prepare import Pipeline
from segmentation.modelling.prepare import prepare as prepare_matrix
from segmentation.modelling.scores import Snapshot
from segmentation.modelling.search import fit_algorithm
from segmentation.night import Night

MATRIX, PIPELINE, SNAPSHOT = "matrix.parquet", "pipeline.skops", "snapshot.parquet"
SPEND = "_spend_since"  # beside the features in the snapshot
MIN_SNAPSHOT = 100  # customers; fewer say nothing of what comes


def prepare(night: Night, algorithms: list[str] | None, progress: Callable[[str], None] = print) -> list[str]:
    """Fit the preparation on the date's features and keep the matrix among the run's artifacts.

    Returns
    -------
    The algorithms to fit; none where there is nothing to cluster: too few customers, or all the same.

    Raises
    ------
    SettingsError
        An algorithm is unknown.
    """
    wanted = list(algorithms or night.settings.model.algorithms)
    if unknown := sorted(set(wanted) - set(registry())):
        raise SettingsError(f"algorithm '{unknown[0]}' is unknown (known: {', '.join(sorted(registry()))})")
    known = features.available(night.settings.shop.source)
    with night.warehouse.connect(readonly=True) as conn:
        frame = features.read(conn, night.as_of_date, known)
    pipeline, matrix = prepare_matrix(frame, known, night.settings.preparation)
    night.folder.mkdir(parents=True, exist_ok=True)
    with (night.folder / MATRIX).open("wb") as file:
        matrix.to_parquet(file)
    (night.folder / PIPELINE).write_bytes(skops_io.dumps(pipeline))
    _write_snapshot(night, progress)
    progress(f"prepare: {matrix.shape[0]:,} customers x {matrix.shape[1]} columns")
    too_few = len(matrix) < night.settings.model.min_customers
    alike = not len(matrix.columns) or not (matrix.std(ddof=0) > 0).any()
    return [] if too_few or alike else wanted


def _write_snapshot(night: Night, progress: Callable[[str], None]) -> None:
    """The customers of a horizon ago, with what they spent since."""
    days = night.settings.model.horizon_days
    frame, spend = features.read_earlier(night, days)
    if len(frame) < MIN_SNAPSHOT or not (spend > 0).any():
        progress(f"prepare: too young to look {days} days back; predictive validity is not scored")
        return
    with (night.folder / SNAPSHOT).open("wb") as file:
        frame.assign(**{SPEND: spend}).to_parquet(file)


def snapshot(night: Night, *pipelines: Pipeline) -> list[Snapshot | None]:
    """What `predictive` is scored on, prepared by each pipeline; None for a shop that is too young."""
    path = night.folder / SNAPSHOT
    if not path.exists():
        return [None for _ in pipelines]
    with path.open("rb") as file:
        frame = pd.read_parquet(file)
    spend = frame.pop(SPEND).to_numpy()
    return [Snapshot(pipeline.transform(frame).to_numpy(), spend) for pipeline in pipelines]


def matrix(night: Night) -> pd.DataFrame:
    """The matrix of the run: index customer_id, one column a prepared feature."""
    with (night.folder / MATRIX).open("rb") as file:
        return pd.read_parquet(file)


def pipeline(night: Night) -> Pipeline:
    """The fitted preparation of the run."""
    return assign.loads((night.folder / PIPELINE).read_bytes())


def fit(night: Night, algorithm: str, progress: Callable[[str], None] = print) -> dict[str, Any]:
    """Fit the trials of one algorithm and keep them; returns how many, and how many failed."""
    fitted = fit_algorithm(algorithm, matrix(night), night.settings.model)
    assign.save_candidates(fitted, night.folder / f"candidates-{algorithm}.skops")
    failed = sum(bool(candidate.error) for candidate in fitted)
    seconds = sum(candidate.seconds for candidate in fitted)
    progress(
        f"fit {algorithm}: {len(fitted)} candidates in {seconds:.1f} s"
        + (f", {failed} failed" if failed else "")
    )
    return {"algorithm": algorithm, "candidates": len(fitted), "failed": failed}


def load(night: Night, algorithms: list[str]) -> list[assign.Candidate]:
    """The candidates of the run, by algorithm in the order given."""
    return [
        candidate
        for algorithm in algorithms
        for candidate in assign.load_candidates(night.folder / f"candidates-{algorithm}.skops")
    ]

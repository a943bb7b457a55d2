"""The choice among the candidates, and all that will be published of it, kept among the run's artifacts."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from segmentation.errors import OverridesError
from segmentation.modelling import assign
from segmentation.modelling import choose as rule
from segmentation.modelling.representations.registry import ALL, cross_fitted
from segmentation.modelling.sampling import evaluation_rows
from segmentation.modelling.scores import prediction
from segmentation.modelling.scores import table as scores
from segmentation.modelling.search import Candidate
from segmentation.runs.night import Night
from segmentation.segments.chosen import Chosen
from segmentation.selection import candidates, refit
from segmentation.selection.describe import publishable
from segmentation.selection.inputs import Inputs


def choose(
    night: Night,
    algorithms: list[str],
    overrides: refit.Overrides | None = None,
    progress: Callable[[str], None] = print,
    inputs: Inputs | None = None,
) -> tuple[Chosen, pd.DataFrame]:
    """Score the candidates with last night's model among them, choose, label everybody.

    `inputs` are read from the warehouse where they are not given; nothing else is.

    Returns
    -------
    What is to be published, and the assignment: customer_id, cluster, confidence, is_outlier; one row a
    customer of the date.

    Raises
    ------
    OverridesError
        Somebody asked for a k or an algorithm, and no candidate of that kind meets the constraints.
    """
    usual, overrides = night.settings, overrides or refit.Overrides()
    night, inputs = overrides.applied(night), inputs or Inputs.of(night)
    before = None if overrides.force_refit else refit.in_use(night, inputs, progress)
    matrix = candidates.matrix(night)
    runners = candidates.load(night, algorithms)
    if before is not None and runners:
        runners.append(before.candidate)
    scored = _scores(night, runners, matrix, before, inputs.truth, progress) if runners else pd.DataFrame()
    decided = rule.choose(runners, scored, night.settings.model, n_customers=len(matrix))
    progress(f"choose: {decided.verdict}")
    if decided.winner is None and (overrides.k or overrides.algorithms) and runners:
        raise OverridesError(
            f"{decided.verdict.split(';')[0]}; asked for: {overrides.words()}. Nothing is published"
        )

    kept = before if decided.kind == "keep" else None
    representation = decided.winner.representation if decided.winner is not None else ALL
    own = kept.matrix if kept else candidates.matrix(night, representation)
    model = None
    if decided.winner is not None:
        preparation = kept.model.pipeline if kept else candidates.pipeline(night, representation)
        searched = refit.today(inputs.frame, night, decided.leaderboard)
        shaping = refit.shaping(usual)
        model = assign.make_model(decided.winner, own, preparation, shaping, searched)
    return publishable(night, decided, model, own, matrix, inputs)


def keep(
    night: Night, progress: Callable[[str], None] = print, inputs: Inputs | None = None
) -> tuple[Chosen, pd.DataFrame]:
    """Label everybody with the parent's model, as the refit policy decided; returns what `choose` does.

    Raises
    ------
    LookupError
        The model that was there when the run decided is not there any more.
    """
    inputs, decision = inputs or Inputs.of(night), refit.Decision.read(night)
    before = refit.in_use(night, inputs, progress)
    if before is None:
        raise LookupError(f"run {night.run_id} was to keep its parent's model, which is gone; run it again")
    evaluated = evaluation_rows(before.matrix, night.settings.model)
    truth = None if inputs.truth is None else inputs.truth[evaluated]
    own = before.matrix.iloc[evaluated]
    scored = scores.score([before.candidate], own, night.settings.model, truth=truth, progress=progress)
    decided = rule.choose([before.candidate], scored, night.settings.model, n_customers=len(before.matrix))
    verdict = f"kept without a search: {decision.reason}"
    progress(f"choose: {verdict}")
    decided = replace(decided, kind="keep", winner=before.candidate, verdict=verdict)
    return publishable(night, decided, before.model, before.matrix, before.matrix, inputs)


def _scores(
    night: Night,
    runners: list[Candidate],
    matrix: pd.DataFrame,
    before: refit.InUse | None,
    truth: np.ndarray | None,
    progress: Callable[[str], None],
) -> pd.DataFrame:
    """All scores; the customers of a horizon ago are labelled by each candidate in its representation."""
    training = candidates.training_snapshot(night)
    pipelines = {name: candidates.pipeline(night, name) for name in candidates.representations(night)}
    if before is not None:
        pipelines[before.candidate.representation] = before.model.pipeline
    seed = night.settings.model.seed
    snapshots = None
    if training is not None:
        snapshots = {
            name: prediction.Snapshot(cross_fitted(pipeline, training, seed), training.spend)
            for name, pipeline in pipelines.items()
        }
    evaluated = evaluation_rows(matrix, night.settings.model)
    return scores.score(
        runners,
        matrix.iloc[evaluated],
        night.settings.model,
        incumbent=before.candidate.labels if before else None,
        truth=None if truth is None else truth[evaluated],
        snapshots=snapshots,
        progress=progress,
    )

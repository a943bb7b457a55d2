"""The choice among the candidates, and all that will be published of it, kept among the run's artifacts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np
import pandas as pd

from segmentation.errors import OverridesError
from segmentation.features import dictionary
from segmentation.modelling import assign, splits, warm_start
from segmentation.modelling import choose as rule
from segmentation.modelling.labellers import NOISE, NeighbourLabeller
from segmentation.modelling.prepare import Pipeline
from segmentation.modelling.replace import Evidence
from segmentation.modelling.representations.forecast import ForecastCache
from segmentation.modelling.representations.registry import ALL, cross_fitted, represent
from segmentation.modelling.scores import prediction
from segmentation.modelling.scores import table as scores
from segmentation.modelling.scores.agreement import external
from segmentation.modelling.search import Candidate
from segmentation.modelling.settings import ModelSettings
from segmentation.runs.night import Night
from segmentation.segments import explain
from segmentation.segments.chosen import Chosen
from segmentation.selection import border, candidates, matrices, refit, room
from segmentation.selection.describe import publishable
from segmentation.selection.inputs import Inputs
from segmentation.selection.matrices import Matrix

Measured = TypeVar("Measured")

RULED_ROWS = 4_000  # customers that the rules of a candidate are learned from


@dataclass(frozen=True)
class Contest:
    """The candidates of a night with the model in use among them, their scores, and what else is known."""

    runners: list[Candidate]
    scores: pd.DataFrame
    evidence: Evidence
    before: refit.InUse | None


def contest(
    night: Night,
    algorithms: list[str],
    inputs: Inputs,
    is_forced: bool = False,
    progress: Callable[[str], None] = print,
) -> Contest:
    """Bring the candidates together and score them; `is_forced`: the model in use takes no part."""
    training = candidates.training_snapshot(night)
    before = None if is_forced else refit.in_use(night, inputs, progress, training)
    matrix = candidates.stored(night)
    runners = candidates.load(night, algorithms)
    if before is not None and runners:
        runners += [before.candidate, *_continued(night, before)]
    table, losses = scored(night, runners, matrix, before, progress)
    return Contest(runners, table, evidence_of(night, before, inputs, matrix, losses), before)


def choose(
    night: Night,
    algorithms: list[str],
    overrides: refit.Overrides | None = None,
    progress: Callable[[str], None] = print,
    inputs: Inputs | None = None,
    held: Contest | None = None,
) -> tuple[Chosen, pd.DataFrame]:
    """Score the candidates with last night's model among them, choose, label everybody.

    `inputs` are read from the warehouse where they are not given; nothing else is. `held` is the night's contest,
    where it was held before.

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
    inputs = inputs.beside(candidates.stored(night).index)
    held = held or contest(night, algorithms, inputs, overrides.force_refit, progress)
    matrix, before, runners = candidates.stored(night), held.before, held.runners
    decided = rule.choose(runners, held.scores, night.settings.model, len(matrix.index), held.evidence)
    decided = _with_truth(night, _with_season(night, decided, before), matrix, inputs.truth)
    decided = _with_costly_scores(night, decided, matrix)
    decided = _with_fold(decided, before)
    progress(f"choose: {_line(decided)}")
    if decided.winner is None and (overrides.k or overrides.algorithms) and runners:
        raise OverridesError(
            f"{decided.verdict.split(';')[0]}; asked for: {overrides.words()}. Nothing is published"
        )

    in_use = before if decided.kind == "keep" else None
    representation = decided.winner.representation if decided.winner is not None else ALL
    own, model = _matrix_of(night, representation, before), None
    if decided.winner is not None:
        preparation = _pipeline_of(night, representation, before)
        owed = _owed(held, decided)
        goes_on = in_use.model if in_use else None
        searched = refit.today(inputs.frame, night, decided.leaderboard, goes_on, owed)
        shaping = refit.shaping(usual)
        model = assign.make_model(
            decided.winner, matrices.rows(own, np.arange(1)), preparation, shaping, searched
        )
    clusters_before = None
    if before is not None and decided.kind != "keep":
        clusters_before = matrices.labelled(before.candidate, before.matrix)["label"]
    return publishable(night, decided, model, own, matrix, inputs, clusters_before)


def _owed(held: Contest, decided: rule.Choice) -> float:
    """The share of customers that tonight's replacement and those before it have moved, and not made up for."""
    room_before = held.evidence.room
    return (room_before.owed if room_before else 0.0) + float(decided.facts.get("moved", 0.0))


def _line(decided: rule.Choice) -> str:
    """The decision in a line; the run's verdict says why."""
    winner, board = decided.winner, decided.leaderboard
    if winner is None:
        return decided.verdict
    alike = f", {decided.facts['equals']} foresee as much" if decided.facts["foresight"] == "counts" else ""
    met = f"{board['rank'].notna().sum()} of {len(board)} candidates met every constraint"
    return (
        f"{winner.name}, {winner.k} segments, is {'kept' if decided.kind == 'keep' else 'new'}; {met}{alike}"
    )


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
    evaluated = matrices.evaluated(before.matrix, night.settings.model)
    truth = None if inputs.truth is None else inputs.truth[evaluated]
    space = _space(night, inputs.frame.iloc[evaluated], inputs.features)
    of_it = scores.score([before.candidate], space, night.settings.model, truth=truth, progress=progress)
    decided = rule.choose([before.candidate], of_it, night.settings.model, n_customers=len(inputs.frame))
    verdict = f"kept without a search: {decision.reason}"
    progress(f"choose: {verdict}")
    decided = replace(
        decided, kind="keep", winner=before.candidate, verdict=verdict, facts={"reason": "not_searched"}
    )
    decided = _with_fold(decided, before)
    return publishable(night, decided, before.model, before.matrix, space, inputs)


def _space(night: Night, frame: pd.DataFrame, features: Sequence[dictionary.Feature]) -> pd.DataFrame:
    """The space that scores are computed in on every night, whatever the model in use was fitted on."""
    return represent(frame, features, night.settings.preparation, ())[ALL][1]


def _with_fold(decided: rule.Choice, before: refit.InUse | None) -> rule.Choice:
    """The choice with the segments that the model in use was kept without, where some had become too small."""
    if decided.kind != "keep" or before is None or not before.folded:
        return decided
    words = ", ".join(f"{share:.2%}" for share in before.folded)
    verdict = f"{decided.verdict}; segments of {words} of the customers had become too small and went to their nearest"
    return replace(decided, verdict=verdict, facts=decided.facts | {"folded": list(before.folded)})


def _with_season(night: Night, decided: rule.Choice, before: refit.InUse | None) -> rule.Choice:
    """The choice with what its winner explains of the same days of the year before, where that is known."""
    training, winner = candidates.training_snapshot(night), decided.winner
    if winner is None or training is None or training.year_before is None:
        return decided
    seed = night.settings.model.seed
    pipeline = _pipeline_of(night, winner.representation, before)
    matrix = cross_fitted(pipeline, training, seed, of="season")
    now = _matrix_of(night, winner.representation, before)
    today = _as_today(matrix, training.year_before.features.index, now)
    snapshot = prediction.Snapshot(matrix, training.year_before.spend, today)
    of_season = prediction.predictive(winner, snapshot, seed)
    figures = {
        "predictive_season": of_season["predictive"],
        "predictive_season_error": of_season["predictive_error"],
    }
    rounded = {name: round(value, rule.DECIMALS) for name, value in figures.items() if np.isfinite(value)}
    return replace(decided, leaderboard=_of_winner(decided, rounded), facts=decided.facts | rounded)


def _with_truth(night: Night, decided: rule.Choice, matrix: Matrix, truth: np.ndarray | None) -> rule.Choice:
    """The choice with the agreement of its winner with true labels, where the shop has them."""
    if truth is None or decided.winner is None:
        return decided
    agreement = external(decided.winner.labels, truth[matrices.evaluated(matrix, night.settings.model)])
    rounded = {name: round(value, rule.DECIMALS) for name, value in agreement.items()}
    return replace(decided, leaderboard=_of_winner(decided, rounded))


def _with_costly_scores(night: Night, decided: rule.Choice, matrix: Matrix) -> rule.Choice:
    """The choice with the scores of its winner that are computed of nobody else."""
    model = night.settings.model
    if decided.winner is None:
        return decided
    evaluated = matrices.rows(matrix, matrices.evaluated(matrix, model))
    measured = scores.costly(decided.winner, evaluated, model, _left_out(model))
    rounded = {name: round(value, rule.DECIMALS) for name, value in measured.items()}
    return replace(decided, leaderboard=_of_winner(decided, rounded))


def _left_out(model: ModelSettings) -> list[str]:
    """The costly scores by which nobody is ranked: they are computed of the winner.

    Of a shop's candidates rules can be learned, so that the weights of equals decide between them.
    """
    return [name for name in scores.COSTLY if not model.equal_weights.get(name)]


def _of_winner(decided: rule.Choice, figures: dict[str, float]) -> pd.DataFrame:
    """The leaderboard with figures of the winner alone."""
    board = decided.leaderboard.assign(**dict.fromkeys(figures, np.nan))
    for name, value in figures.items():
        board.loc[board["chosen"], name] = value
    return board


def _matrix_of(night: Night, representation: str, before: refit.InUse | None) -> Matrix:
    """Everybody today in a representation."""
    if before is not None and representation == before.candidate.representation:
        return before.matrix
    return candidates.stored(night, representation)


def _pipeline_of(night: Night, representation: str, before: refit.InUse | None) -> Pipeline | None:
    """The fitted preparation of a representation; that of the model in use is its own."""
    if before is not None and representation == before.candidate.representation:
        return before.model.pipeline
    return candidates.pipeline(night, representation)


def _as_today(then: np.ndarray, customers: pd.Index, matrix: Matrix) -> np.ndarray:
    """The rows of `customers` today, in the order of `then`; who is not there any more is as then."""
    place = matrix.index.get_indexer(customers)
    is_there = place >= 0
    today = then.copy()
    today[is_there] = matrices.rows(matrix, place[is_there]).to_numpy()
    return today


def _continued(night: Night, before: refit.InUse) -> list[Candidate]:
    """Candidates that start from the model in use: continued in each representation, and split in its own."""
    evaluated = {
        name: sample.X[sample.evaluated]
        for name in candidates.representations(night)
        for sample in [candidates.search_sample(night, name)]
    }
    model = night.settings.model
    own = matrices.rows(before.matrix, matrices.evaluated(before.matrix, model)).to_numpy(np.float64)
    return [
        *warm_start.continued(before.candidate.labels, evaluated, model),
        *splits.split(before.candidate, own, model),
    ]


def evidence_of(
    night: Night,
    before: refit.InUse | None,
    inputs: Inputs,
    matrix: Matrix,
    losses: prediction.Losses | None,
) -> Evidence:
    """Beside the scores: losses by customer, rules of equals, and what has become of the model in use."""
    model = night.settings.model
    frame = inputs.frame.loc[matrix.index[matrices.evaluated(matrix, model)]]

    def rules(candidate: Candidate) -> tuple[float, int]:
        is_told = (candidate.labels != NOISE) & ~frame.index.isin(inputs.erased)
        labels = pd.Series(candidate.labels[is_told], index=frame.index[is_told])
        explanation = explain.explain(frame[is_told], labels, inputs.features, model.seed, RULED_ROWS)
        return explanation.fidelity, len(explanation.untold)

    stability = partial(candidates.stability_of, night)
    evidence = Evidence(losses, _once(rules), stability=_once_each(stability))
    if before is None:
        return evidence
    in_use = pd.Series(before.candidate.labels, index=frame.index)

    def movers(challenger: Candidate) -> float:
        return border.movers(pd.Series(challenger.labels, index=frame.index), in_use, inputs.segments_before)

    return replace(
        evidence,
        drift=refit.drifted(before.model, inputs.frame, inputs.features, night.as_of_date, night.settings),
        age_days=refit.age_days(before.model, night.as_of_date),
        movers=None if inputs.segments_before.empty else _once(movers),
        room=room.of(night, before, inputs, candidates.training_snapshot(night)),
        is_replaced_this_quarter=refit.is_replaced_this_quarter(before.model, night.as_of_date, model),
    )


def _once(measure: Callable[[Candidate], Measured]) -> Callable[[Candidate], Measured]:
    """The measure, which costs seconds a candidate, taken once of each however often a night chooses."""
    values: dict[str, Measured] = {}

    def measured(candidate: Candidate) -> Measured:
        if candidate.name not in values:
            values[candidate.name] = measure(candidate)
        return values[candidate.name]

    return measured


def _once_each(
    measure: Callable[[Sequence[Candidate]], Mapping[str, Measured]],
) -> Callable[[Sequence[Candidate]], Mapping[str, Measured]]:
    """Measure once, as `_once` does, what takes several candidates at a time and leaves out some."""
    values: dict[str, Measured] = {}
    measured_before: set[str] = set()

    def measured(several: Sequence[Candidate]) -> Mapping[str, Measured]:
        values.update(measure([one for one in several if one.name not in measured_before]))
        measured_before.update(one.name for one in several)
        return {one.name: values[one.name] for one in several if one.name in values}

    return measured


def scored(
    night: Night,
    runners: list[Candidate],
    matrix: Matrix,
    before: refit.InUse | None,
    progress: Callable[[str], None],
) -> tuple[pd.DataFrame, prediction.Losses | None]:
    """All scores; the customers of a horizon ago are labelled by each candidate in its representation."""
    if not runners:
        return pd.DataFrame(), None
    training = candidates.training_snapshot(night)
    pipelines = {name: candidates.pipeline(night, name) for name in candidates.representations(night)}
    if before is not None:
        pipelines[before.candidate.representation] = before.model.pipeline
    seed = night.settings.model.seed
    snapshots = losses = None
    if training is not None:
        remember = {one.representation for one in runners if isinstance(one.labeller, NeighbourLabeller)}
        snapshots, cache = {}, ForecastCache()
        for name, pipeline in pipelines.items():
            then = cross_fitted(pipeline, training, seed, cache=cache)
            now = _matrix_of(night, name, before) if name in remember else None
            today = None if now is None else _as_today(then, training.features.index, now)
            snapshots[name] = prediction.Snapshot(then, training.spend, today)
        losses = prediction.no_losses(next(iter(snapshots.values())))
    evaluated = matrices.evaluated(matrix, night.settings.model)
    table = scores.score(
        runners,
        matrices.rows(matrix, evaluated),
        night.settings.model,
        incumbent=before.candidate.labels if before else None,
        snapshots=snapshots,
        losses=losses,
        progress=progress,
        leave_out=_left_out(night.settings.model),
    )
    return table, losses

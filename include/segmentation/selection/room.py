"""The room that there is for moving customers tonight, from who they were a horizon ago."""

from __future__ import annotations

from datetime import timedelta

from segmentation.modelling import natural
from segmentation.modelling.representations.registry import TrainingSnapshot
from segmentation.runs.night import Night
from segmentation.selection import border, matrices, refit
from segmentation.selection.inputs import Inputs


def of(
    night: Night, before: refit.InUse, inputs: Inputs, training: TrainingSnapshot | None
) -> natural.Room | None:
    """The room beside the model in use, which holds customers at its borders as on any night.

    None where it is not limited, or not known: a shop younger than a horizon, or one without recency, frequency and
    money.
    """
    settings = night.settings.model
    columns = list(natural.RFM)
    if training is None or not settings.moves_allowed:
        return None
    if not set(columns) <= set(inputs.frame) & set(training.features):
        return None
    then, now = training.features[columns].dropna(), inputs.frame[columns].dropna()
    both = then.index.intersection(now.index)
    if both.empty:
        return None
    natural_moves = natural.moved(natural.named_segments(then), natural.named_segments(now))
    before_then = matrices.Prepared(before.model.pipeline, training.features.loc[both])
    before_now = matrices.Prepared(before.model.pipeline, inputs.frame.loc[both])
    was = matrices.labelled(before.candidate, before_then)["label"]
    horizon_ago = night.as_of_date - timedelta(days=settings.horizon_days)
    borders = border.of_each(before_now.frame, night.as_of_date, horizon_ago, settings)
    labelled = matrices.labelled(before.candidate, before_now)
    steady = border.steadied(labelled, before.candidate.labeller, before_now, was, borders, True)
    return natural.room(
        settings.moves_allowed * natural_moves,
        natural.moved(was, steady["label"]),
        refit.moves_owed(before.model),
        refit.age_days(before.model, night.as_of_date),
        settings.horizon_days,
    )

"""The room that there is for moving customers tonight, from who they were a horizon ago, and on the parent date."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd

from segmentation.modelling import natural
from segmentation.modelling.representations.registry import TrainingSnapshot
from segmentation.modelling.settings import ModelSettings
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


def tonight(frame: pd.DataFrame, rfm_before: pd.DataFrame | None, settings: ModelSettings) -> float:
    """Share of the customers who may move tonight before those without an order are held at the wide border.

    A share of those who change between nine named segments since the parent date: 0 where nothing is known of it.

    Parameters
    ----------
    frame : DataFrame of shape (n_customers, n_features)
    rfm_before : DataFrame or None
        Recency, frequency and money on the parent date, of all customers or of a sample of them.
    """
    columns = list(natural.RFM)
    if (
        rfm_before is None
        or not settings.moves_by_calendar
        or not set(columns) <= set(frame) & set(rfm_before)
    ):
        return 0.0
    then, now = rfm_before[columns].dropna(), frame[columns].dropna()
    both = then.index.intersection(now.index)
    if both.empty:
        return 0.0
    named_then, named_now = (natural.named_segments(one.loc[both]) for one in (then, now))
    return settings.moves_by_calendar * natural.moved(named_then, named_now)

"""Decisions of a publication, from its inputs alone: pure, so that they are tested without Postgres."""

from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from segmentation.publishing import ids as ids_
from segmentation.publishing import packed_assignments
from segmentation.publishing.inputs import Inputs
from segmentation.publishing.tables import (
    by_segment,
    model_leaderboard,
    segment_events,
    segment_playbook,
    segment_rules,
    segment_versions,
)
from segmentation.segments.chosen import Chosen


@dataclass(frozen=True)
class Counted:
    """Counts by cluster that are published beside the choice."""

    products: pd.DataFrame
    habits: pd.DataFrame
    packed: packed_assignments.PackedAssignments | None
    backtest: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True)
class Decision:
    """Everything of a date beside its customers.

    `ids` are the segments by cluster, `registered` the sketches of new segments, `rows` those of relations.
    """

    ids: dict[int, int]
    registered: dict[int, list[int]]
    rows: dict[str, pd.DataFrame]
    is_newest: bool


def decide(as_of_date: date, language: str, chosen: Chosen, counted: Counted, inputs: Inputs) -> Decision:
    """Give the clusters their segments, and everything that is said of a cluster to its segment."""
    ids = ids_.segment_ids(inputs)
    return Decision(
        ids=ids,
        registered={ids[cluster]: sketch for cluster, sketch in inputs.sketches.items()},
        rows={
            "segment_versions": segment_versions.rows(chosen, ids, inputs.overrides, language),
            "segment_rules": segment_rules.rows(chosen, ids),
            "segment_playbook": segment_playbook.rows(chosen, ids, language),
            "segment_events": segment_events.rows(chosen, ids, inputs),
            "segment_profiles": by_segment(chosen.profiles, ids),
            "segment_products": by_segment(counted.products, ids),
            "segment_habits": by_segment(counted.habits, ids),
            "model_leaderboard": model_leaderboard.rows(chosen.leaderboard),
            "choice_backtests": counted.backtest,
        },
        is_newest=inputs.newest is None or as_of_date >= inputs.newest,
    )

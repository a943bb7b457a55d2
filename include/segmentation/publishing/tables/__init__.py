"""Rows of the relations that are published beside the customers: a module, or a statement of SQL, a table."""

import pandas as pd

from segmentation.language.texts import speaking as speaking
from segmentation.publishing.ids import array as array
from segmentation.segments import bounds as bounds
from segmentation.segments import naming as naming
from segmentation.segments import playbook as playbook
from segmentation.segments.chosen import Chosen as Chosen
from segmentation.segments.chosen import Segment as Segment
from segmentation.segments.explain import Rule as Rule

# the relations of a date beside its customers, all written anew
REWRITTEN = (
    "segment_versions",
    "segment_events",
    "segment_rules",
    "segment_products",
    "segment_habits",
    "segment_playbook",
    "segment_profiles",
    "segment_migrations",
    "model_leaderboard",
    "choice_backtests",
)


PRODUCTS = ["product_id", "rank", "name", "category", "customers", "support", "support_others", "lift"]
HABITS = ["habit", "value", "orders", "share", "share_all"]


def by_segment(frame: pd.DataFrame, ids: dict[int, int]) -> pd.DataFrame:
    """Rows by cluster as rows by segment."""
    return frame.assign(segment_id=frame["cluster"].map(ids)).drop(columns="cluster")

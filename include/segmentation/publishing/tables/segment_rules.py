"""Rows of `segments.segment_rules`: how the explaining tree tells the segments apart."""

import json

import pandas as pd

from segmentation.segments import bounds
from segmentation.segments.chosen import Chosen


def rows(chosen: Chosen, ids: dict[int, int]) -> pd.DataFrame:
    """The paths of the explaining tree that lead to each segment."""
    columns = ["segment_id", "rule_number", "rule", "condition", "customers", "rule_precision", "rule_recall"]
    columns += ["bounds"]
    paths = [
        (
            *(ids[s.cluster], n, rule.text, rule.condition, rule.customers, rule.precision, rule.recall),
            None if rule.bounds is None else json.dumps(bounds.to_json(rule.bounds)),
        )
        for s in chosen.segments
        for n, rule in enumerate(s.rules, start=1)
    ]
    return pd.DataFrame(paths, columns=columns)

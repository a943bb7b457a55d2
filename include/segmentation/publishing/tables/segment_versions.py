"""Rows of `segments.segment_versions`: the words about each segment on a date."""

from collections.abc import Mapping, Sequence

import pandas as pd

from segmentation.language.texts import speaking
from segmentation.publishing.ids import array
from segmentation.segments import naming
from segmentation.segments.chosen import Chosen
from segmentation.segments.explain import Rule

# columns of segment_versions that are published as they were chosen
VERSION = (
    "value_tier",
    "lifecycle",
    "customers",
    "share",
    "revenue_365d",
    "trait",
    "name_number",
    "vocabulary",
)


def rows(
    chosen: Chosen, ids: dict[int, int], overrides: Mapping[int, tuple[str, str | None]], language: str
) -> pd.DataFrame:
    """The words about each segment; those of a person come first."""
    names = {name for name, _ in overrides.values()}
    versions = []
    for segment in chosen.segments:
        segment_id = ids[segment.cluster]
        own_name, own_description = overrides.get(segment_id, (None, None))
        with speaking(language):
            generated = naming.free(segment.name, names - {own_name})
        names.add(generated)
        versions.append(
            {
                **{name: getattr(segment, name) for name in VERSION},
                "segment_id": segment_id,
                "name": own_name or generated,
                "generated_name": generated,
                "description": own_description or segment.description,
                "generated_description": segment.description,
                "rule": segment.rule or None,
                "traits": array(segment.traits),
                # the rules of a segment do not overlap
                "rule_precision": _precision(segment.rules),
                "rule_recall": round(min(1.0, sum(rule.recall for rule in segment.rules)), 6),
            }
        )
    return pd.DataFrame(versions)


def _precision(rules: Sequence[Rule]) -> float | None:
    described = sum(rule.customers for rule in rules)
    right = sum(rule.precision * rule.customers for rule in rules)
    return round(right / described, 6) if described else None

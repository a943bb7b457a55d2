"""Rows of `segments.segment_events`: what became of each segment since the parent date."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import pandas as pd

from segmentation.publishing.ids import array
from segmentation.segments import identity
from segmentation.segments.chosen import Chosen

if TYPE_CHECKING:
    from segmentation.publishing.inputs import Inputs


def rows(chosen: Chosen, ids: dict[int, int], inputs: "Inputs") -> pd.DataFrame:
    """The fate of each segment since the parent date."""
    events = identity.events(
        {(ids[cluster], segment): n for (cluster, segment), n in inputs.overlap.items()},
        {ids[segment.cluster]: segment.customers for segment in chosen.segments},
        inputs.customers_before,
    )
    return pd.DataFrame(
        [
            {**asdict(event), "parents": array(event.parents), "successors": array(event.successors)}
            for event in events
        ]
    )

"""Rows of `segments.segment_playbook`: what to do with each segment."""

import pandas as pd

from segmentation.language.texts import speaking
from segmentation.segments import playbook
from segmentation.segments.chosen import Chosen


def rows(chosen: Chosen, ids: dict[int, int], language: str) -> pd.DataFrame:
    """Plays for each segment, by the playbook; segments come in the order of their revenue."""
    columns = ["segment_id", "priority", "play", "title", "advice", "reason", "stake"]
    about = [(s.value_tier, s.lifecycle, s.traits, s.vocabulary) for s in chosen.segments]
    with speaking(language):
        plays_by_segment = playbook.plays_of_all(playbook.load(), about)
    plays = [
        {"segment_id": ids[segment.cluster], "priority": priority, **play}
        for segment, own in zip(chosen.segments, plays_by_segment, strict=True)
        for priority, play in enumerate(own, start=1)
    ]
    return pd.DataFrame(plays, columns=columns)

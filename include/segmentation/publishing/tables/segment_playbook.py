"""Rows of `segments.segment_playbook`: what to do with each segment."""

from collections.abc import Sequence

import pandas as pd

from segmentation.language.texts import speaking
from segmentation.segments import playbook
from segmentation.segments.chosen import Chosen, Segment


def rows(chosen: Chosen, ids: dict[int, int], language: str) -> pd.DataFrame:
    """Plays for each segment, by the playbook."""
    columns = ["segment_id", "priority", "play", "title", "advice", "reason"]
    book = playbook.load()
    with speaking(language):
        plays = [
            {"segment_id": ids[segment.cluster], "priority": priority, **play}
            for segment in chosen.segments
            for priority, play in enumerate(_plays_of(book, segment), start=1)
        ]
    return pd.DataFrame(plays, columns=columns)


def _plays_of(book: Sequence[playbook.Play], segment: Segment) -> list[dict[str, str]]:
    return playbook.plays_for(book, segment.value_tier, segment.lifecycle, segment.traits, segment.vocabulary)

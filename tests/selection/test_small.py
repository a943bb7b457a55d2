"""No published segment is about a handful of people, but that of a shop which has no more."""

import numpy as np
import pandas as pd
import pytest

from segmentation.features import dictionary
from segmentation.segments import profiles
from segmentation.selection.small import merged


def labelled(*sizes: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Clusters of so many customers, each at its own number times ten."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    index = pd.Index([f"c{place:03}" for place in range(len(labels))], name="customer_id")
    columns = {"label": labels, "confidence": 0.8, "is_outlier": False}
    return pd.DataFrame(columns, index=index), pd.DataFrame({"x": labels * 10.0}, index=index)


@pytest.mark.parametrize(
    ("sizes", "becomes"),
    [
        ((12, 10), {0: 12, 1: 10}),  # the least is enough
        ((12, 9, 30), {0: 21, 2: 30}),  # of two that are as near the first
        ((9, 12, 9, 30), {1: 30, 3: 30}),  # several, not into one another
        ((9, 9, 9), {0: 27}),  # all are small: one segment
        ((3,), {0: 3}),  # a shop that has no more
    ],
)
def test_small_segments_go_to_the_nearest_that_is_large_enough(sizes, becomes):
    frame, matrix = labelled(*sizes)
    found = merged(frame, matrix, 10)
    assert found["label"].value_counts().to_dict() == becomes
    assert found.index.equals(frame.index)
    moved = found["label"] != frame["label"]
    if len(becomes) > 1:
        assert (found.loc[moved, "confidence"] == 0).all() and found.loc[moved, "is_outlier"].all()
        assert (found.loc[~moved, "confidence"] == 0.8).all() and not found.loc[~moved, "is_outlier"].any()


def test_a_feature_that_few_of_a_segment_have_has_no_profile_there():
    frame, _ = labelled(12, 12)
    values = pd.DataFrame({"mean_rating": 3.0, "spend_365d": 1.0}, index=frame.index)
    values.loc[frame.index[9:12], "mean_rating"] = None  # nine of the first have one
    features = [feature for feature in dictionary.dictionary() if feature.name in values]
    found = profiles.profiles(values, frame["label"], features, least=10)
    told = {(row.cluster, row.feature) for row in found.itertuples()}
    assert told == {(0, "spend_365d"), (1, "spend_365d"), (1, "mean_rating")}
    assert len(profiles.profiles(values, frame["label"], features)) == 4

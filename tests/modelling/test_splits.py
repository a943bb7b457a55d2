"""Splits of segments of the model in use, and segments that it gives up: the others stay as they are."""

import numpy as np
import pytest

from segmentation.modelling.fold import fold
from segmentation.modelling.labellers import CentreLabeller, NeighbourLabeller
from segmentation.modelling.replace import moved_share
from segmentation.modelling.search import incumbent
from segmentation.modelling.settings import ModelSettings
from segmentation.modelling.splits import split

RNG = np.random.default_rng(5)
# two crowds far from each other, of which the second is two: 60 and 40
POINTS = np.repeat([[0.0, 0.0], [50.0, 0.0], [50.0, 9.0]], [100, 60, 40], axis=0) + RNG.normal(0, 1, (200, 2))
KINDS = np.repeat([0, 1, 2], [100, 60, 40])
CENTRES = np.array([[0.0, 0.0], [50.0, 4.0]])
SETTINGS = ModelSettings(k_min=2, k_max=5, stability_draws=2)


def splits(settings: ModelSettings = SETTINGS) -> dict[str, object]:
    """The candidates by what they split."""
    found = split(incumbent(CentreLabeller(CENTRES), POINTS), POINTS, settings)
    return {str(one.params["split"]): one for one in found}


def test_who_is_in_the_largest_part_or_in_another_segment_stays():
    one = splits()["1 in 2"]
    assert (one.labels == KINDS).all()
    assert (one.k, one.converged, one.algorithm) == (3, True, "continued")
    assert moved_share(KINDS.clip(max=1), one.labels) == pytest.approx(0.2)
    assert one.stability == 1.0


def test_one_segment_is_split_in_up_to_four_or_two_in_halves_up_to_the_most_segments():
    most = {"0 in 2", "0 in 3", "0 in 4", "1 in 2", "1 in 3", "1 in 4", "0 in 2, 1 in 2"}
    assert set(splits()) == most
    assert set(splits(SETTINGS.model_copy(update={"k_max": 3}))) == {"0 in 2", "1 in 2"}
    assert splits(SETTINGS.model_copy(update={"k_max": 2})) == {}


def test_a_model_that_labels_by_neighbours_is_not_split():
    old = incumbent(NeighbourLabeller(POINTS, KINDS.clip(max=1)), POINTS)
    assert split(old, POINTS, SETTINGS) == []


@pytest.mark.parametrize(
    ("least", "k_min", "stay", "given_up"),
    [
        (0.1, 2, [0, 1, 2], ()),
        (0.25, 2, [0, 1], (0.2,)),
        (0.25, 3, [0, 1, 2], ()),  # too few would be left
        (0.4, 2, [0, 1, 2], ()),
    ],
)
def test_a_segment_below_the_least_share_is_given_up_where_enough_are_left(least, k_min, stay, given_up):
    old = incumbent(CentreLabeller(np.array([[0.0, 0.0], [50.0, 0.0], [50.0, 9.0]])), POINTS)
    clusters, shares = fold(old, SETTINGS.model_copy(update={"min_segment_share": least, "k_min": k_min}))
    assert (clusters.tolist(), shares) == (stay, given_up)

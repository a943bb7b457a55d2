"""Refits beside a candidate: each figure against its definition."""

import numpy as np
import pytest

from segmentation.modelling.search import fit_algorithm
from segmentation.modelling.settings import ModelSettings
from segmentation.modelling.stability import against_refits, compare, subsamples, summary

LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, -1])


def test_segments_that_come_again_under_other_numbers_are_stable():
    again = np.array([2, 2, 2, 2, 0, 0, 0, 1, 1, -1])
    assert summary([compare(LABELS, again, 3)] * 2) == {
        "stability": 1.0,
        "stability_error": 0.0,
        "prediction_strength": 1.0,
        "segment_jaccard": 1.0,
    }


def test_worst_segment_is_told():
    halved = np.array([0, 0, 3, 3, 1, 1, 1, 2, 2, -1])  # the first comes back in two halves
    told = summary([compare(LABELS, halved, 3)])
    assert told["prediction_strength"] == pytest.approx(4 / 12)  # of its 12 ordered pairs
    assert told["segment_jaccard"] == pytest.approx(2 / 4)
    with_one_failure = summary([compare(LABELS, LABELS, 3), compare(LABELS, None, 3)])
    assert with_one_failure == {
        "stability": 0.5,
        "stability_error": 0.5,  # of 1 and 0: their standard deviation over the root of two
        "prediction_strength": 0.5,
        "segment_jaccard": 0.5,
    }


def test_what_a_refit_calls_noise_is_not_found_again():
    noisy = np.array([0, 0, -1, -1, 1, 1, 1, 2, 2, -1])
    assert summary([compare(LABELS, noisy, 3)])["segment_jaccard"] == pytest.approx(2 / 4)


def test_right_number_of_segments_is_the_stable_one(blobs):
    matrix, _ = blobs
    settings = ModelSettings(k_min=4, k_max=6, stability_draws=3)
    found = {c.k: c for c in fit_algorithm("kmeans", matrix, settings)}
    assert found[4].prediction_strength == found[4].segment_jaccard == found[4].stability == 1
    assert found[6].prediction_strength < 0.8 and found[6].segment_jaccard < 0.8


def test_refits_are_shown_half_of_the_customers_and_compared_on_the_same_rows():
    settings = ModelSettings(k_min=2, k_max=4, stability_draws=3, stability_rows=20)
    labels = np.repeat([0, 1], 50)
    asked = []

    def refit(rows: np.ndarray, shown: np.ndarray) -> np.ndarray:
        asked.append((rows.tolist(), len(shown)))
        return labels[rows]

    assert against_refits(labels, 2, refit, settings)["stability"] == 1.0
    assert len(asked) == 3
    assert all(one == asked[0] for one in asked)
    assert (len(asked[0][0]), asked[0][1]) == (40, 20)
    assert subsamples(100, settings, 10)[1][0].shape == (10,)
    assert against_refits(labels[:6], 2, refit, settings) == {}  # halves of fewer than the most segments

"""Share of few rows that chance explains."""

import math

import pytest
from scipy.stats import binom

from segmentation.quality import chance


@pytest.mark.parametrize(
    ("share", "rows", "bound", "is_explained"),
    [
        (1 / 3, 3, 0.05, True),  # one of three
        (1.0, 2, 0.5, True),
        (1.0, 30, 0.2, False),  # every one of thirty
        (0.0, 30, 0.5, False),  # none of thirty
        (0.4, 30, 0.5, True),
        (0.1, 1000, 0.0, False),  # what cannot be at all
        (0.0, 1000, 0.0, True),
    ],
)
def test_chance_explains_little_of_many(share, rows, bound, is_explained):
    assert chance.explains(share, rows, bound) is is_explained


@pytest.mark.parametrize(("seen", "rows", "bound"), [(9, 10, 0.3), (25, 30, 0.5), (40, 49, 0.6)])
def test_the_bound_is_above_the_tail_and_near_it(seen, rows, bound):
    tail = binom.sf(seen - 1, rows, bound)
    bounded = math.exp(-rows * chance._divergence(seen / rows, bound))
    assert tail <= bounded < 10 * tail

"""The return curve of a shop, and the bounds of life-cycle that follow from it."""

import numpy as np
import pytest

from segmentation.segments.return_curve import ReturnCurve
from segmentation.settings import Lifecycle, Settings


def silences(rng: np.random.Generator, customers: int, mean_days: float, stays: float, seen: int = 900):
    """Silences of customers who order every `mean_days` or so, and after each order stay with a chance."""
    counted: dict[int, list[int]] = {}
    for _ in range(customers):
        day = int(rng.integers(0, seen))
        while True:
            gap = 1 + int(rng.exponential(mean_days))
            if rng.random() >= stays or day + gap >= seen:
                counted.setdefault(seen - day, [0, 0])[1] += 1
                break
            counted.setdefault(gap, [0, 0])[0] += 1
            day += gap
    return [(days, *ends) for days, ends in sorted(counted.items())]


@pytest.mark.parametrize(("mean_days", "stays"), [(20, 0.9), (60, 0.8)])
def test_share_that_returns_is_the_planted_one(mean_days, stays):
    curve = ReturnCurve.of(silences(np.random.default_rng(1), 4000, mean_days, stays))
    for days in (0, mean_days, 2 * mean_days):
        still = stays * np.exp(-days / mean_days)
        assert curve.after(days) == pytest.approx(still / (still + 1 - stays), abs=0.05)


def test_bounds_follow_the_rhythm_of_the_shop():
    told = Lifecycle(auto=True)
    quick, slow = (
        ReturnCurve.of(silences(np.random.default_rng(2), 4000, days, 0.85)).bounds(told) for days in (10, 80)
    )
    assert quick.cooling_recency_days < 40 < slow.cooling_recency_days
    assert quick.lapsed_recency_days < 70 < slow.lapsed_recency_days
    assert slow.new_tenure_days == told.new_tenure_days


def test_a_shop_that_is_too_young_has_no_curve():
    assert ReturnCurve.of([(3, 99, 5)]) is None
    assert ReturnCurve.of([]) is None


def test_everybody_who_returns_at_once_leaves_bounds_in_order():
    found = ReturnCurve.of([(1, 500, 0)]).bounds(Lifecycle(auto=True))
    assert 7 <= found.cooling_recency_days < found.lapsed_recency_days


def test_auto_is_a_word_for_the_section():
    assert Settings(lifecycle="auto").lifecycle.auto
    assert not Settings().lifecycle.auto

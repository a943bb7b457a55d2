"""Natural movement: named segments of recency, frequency and money, and the room that their movers give."""

import numpy as np
import pandas as pd
import pytest

from segmentation.modelling import natural
from segmentation.modelling.natural import NAMED, RFM

NAMES = [name for name, *_ in NAMED]


def frame_of(*rows: tuple[int, int, int]) -> pd.DataFrame:
    """Customers with recency, orders and money."""
    return pd.DataFrame(rows, columns=list(RFM))


def test_named_segments_are_those_of_the_quintiles():
    """Five customers are a quintile each: who ordered yesterday, most often and for most is a champion."""
    found = natural.named_segments(
        frame_of((1, 9, 900), (20, 5, 500), (40, 3, 300), (80, 2, 20), (160, 1, 10))
    )
    assert [NAMES[number] for number in found] == [
        "champions",
        "loyal",
        "need attention",
        "hibernating",
        "hibernating",
    ]


def test_everybody_has_a_named_segment():
    rng = np.random.default_rng(0)
    found = natural.named_segments(pd.DataFrame(rng.integers(0, 50, (500, 3)), columns=list(RFM)))
    assert set(found) == set(range(len(NAMED)))


def test_movers_are_counted_of_the_customers_of_both_dates():
    before, now = pd.Series([1, 1, 2], index=list("abc")), pd.Series([1, 2, 5], index=list("abd"))
    assert natural.moved(before, now) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("own", "moved", "age", "left"),
    [
        pytest.param(0.1, 0.0, 10, 0.2, id="what the model in use moves is taken off"),
        pytest.param(0.4, 0.0, 10, 0.0, id="one that moves more leaves nothing"),
        pytest.param(0.1, 0.15, 0, 0.05, id="what a replacement moved is owed"),
        pytest.param(0.1, 0.15, 45, 0.15, id="and comes back with time"),
        pytest.param(0.1, 0.15, 90, 0.2, id="up to what is allowed"),
        pytest.param(0.1, 0.15, None, 0.05, id="of a model that does not say its age, nothing"),
    ],
)
def test_room_is_what_customers_move_by_themselves(own, moved, age, left):
    assert natural.room(0.3, own, moved, age, 90).left == pytest.approx(left)

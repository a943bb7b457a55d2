"""Customers of earlier dates, whom the search learns from and is judged by."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from segmentation.selection import candidates
from segmentation.settings import Settings


def customers(days_open: int) -> pd.DataFrame:
    """Customers of a shop that opened so many days before."""
    tenure = np.linspace(0.0, days_open, 400)
    return pd.DataFrame({"tenure_days": tenure}, index=pd.Index([f"c{n:03}" for n in range(400)]))


@pytest.mark.parametrize(
    ("name", "days_open", "is_kept"),
    [
        (candidates.YEAR_BEFORE, 44, False),
        (candidates.YEAR_BEFORE, 45, True),
        (candidates.SNAPSHOT, 44, True),
    ],
)
def test_a_season_is_not_told_by_customers_of_a_shops_first_days(tmp_path, name, days_open, is_kept):
    night = SimpleNamespace(folder=tmp_path, settings=Settings())
    frame = customers(days_open)
    spend = pd.Series(10.0, index=frame.index)
    assert candidates.write_snapshot(night, frame, spend, name) is is_kept
    assert (tmp_path / name).exists() is is_kept


def test_a_shop_without_the_feature_is_taken_as_old_enough(tmp_path):
    night = SimpleNamespace(folder=tmp_path, settings=Settings())
    frame = customers(5).rename(columns={"tenure_days": "recency_days"})
    spend = pd.Series(10.0, index=frame.index)
    assert candidates.write_snapshot(night, frame, spend, candidates.YEAR_BEFORE)

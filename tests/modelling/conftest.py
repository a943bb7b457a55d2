"""Customers with a known structure."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_blobs, make_moons


@dataclass(frozen=True)
class Feature:
    """The part of an entry of the data dictionary that preparation reads."""

    name: str
    group: str
    transform: str
    unit: str = ""


def customers(values: np.ndarray) -> pd.DataFrame:
    """A matrix of customers with ids as text, in order."""
    columns = [f"c{i}" for i in range(values.shape[1])]
    return pd.DataFrame(values, columns=columns, index=[f"{i:05d}" for i in range(len(values))])


@pytest.fixture(scope="session")
def blobs() -> tuple[pd.DataFrame, np.ndarray]:
    """Four round groups of 60, 50, 40 and 30 customers, well apart, in three columns."""
    centres = np.array([[0, 0, 0], [10, 0, 0], [0, 10, 0], [0, 0, 10]])
    values, truth = make_blobs([60, 50, 40, 30], centers=centres, cluster_std=0.8, random_state=1)
    return customers(values), truth


@pytest.fixture(scope="session")
def moons() -> tuple[pd.DataFrame, np.ndarray]:
    """Two interleaved half circles of 150 customers each."""
    values, truth = make_moons(300, noise=0.05, random_state=1)
    return customers(values), truth


@pytest.fixture
def shop() -> tuple[pd.DataFrame, list[Feature]]:
    """A feature table of 400 customers with every kind of feature, some unknown."""
    rng = np.random.default_rng(3)
    n = 400
    spend = rng.lognormal(4, 1, n)
    table = pd.DataFrame(
        {
            "spend": spend,
            "orders": rng.poisson(3, n) + 1.0,
            "gap_days": np.where(rng.random(n) < 0.3, np.nan, rng.gamma(2, 20, n)),
            "views": rng.poisson(20, n) * 1.0,
            "carts": rng.poisson(5, n) * 1.0,
            "dwell": rng.gamma(3, 30, n),
            "return_rate": rng.beta(1, 9, n),
            "skewed": rng.exponential(1, n),
            "country": rng.choice(["DE", "FR", "XX"], n, p=[0.7, 0.295, 0.005]),
        },
        index=[f"{i:05d}" for i in range(n)],
    )
    features = [
        Feature("spend", "rfm", "log"),
        Feature("orders", "rfm", "log"),
        Feature("gap_days", "order_gaps", "linear"),
        Feature("views", "browsing", "log"),
        Feature("carts", "browsing", "log"),
        Feature("dwell", "browsing", "log"),
        Feature("return_rate", "returns", "share"),
        Feature("skewed", "basket", "power"),
        Feature("country", "demographics", "category"),
    ]
    return table, features

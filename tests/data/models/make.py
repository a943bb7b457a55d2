"""Models as another version of scikit-learn stores them: `make.py FOLDER`, in an environment that has it.

uv venv old && uv pip install --python old "scikit-learn==1.8.0" pandas scipy skops threadpoolctl \
        pydantic pyarrow optuna && PYTHONPATH=include old/bin/python tests/data/models/make.py FOLDER
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from segmentation.modelling.assign import assign, make_model, save_model
from segmentation.modelling.representations.registry import REPRESENTATIONS, TrainingSnapshot, represent
from segmentation.modelling.search import fit_algorithm
from segmentation.modelling.settings import ModelSettings, PreparationSettings

SETTINGS = ModelSettings(k_min=3, k_max=3, trials=1, stability_draws=0)


@dataclass(frozen=True)
class Feature:
    """The part of a feature that preparation reads."""

    name: str
    group: str
    transform: str


FEATURES = (
    Feature("spend", "rfm", "log"),
    Feature("orders", "rfm", "power"),
    Feature("gap_days", "rhythm", "linear"),
    Feature("country", "demographics", "category"),
)


def customers(n: int = 120) -> pd.DataFrame:
    """A feature table with a number, a count, something unknown and a category."""
    rng = np.random.default_rng(3)
    table = {
        "spend": rng.lognormal(4, 1, n).round(4),
        "orders": rng.poisson(3, n) + 1.0,
        "gap_days": np.where(rng.random(n) < 0.3, np.nan, rng.gamma(2, 20, n).round(4)),
        "country": rng.choice(["DE", "FR"], n),
    }
    return pd.DataFrame(table, index=pd.Index([f"c{i:03d}" for i in range(n)], name="customer_id"))


def main(folder: Path) -> None:
    """A model of principal components and centres, and one of a forecast and a mixture."""
    table = customers()
    snapshot = TrainingSnapshot(table, np.where(table["spend"] > 50, table["spend"], 0.0))
    made = represent(table, FEATURES, PreparationSettings(), tuple(REPRESENTATIONS), snapshot)
    for representation, algorithm in (("pca", "kmeans"), ("rfm_forecast", "gaussian_mixture")):
        pipeline, matrix = made[representation]
        winner = next(c for c in fit_algorithm(algorithm, matrix, SETTINGS) if not c.error)
        save_model(make_model(winner, matrix, pipeline), folder / representation)
        assign(winner, matrix).to_csv(folder / representation / "labels.csv")
        table.to_csv(folder / representation / "customers.csv")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

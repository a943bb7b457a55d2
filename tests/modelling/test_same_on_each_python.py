"""The labels of each algorithm, as committed: the same whichever Python, NumPy and SciPy runs the suite.

When the algorithms are to change, `python -m tests.modelling.test_same_on_each_python` writes them anew.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from segmentation.modelling.search import fit_algorithm
from segmentation.modelling.settings import ALGORITHMS, ModelSettings
from tests.modelling.conftest import customers

FOLDER = Path(__file__).parents[1] / "data" / "labels"
MATRIX, LABELS = FOLDER / "matrix.csv", FOLDER / "labels.json"
SETTINGS = ModelSettings(k_min=3, k_max=6, trials=6, stability_draws=0)
COMPARED = [name for name in ALGORITHMS if name != "genie"]  # which is not in the locks
SIGNS = "0123456789abcdefghijklmnopqrstuvwxyz-"  # the last one is noise, -1


def labels_of(name: str, matrix: np.ndarray) -> dict[str, str]:
    """Each candidate that the search of an algorithm makes, with a sign a customer."""
    made = fit_algorithm(name, customers(matrix), SETTINGS)
    return {one.name: "".join(SIGNS[label] for label in one.labels) for one in made if not one.error}


@pytest.fixture(scope="module")
def committed() -> dict[str, dict[str, str]]:
    return json.loads(LABELS.read_text())


def test_every_algorithm_is_compared_and_finds_several_partitions(committed):
    assert sorted(committed) == sorted(COMPARED)
    assert all(len(set(found.values())) > 1 for found in committed.values())


@pytest.mark.parametrize("name", COMPARED)
def test_labels_are_those_that_are_committed(name, committed):
    assert labels_of(name, np.loadtxt(MATRIX, delimiter=",")) == committed[name]


def write() -> None:
    """Write the fixture anew: groups that overlap, so that whatever can differ does."""
    values = make_blobs(240, n_features=5, centers=4, cluster_std=3.0, random_state=7)[0]
    FOLDER.mkdir(exist_ok=True)
    np.savetxt(MATRIX, values, fmt="%.4f", delimiter=",")
    matrix = np.loadtxt(MATRIX, delimiter=",")
    LABELS.write_text(json.dumps({name: labels_of(name, matrix) for name in COMPARED}, indent=1) + "\n")


if __name__ == "__main__":
    write()

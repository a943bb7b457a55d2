"""The same rows with one worker and two, customers in another order, in a new process, with other threads."""

import hashlib
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_blobs

from segmentation.modelling import assign as module
from segmentation.modelling.assign import assign
from segmentation.modelling.labellers import BLOCK_ROWS, CentreLabeller, MixtureLabeller, NeighbourLabeller
from segmentation.modelling.sampling import evaluation_rows
from segmentation.modelling.search import Candidate, fit_algorithm
from segmentation.modelling.settings import ALGORITHMS, ModelSettings
from tests.modelling.conftest import customers

SETTINGS = ModelSettings(k_min=3, k_max=5, trials=6, stability_draws=1)


def overlapping(n: int) -> pd.DataFrame:
    """Groups that overlap, so that whatever can differ does."""
    return customers(make_blobs(n, n_features=5, centers=4, cluster_std=3.0, random_state=7)[0])


def digest(name: str, matrix: pd.DataFrame, settings: ModelSettings = SETTINGS) -> list[str]:
    """The stored values of each candidate, customers in the order of their ids."""
    lines = []
    evaluated = matrix.index[evaluation_rows(matrix, settings)]
    for candidate in fit_algorithm(name, matrix, settings):
        line = f"{candidate.name} {candidate.k} {candidate.stability} {candidate.error}"
        if not candidate.error:
            by_customer = pd.DataFrame(
                {"label": candidate.labels, "confidence": candidate.confidence.round(6)}, evaluated
            ).sort_index()
            line += hashlib.sha256(by_customer.to_csv().encode()).hexdigest()
        lines.append(line)
    return lines


def test_two_new_processes_with_shuffled_customers_give_the_rows_of_one():
    matrix = overlapping(240)
    shuffled = matrix.sample(frac=1, random_state=3)
    sampled = SETTINGS.model_copy(update={"max_fit_rows": 160, "evaluation_rows": 120, "trials": 3})
    ways = {"everybody": SETTINGS, "some are fitted, others evaluated": sampled}
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        tasks = {
            (name, how): pool.submit(digest, name, shuffled, settings)
            for name in ALGORITHMS
            for how, settings in ways.items()
        }
        for (name, how), task in tasks.items():
            assert task.result() == digest(name, matrix, ways[how]), (name, how)


@pytest.mark.parametrize("kind", ["centres", "mixture", "neighbours"])
def test_the_number_of_threads_changes_no_row(kind, monkeypatch):
    matrix = overlapping(2 * BLOCK_ROWS + 100)
    some = matrix.to_numpy()[:300]
    labellers = {
        "centres": lambda: CentreLabeller(some[:4]),
        "mixture": lambda: next(
            c.labeller for c in fit_algorithm("gaussian_mixture", matrix.iloc[:300], SETTINGS) if not c.error
        ),
        "neighbours": lambda: NeighbourLabeller(some, np.arange(300) % 5 - 1),
    }
    labeller = labellers[kind]()
    assert kind != "mixture" or isinstance(labeller, MixtureLabeller)
    made = Candidate(kind, kind, {}, k=4, labeller=labeller)
    monkeypatch.setattr(module, "THREADS", 1)
    one = assign(made, matrix)
    monkeypatch.setattr(module, "THREADS", 3)
    pd.testing.assert_frame_equal(assign(made, matrix), one, check_exact=True)

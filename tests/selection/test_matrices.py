"""Matrices of which some rows at a time are in memory: the same rows as the whole has."""

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from segmentation.modelling.labellers import CentreLabeller
from segmentation.modelling.search import Candidate
from segmentation.modelling.settings import ModelSettings
from segmentation.selection import matrices

CUSTOMERS = 25
WHOLE = pd.DataFrame(
    np.random.default_rng(0).normal(size=(CUSTOMERS, 3)),
    index=pd.Index([f"c{n:02}" for n in range(CUSTOMERS)], name="customer_id"),
    columns=["a", "b", "c"],
)
POSITIONS = np.array([24, 0, 7, 8, 3, 20])


@pytest.fixture(params=["frame", "stored", "prepared"])
def matrix(request, tmp_path, monkeypatch) -> matrices.Matrix:
    """The same matrix in each of its forms, cut into blocks of 8 customers."""
    monkeypatch.setattr(matrices, "BLOCK_ROWS", 8)
    if request.param == "frame":
        return WHOLE
    if request.param == "prepared":
        return matrices.Prepared(Pipeline([("double", FunctionTransformer(lambda X: X * 2))]), WHOLE / 2)
    matrices.write(tmp_path / "matrix.parquet", WHOLE)
    return matrices.Stored(tmp_path / "matrix.parquet")


def test_blocks_are_everybody_in_order(matrix):
    blocks = list(matrices.blocks(matrix))
    pd.testing.assert_frame_equal(pd.concat(blocks), WHOLE)
    assert isinstance(matrix, pd.DataFrame) or [len(block) for block in blocks] == [8, 8, 8, 1]
    pd.testing.assert_index_equal(matrix.index, WHOLE.index)


def test_rows_come_in_the_order_that_is_asked_for(matrix):
    pd.testing.assert_frame_equal(matrices.rows(matrix, POSITIONS), WHOLE.iloc[POSITIONS])
    customers = WHOLE.index[POSITIONS]
    pd.testing.assert_frame_equal(matrices.of(matrix, customers), WHOLE.loc[customers])
    assert matrices.rows(matrix, np.array([], dtype=int)).shape == (0, 3)


def test_everybody_is_labelled_as_by_the_whole(matrix):
    labeller = CentreLabeller(np.array([[-1.0, -1.0, -1.0], [1.0, 1.0, 1.0]]))
    candidate = Candidate("two", "kmeans", {"k": 2}, 2, labeller=labeller)
    found = matrices.labelled(candidate, matrix)
    assert found.index.equals(WHOLE.index)
    assert found["label"].tolist() == labeller.label(WHOLE.to_numpy())[0].tolist()
    assert matrices.labelled(None, matrix)["label"].tolist() == [0] * CUSTOMERS


def test_the_sample_that_is_evaluated_is_that_of_the_whole(matrix):
    few = ModelSettings(evaluation_rows=100)
    assert matrices.evaluated(matrix, few).tolist() == list(range(CUSTOMERS))


def test_a_matrix_without_customers_is_kept(tmp_path):
    matrices.write(tmp_path / "matrix.parquet", WHOLE.iloc[:0])
    pd.testing.assert_frame_equal(matrices.Stored(tmp_path / "matrix.parquet").whole(), WHOLE.iloc[:0])

"""Samples that keep rare customers."""

import io

import numpy as np
import pandas as pd

from segmentation.modelling.sampling import SearchSample, evaluation_rows, rare_keeping_sample
from segmentation.modelling.settings import ModelSettings


def test_sample_keeps_rare_customers_that_are_far_off():
    values = np.concatenate([np.random.default_rng(0).normal(size=(5000, 2)), np.full((10, 2), 40.0)])
    rows = rare_keeping_sample(values, 500, seed=1)
    assert len(rows) == len(np.unique(rows)) == 500
    assert (rows >= 5000).sum() >= 8  # one in a uniform sample
    assert (rows == rare_keeping_sample(values, 500, seed=1)).all()


def test_everybody_is_the_sample_where_there_are_few():
    assert rare_keeping_sample(np.zeros((7, 2)), 10, seed=0).tolist() == list(range(7))


def test_search_sample_is_what_a_search_would_see_of_everybody_in_any_order():
    values = np.random.default_rng(0).normal(size=(900, 3))
    matrix = pd.DataFrame(values, index=[f"{i:04d}" for i in range(900)])
    settings = ModelSettings(max_fit_rows=300, evaluation_rows=200)
    for rows in (matrix, matrix.sample(frac=1, random_state=1), matrix.iloc[::-1]):
        file = io.BytesIO()
        SearchSample.of(rows, settings).write(file)
        file.seek(0)
        sample = SearchSample.read(file)
        assert len(sample.X) < 500
        np.testing.assert_array_equal(sample.X[sample.evaluated], rows.iloc[evaluation_rows(rows, settings)])
        for size in (100, 299, 300):
            seen = rare_keeping_sample(values, size, settings.seed)
            np.testing.assert_array_equal(sample.X[sample.sample(size)], values[seen])

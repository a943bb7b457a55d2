"""Samples that keep rare customers."""

import numpy as np

from segmentation.modelling.sampling import rare_keeping_sample


def test_sample_keeps_rare_customers_that_are_far_off():
    values = np.concatenate([np.random.default_rng(0).normal(size=(5000, 2)), np.full((10, 2), 40.0)])
    rows = rare_keeping_sample(values, 500, seed=1)
    assert len(rows) == len(np.unique(rows)) == 500
    assert (rows >= 5000).sum() >= 8  # one in a uniform sample
    assert (rows == rare_keeping_sample(values, 500, seed=1)).all()


def test_everybody_is_the_sample_where_there_are_few():
    assert rare_keeping_sample(np.zeros((7, 2)), 10, seed=0).tolist() == list(range(7))

"""The population stability index against its definition, and where it must not fail."""

import json

import numpy as np
import pandas as pd
import pytest

from segmentation.modelling.drift import ADDED, histogram, psi

RNG = np.random.default_rng(0)


def test_psi_by_hand():
    then = pd.DataFrame({"country": ["DE"] * 60 + ["FR"] * 30 + [None] * 10})
    now = pd.DataFrame({"country": ["DE"] * 30 + ["FR"] * 60 + ["IT"] * 10})
    q = np.array([60, 30, 0, 10]) + ADDED  # DE, FR, others, unknown
    p = np.array([30, 60, 10, 0]) + ADDED
    p, q = p / p.sum(), q / q.sum()
    assert psi(histogram(then), now)["country"] == pytest.approx(((p - q) * np.log(p / q)).sum())


def test_the_same_customers_have_not_moved_and_those_who_moved_most_come_first():
    then = pd.DataFrame({"spend": RNG.lognormal(4, 1, 2000), "recency": RNG.gamma(2, 30, 2000)})
    baseline = json.loads(json.dumps(histogram(then)))
    assert psi(baseline, then).tolist() == [0, 0]
    now = then.assign(recency=then["recency"] * 1.5, spend=then["spend"] * 1.02)
    moved = psi(baseline, now)
    assert moved.index.tolist() == ["recency", "spend"]
    assert moved["recency"] > 0.1 > 0.01 > moved["spend"]


@pytest.mark.parametrize("values", [[1.0] * 50, [np.nan] * 50, [0.0] * 49 + [7.0]])
def test_constant_unknown_or_rare_values_have_finite_indices(values):
    then = pd.DataFrame({"feature": values})
    now = pd.DataFrame({"feature": np.linspace(-1, 9, 50)})
    assert psi(histogram(then), then)["feature"] == 0
    assert np.isfinite(psi(histogram(then), now)["feature"])


def test_a_feature_that_only_one_has_has_moved_infinitely():
    one, other = pd.DataFrame({"a": [1.0, 2.0]}), pd.DataFrame({"b": [1.0, 2.0]})
    assert psi(histogram(one), other).to_dict() == {"a": np.inf, "b": np.inf}

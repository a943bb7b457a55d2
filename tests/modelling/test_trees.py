"""Trees asked of all customers together, beside scikit-learn's own answers."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from segmentation.modelling.forecasters.boosted import TREES
from segmentation.modelling.trees import Trees


@pytest.mark.parametrize("rows", [3_000, 150, 20])  # trees of few rows end early
def test_sums_are_those_of_scikit_learn_to_the_bit(rows):
    rng = np.random.default_rng(rows)
    matrix, others = (rng.normal(size=(count, 6)).round(1) for count in (rows, 5_000))
    value = matrix[:, 0] + matrix[:, 1] * matrix[:, 2] + rng.normal(size=rows)
    regression = HistGradientBoostingRegressor(**TREES, random_state=0).fit(matrix, value)
    assert np.array_equal(Trees.of(regression).sums(others.T), regression.predict(others))
    classes = HistGradientBoostingClassifier(**TREES, random_state=0).fit(matrix, value > 0)
    assert np.array_equal(expit(Trees.of(classes).sums(others.T)), classes.predict_proba(others)[:, 1])


def test_a_value_on_a_threshold_goes_to_the_left():
    steps = np.repeat([0.0, 1.0], 100)
    model = HistGradientBoostingRegressor(**TREES, random_state=0).fit(steps[:, None], steps)
    trees = Trees.of(model)
    bound = trees.thresholds[0, 0]
    at, above = trees.sums(np.array([[bound, np.nextafter(bound, 2)]]))
    assert at < 0.1 and above > 0.9

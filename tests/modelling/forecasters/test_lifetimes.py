"""BG/NBD and gamma-gamma: the published figures, and parameters that are planted and found again."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime

from segmentation.modelling.forecasters.bgnbd import BetaGeometric, History, simulate
from segmentation.modelling.forecasters.gamma_gamma import GammaGamma
from segmentation.modelling.forecasters.gamma_gamma import simulate as simulate_value

PUBLISHED = BetaGeometric(r=0.243, alpha=4.414, a=0.793, b=2.426)  # Fader, Hardie, Lee 2005, table 2
CDNOW = Path(__file__).parents[2] / "data" / "cdnow.csv"


@pytest.fixture(scope="module")
def cdnow() -> pd.DataFrame:
    return pd.read_csv(CDNOW, comment="#")


def history(table: pd.DataFrame) -> History:
    return History.of(table["repeats"], table["last"], table["age"])


def test_likelihood_of_published_parameters_is_the_published_one(cdnow):
    assert PUBLISHED.log_likelihood(history(cdnow)).sum() == pytest.approx(-9582.4, abs=0.05)


def test_fit_finds_the_published_parameters(cdnow):
    fitted = BetaGeometric.fit(history(cdnow))
    assert fitted.log_likelihood(history(cdnow)).sum() >= -9582.45
    found = (fitted.r, fitted.alpha, fitted.a, fitted.b)
    assert found == pytest.approx((0.243, 4.414, 0.793, 2.426), rel=0.01)


def test_slope_of_the_likelihood_is_that_of_small_steps(cdnow):
    known = history(cdnow)
    logs = np.log([PUBLISHED.r, PUBLISHED.alpha, PUBLISHED.a, PUBLISHED.b]) + 0.3

    def mean(at: np.ndarray) -> float:
        return BetaGeometric(*np.exp(at)).log_likelihood(known).mean()

    value, slope = BetaGeometric(*np.exp(logs)).mean_likelihood(known)
    assert value == pytest.approx(mean(logs))
    assert slope == pytest.approx(approx_fprime(logs, mean, 1e-7), abs=1e-5)


def test_prediction_of_the_published_example():
    """Note on implementing the model in a spreadsheet: the customer with 2 repeats expects 1.226 in 39 weeks."""
    example = History.of([2], [30.43], [38.86])
    assert PUBLISHED.orders(example, 39)[0] == pytest.approx(1.226, abs=0.0005)
    assert PUBLISHED.alive(example)[0] == pytest.approx(0.7266, abs=0.0005)


def test_gamma_gamma_finds_the_published_parameters(cdnow):
    """Fader, Hardie 2013: p = 6.25, q = 3.74, gamma = 15.44 of the 946 customers who came again."""
    again = cdnow[cdnow["repeats"] > 0]
    assert len(again) == 946
    fitted = GammaGamma.fit(again["repeats"], again["value"])
    assert (fitted.p, fitted.q, fitted.gamma) == pytest.approx((6.25, 3.74, 15.44), rel=0.02)


@pytest.mark.parametrize(
    "planted",
    [
        BetaGeometric(r=0.9, alpha=60, a=0.8, b=2.5),  # a usual shop
        BetaGeometric(r=0.5, alpha=40, a=1.5, b=5.0),  # rates that differ much, most leave
        BetaGeometric(r=2.0, alpha=200, a=0.6, b=3.0),  # slow and alike
    ],
)
def test_planted_parameters_are_found_within_a_tenth(planted):
    rng = np.random.default_rng(11)
    seen, later = simulate(planted, rng.uniform(300, 1200, 40_000), rng, after=90)
    found = BetaGeometric.fit(seen)
    assert (found.r, found.alpha, found.a, found.b) == pytest.approx(
        (planted.r, planted.alpha, planted.a, planted.b), rel=0.1
    )
    assert found.orders(seen, 90).sum() == pytest.approx(later.sum(), rel=0.03)
    assert found.probability(seen, 90).mean() == pytest.approx((later > 0).mean(), rel=0.03)


def test_planted_order_values_are_found_within_a_tenth():
    rng = np.random.default_rng(5)
    planted = GammaGamma(p=4.0, q=3.0, gamma=30.0)
    orders = 1.0 + rng.poisson(2, 40_000)
    found = GammaGamma.fit(orders, simulate_value(planted, orders, rng))
    assert (found.p, found.q, found.gamma) == pytest.approx((4.0, 3.0, 30.0), rel=0.1)


def test_slope_of_the_likelihood_of_order_values_is_that_of_small_steps():
    orders = np.random.default_rng(3).integers(1, 9, 500).astype(float)
    value = simulate_value(GammaGamma(6.0, 4.0, 15.0), orders, np.random.default_rng(4))
    logs = np.log([5.0, 3.0, 12.0])

    def mean(at: np.ndarray) -> float:
        return GammaGamma(*np.exp(at)).log_likelihood(orders, value).mean()

    likelihood, slope = GammaGamma(*np.exp(logs)).mean_likelihood(orders, value)
    assert likelihood == pytest.approx(mean(logs))
    assert slope == pytest.approx(approx_fprime(logs, mean, 1e-7), abs=1e-5)


def test_mean_order_is_drawn_to_everybodys_where_little_is_known():
    model = GammaGamma(p=4.0, q=3.0, gamma=30.0)
    once, often = model.mean(np.array([1.0, 50.0]), np.array([600.0, 600.0]))
    assert 60 < once < often < 600  # everybody's mean is 60


def test_customer_of_many_orders_is_finite_and_probabilities_are_ordered():
    long = History.of([0, 3, 900], [0, 200, 1000], [1000, 1000, 1001])
    orders, chance = PUBLISHED.orders(long, 365), PUBLISHED.probability(long, 90)
    assert np.isfinite(orders).all()
    assert chance[2] > 0.99 > chance[1] and (PUBLISHED.probability(long, 365) >= chance).all()


def test_nobody_who_came_again_is_refused():
    with pytest.raises(ValueError, match="second time"):
        BetaGeometric.fit(History.of([0, 0], [0, 0], [10, 20]))

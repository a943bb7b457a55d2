"""Scores, intervals, the choice on the past, and what is made of a forecast."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from segmentation.modelling.forecasters import columns, date_forecast, scores
from segmentation.modelling.forecasters.base import Expectation, Sample, TooYoungError
from segmentation.modelling.forecasters.bgnbd import BetaGeometric, simulate
from segmentation.modelling.forecasters.blend import blended, certain
from segmentation.modelling.forecasters.past import LOOKED_BACK, Past
from segmentation.modelling.forecasters.registry import FORECASTERS
from segmentation.modelling.forecasters.spread import Spread

DAYS = 90
WINDOWS = (30, 90, 180, 365)


def sample(seed: int, customers: int = 600, level: float = 1.0) -> Sample:
    """Customers who order by BG/NBD, at a level: what was known of them, and what came in 90 days."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(20, 700, customers)
    seen, later = simulate(BetaGeometric(1.2, 40 / level, 0.8, 4.0), age, rng, after=DAYS)
    value = rng.gamma(4.0, 10.0, customers)
    order_days = seen.repeats + 1
    silent = seen.age - seen.last
    known = pd.DataFrame({"first_days": seen.age, "last_days": silent, "order_days": order_days})
    for window in WINDOWS:
        share = np.clip((window - silent) / np.maximum(seen.age, 1), 0, 1)
        known[f"order_days_{window}d"] = np.where(silent <= window, np.maximum(1, order_days * share), 0)
        known[f"spend_{window}d"] = known[f"order_days_{window}d"] * value
    for name in ("order_days_season", "spend_season", "discount_share", "return_share", "sessions"):
        known[name] = 0.0
    known["spend"], known["largest_day"], known["lines_per_day"] = order_days * value, value, 1.0
    known.index = pd.Index([f"c{number}" for number in range(customers)], name="customer_id")
    return Sample(known, later, later * value * rng.gamma(5.0, 0.2, customers), DAYS)


@pytest.fixture(scope="module")
def past() -> Past:
    return Past({age: sample(age) for age in (90, 180, 270, 365, 455)}, DAYS, seed=0)


def test_every_forecaster_ranks_buyers_better_than_chance(past):
    came = sample(1)
    for name in FORECASTERS:
        expected = past.expect(name, 0, came.customers)
        assert expected is not None, name
        figures = scores.scored(expected, came)
        assert figures["auc"] > 0.6 and figures["brier"] < figures["brier_base"], (name, figures)


def test_a_forecast_of_an_age_does_not_see_what_came_after_it(past):
    """Outcomes that were not known then may be anything."""
    _, before = past.looked_back(180)
    changed = {
        age: replace(each, order_days=each.order_days[::-1] + 1, spend=each.spend * 7) if age < 270 else each
        for age, each in past.samples.items()
    }
    other = Past(changed, DAYS, seed=0)
    _, after = other.looked_back(180)
    assert np.array_equal(before.probability, after.probability)
    assert np.array_equal(before.spend, after.spend)
    assert other.spread(180) == past.spread(180)


def test_the_level_is_corrected_by_the_year_before():
    """A year ago twice as much came in this season as the forecast of then would have had."""
    quiet = {age: sample(age) for age in (90, 180, 270, 455, 545)}
    peak = replace(sample(365), spend=2 * sample(365).spend)
    level = Past({**quiet, 365: peak}, DAYS, seed=0).level("lifetime", 0)
    assert level.is_seasonal and 1.4 < level.spend < 2.1
    assert not Past(quiet, DAYS, seed=0).level("lifetime", 0).is_seasonal


def test_a_shop_without_a_past_has_the_lifetime_model_or_the_naive_one():
    came = sample(3, customers=60)
    assert Past({}, DAYS, 0).usable(0, came.customers) == "lifetime"
    once = came.customers.assign(order_days=1.0, last_days=came.customers["first_days"])
    assert Past({}, DAYS, 0).usable(0, once) == "go_on"
    with pytest.raises(TooYoungError):
        FORECASTERS["boosted"].learn([came], Past({}, DAYS, 0).today(0, came.customers), DAYS, 0)


@pytest.mark.parametrize("groups", [5, 40])
def test_intervals_of_totals_hold_four_of_five(groups):
    """Planted: buyers differ by a lognormal of .8, all of a date by one of .2."""
    rng = np.random.default_rng(8)
    spread = Spread(own=0.8, common=0.2)
    inside = []
    for _ in range(400):
        p, amount = rng.uniform(0.1, 0.9, groups * 20), rng.gamma(3.0, 30.0, groups * 20)
        expected = Expectation(p, p * amount)
        noise = np.exp(rng.normal(0, 0.8, len(p)) - 0.32)
        total = (amount * noise * (rng.random(len(p)) < p)).sum() * np.exp(rng.normal(0, 0.2))
        low, high = spread.total(expected.spend.sum(), spread.variance(expected).sum())
        inside.append(low <= total <= high)
    assert 0.7 <= np.mean(inside) <= 0.9


def test_intervals_of_customers_hold_at_least_four_of_five():
    rng = np.random.default_rng(9)
    p, amount = rng.uniform(0.05, 0.95, 20_000), rng.gamma(3.0, 30.0, 20_000)
    expected, spread = Expectation(p, p * amount), Spread(own=0.7)
    spend = amount * np.exp(rng.normal(0, 0.7, len(p)) - 0.245) * (rng.random(len(p)) < p)
    low, high = spread.customer(expected)
    assert (low <= high).all() and (low >= 0).all()
    assert 0.79 <= ((low <= spend) & (spend <= high)).mean() <= 0.9


def test_spreads_are_measured_on_the_past():
    rng = np.random.default_rng(10)
    looked = []
    for shift in (-0.3, 0.3, 0.1):
        p, amount = rng.uniform(0.2, 0.9, 3000), rng.gamma(3.0, 30.0, 3000)
        bought = rng.random(3000) < p
        spend = amount * np.exp(rng.normal(0, 0.6, 3000) - 0.18 + shift) * bought
        known = pd.DataFrame(index=range(3000))
        looked.append((Expectation(p, p * amount), Sample(known, bought.astype(float), spend, DAYS)))
    found = Spread.of(looked, is_seasonal=True)
    assert 0.55 < found.own < 0.85 and 0.15 < found.common < 0.45
    assert Spread.of([], is_seasonal=False).common > Spread.of([], is_seasonal=True).common


def test_top_share_gives_equals_equal_places():
    spend = np.array([100.0] + [0.0] * 19)
    assert scores.top_share(np.ones(20), spend) == pytest.approx(0.1)
    assert scores.top_share(-np.arange(20.0), spend) == 1.0
    assert scores.capture(spend, spend) == pytest.approx(1.0)
    assert scores.capture(np.ones(20), spend) == pytest.approx(0.0)


def test_calibration_error_is_how_far_probabilities_are_off():
    bought = np.tile([True, False], 500)
    assert scores.calibration_error(np.full(1000, 0.5), bought) == pytest.approx(0.0)
    assert scores.calibration_error(np.full(1000, 0.8), bought) == pytest.approx(0.3)


def test_a_blend_takes_probability_and_spend_from_their_own_parts():
    buying = [Expectation(np.array([0.2]), np.array([1.0])), Expectation(np.array([0.6]), np.array([2.0]))]
    spend = [Expectation(np.array([0.9]), np.array([10.0])), Expectation(np.array([0.9]), np.array([40.0]))]
    both = blended(buying, spend)
    assert 0.2 < both.probability[0] < 0.6
    assert both.spend[0] == pytest.approx(25.0)


def test_the_blend_of_a_shop_is_of_the_parts_that_are_named(past):
    customers = sample(1).customers
    blend, entry = past.expect("blend", 0, customers), FORECASTERS["blend"]
    parts = {name: past.expect(name, 0, customers) for name in (*entry.of, *entry.of_spend)}
    assert np.allclose(blend.spend, np.mean([parts[name].spend for name in entry.of_spend], axis=0))
    odds = np.mean([logit(certain(parts[name].probability)) for name in entry.of], axis=0)
    assert np.allclose(blend.probability, expit(odds))


@pytest.mark.parametrize("name", FORECASTERS)
def test_a_date_is_the_same_by_blocks_as_of_all_customers(past, monkeypatch, name):
    customers = sample(1).customers
    year = {age: replace(each, days=365) for age, each in past.samples.items() if age >= 365}
    years = Past(year, 365, seed=0)
    usable = Past.usable
    monkeypatch.setattr(Past, "usable", lambda self, age, known: usable(self, age, known) if age else name)
    whole = date_forecast.forecast_date(past, years, customers)
    monkeypatch.setattr(date_forecast, "BLOCK", 250)  # of 600
    by_blocks = date_forecast.forecast_date(past, years, customers)
    assert by_blocks.horizon.spend == pytest.approx(whole.horizon.spend, rel=1e-12)
    assert by_blocks.horizon.probability == pytest.approx(whole.horizon.probability, rel=1e-12)
    assert by_blocks.year.spend == pytest.approx(whole.year.spend, rel=1e-12)
    assert by_blocks.year.probability == pytest.approx(whole.year.probability, rel=1e-12)


def test_tweedie_has_as_many_buyers_and_as_much_spend_as_came_in_what_it_learned_from(past):
    learned = [past.samples[age] for age in past.older(0)[:LOOKED_BACK]]
    expected = [past.expect("tweedie", 0, each.customers) for each in learned]
    bought = np.concatenate([each.bought for each in learned]).mean()
    assert np.concatenate([each.probability for each in expected]).mean() == pytest.approx(bought, rel=0.05)
    spent = sum(each.spend.sum() for each in learned)
    assert sum(each.spend.sum() for each in expected) == pytest.approx(spent, rel=0.1)


def test_of_the_own_rate_a_customer_who_spends_twice_as_much_has_twice_the_value():
    """Nothing is taken off those who spend most; little seen is not taken for a habit."""
    known = pd.DataFrame({"first_days": [400.0, 400.0, 20.0]})
    for window in columns.WINDOWS:
        known[f"spend_{window}d"] = [100.0, 200.0, 100.0]
    usual = DAYS * columns.daily(known)
    assert usual[1] == pytest.approx(2 * usual[0])
    assert usual[0] < usual[2] < 90 / 20 * 100 / 4


def test_next_order_is_when_an_order_is_as_likely_as_not():
    near = Expectation(np.array([0.5, 0.9, 0.2, 0.01]), np.zeros(4))
    far = Expectation(np.array([0.9, 0.99, 0.6, 0.3]), np.zeros(4))
    days = date_forecast.next_order(near, far, DAYS)
    assert days[0] == 90 and days[1] < 30 and 90 < days[2] < 365 and np.isnan(days[3])


def test_where_nobody_has_ever_come_again_little_is_expected():
    known = sample(4, customers=50).customers
    once = known.assign(order_days=1.0, last_days=known["first_days"], spend=100.0)
    found = date_forecast.forecast_date(Past({}, DAYS, 0), Past({}, 365, 0), once)
    assert found.forecaster == "go_on"
    assert found.horizon.probability.max() < 0.02 and found.horizon.spend.max() < 2
    assert (found.year.spend >= found.horizon.spend).all() and np.isnan(found.next_days).all()


def test_tenths_are_of_equal_size_and_the_highest_is_ten():
    places = date_forecast.deciles(np.arange(50.0)[::-1])
    assert places[0] == 10 and places[-1] == 1 and np.bincount(places)[1:].tolist() == [5] * 10
    assert date_forecast.deciles(np.ones(3)).tolist() == [1, 4, 7]

"""Response to price cuts: found where it is, not where it is not, and whatever happens to everybody."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from segmentation.applications.prices import cuts, verdicts
from segmentation.applications.prices.response import MAX_CUT_WEEKS, Purchases, cuts_of, responses
from segmentation.settings.applications import Prices

WEEKS = 60
LEVELS = ("existing", "new", "other")
SHARE = np.array([0.6, 0.3, 0.1])
TRIAL = verdicts.Trial(Prices(), 10)


def purchases(factors, seed=0, products=60, volume=12.0, common=1.0, before=(1.0, 1.0, 1.0)):
    """Buyers of products that are cut in one week of fifteen, by groups whose buyers rise by `factors` then.

    `common` is what happens to everybody in these weeks, and `before` what happens in the weeks before.
    """
    chance = np.random.default_rng(seed)
    is_cut = chance.random((products, WEEKS)) < 1 / 15
    is_early = np.roll(is_cut, -1, axis=1) | np.roll(is_cut, -2, axis=1)
    level = volume * chance.lognormal(sigma=0.5, size=(products, WEEKS, 1))
    rate = level * SHARE * np.where(is_cut[..., None], np.array(factors) * common, 1.0)
    rate = rate * np.where((is_early & ~is_cut)[..., None], np.array(before), 1.0)
    share = np.broadcast_to(SHARE, rate.shape)
    return Purchases(chance.poisson(rate).astype(float), is_cut, share)


def told(made):
    return {row["level"]: row for row in TRIAL.verdicts(made, LEVELS)}


@pytest.mark.parametrize("common", [0.5, 1.0, 5.0])
def test_a_planted_response_is_within_its_interval_whatever_happens_to_everybody(common):
    found = told(purchases((1.0, 2.0, 1.0), common=common))
    others = 1.0
    assert found["new"]["ratio_low"] < 2.0 / others < found["new"]["ratio_high"]
    assert found["new"]["outcome"] == verdicts.CAN
    assert found["existing"]["ratio"] < 1


def test_intervals_hold_the_truth_as_often_as_they_say():
    """200 shops in which nobody differs: the interval of a grouping misses 1 in 2 of 100, give or take."""
    missed = sum(
        any(row["outcome"] == verdicts.CAN for row in told(purchases((1.0, 1.0, 1.0), seed)).values())
        for seed in range(200)
    )
    assert missed <= 11  # of 4 expected, a chance of one in a thousand


def test_a_season_of_a_group_is_no_response():
    """The share of a group rises in all it buys; cuts are made in these weeks."""
    made = purchases((1.0, 1.0, 1.0), volume=40)
    season = np.where(np.arange(WEEKS) >= WEEKS // 2, 3.0, 1.0)[:, None] ** np.array([0, 1, 0])
    share = SHARE * season / (SHARE * season).sum(axis=1, keepdims=True)
    moved = replace(
        made, buyers=np.rint(made.buyers * season), share=np.broadcast_to(share, made.share.shape)
    )
    assert {row["reason"] for row in told(moved).values()} == {"no_difference"}


def test_a_group_that_differs_before_the_cuts_is_not_told_of():
    found = told(purchases((1.0, 2.0, 1.0), before=(1.0, 2.0, 1.0)))
    assert (found["new"]["outcome"], found["new"]["reason"]) == (verdicts.CANNOT, "differed_before")
    assert found["new"]["placebo_ratio_low"] > 1


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        ({"products": 6}, "few_cuts"),
        ({"volume": 0.3}, "few_buyers"),
        ({}, "no_difference"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_told_has_its_reason(made, reason):
    found = told(purchases((1.0, 1.0, 1.0), **made))
    assert reason in {row["reason"] for row in found.values()}
    if reason != "no_difference":
        assert {row["ratio"] for row in found.values() if row["reason"] == reason} == {None}


def test_too_many_false_alarms_take_every_statement_back():
    made = purchases((1.0, 2.0, 1.0))
    reasons = {row["reason"] for row in TRIAL.verdicts(made, LEVELS, false_alarms=0.2)}
    assert "shuffles" in reasons
    assert None not in reasons


def test_shuffled_prices_tell_nothing():
    assert TRIAL.false_alarms(purchases((1.0, 2.0, 1.0)), LEVELS, seed=1, shuffles=60) <= 0.1


def test_buyers_of_the_placebo_and_of_ordinary_weeks_are_none_of_a_cut():
    """One product, one cut: each side has the buyers of its own weeks, in units that tell them apart."""
    buyers = np.zeros((1, 30, 2))
    buyers[0, :, 0], buyers[0, :, 1] = 1, 1
    buyers[0, 15, 0] = 4
    is_cut = np.zeros((1, 30), dtype=bool)
    is_cut[0, 15] = True
    (first, second), (placebo, _) = responses(Purchases(buyers, is_cut, np.full((1, 30, 2), 0.5)))
    assert np.exp(first.log_ratio) == pytest.approx(4)
    assert np.exp(second.log_ratio) == pytest.approx(1 / 4)
    assert np.exp(placebo.log_ratio) == pytest.approx(1)
    assert (first.products, first.cuts, first.weeks, first.buyers) == (1, 1, 1, 4)


def test_a_price_that_stays_is_no_cut():
    is_cut = np.zeros((2, 20), dtype=bool)
    is_cut[0, 3 : 3 + MAX_CUT_WEEKS] = True
    is_cut[1, 3 : 4 + MAX_CUT_WEEKS] = True
    found = cuts_of(is_cut)
    assert (found.product.tolist(), found.first.tolist(), found.end.tolist()) == ([0], [3], [7])


# --- which weeks are cuts ---------------------------------------------------------------------------------


def prices(*series):
    rows = [
        (f"P{p}", week, 5, price)
        for p, one in enumerate(series)
        for week, price in enumerate(one)
        if price is not None
    ]
    frame = pd.DataFrame(rows, columns=["product_id", "week", "lines", "price"])
    return cuts.Prices.of(frame, len(series[0]))


@pytest.mark.parametrize(
    ("series", "weeks"),
    [
        ([10.0] * 8 + [8.0] + [10.0] * 8, [8]),
        ([10.0] * 8 + [8.0, 8.0] + [10.0] * 8, [8, 9]),
        ([10.0] * 8 + [8.0] * 9, []),  # a new price
        ([8.0] * 8 + [10.0] * 9, []),  # dearer
        ([10.0] * 8 + [9.5] + [10.0] * 8, []),  # too little
        ([None] * 7 + [10.0, 8.0] + [10.0] * 8, []),  # nobody knows what it cost before
        ([10.0] * 8 + [8.0] + [10.0, 10.0] + [None] * 6, []),  # nor after
        ([10.0, None] * 4 + [8.0] + [10.0, None] * 4, [8]),
    ],
)
def test_a_cut_lies_below_the_price_before_and_after(series, weeks):
    found = cuts.candidates(prices(series), 0.1)
    assert found["week"].tolist() == weeks
    assert found["depth"].tolist() == pytest.approx([0.2] * len(weeks))


def test_a_week_of_coupons_is_no_cut():
    """Four lines in ten are cheap in ordinary weeks: five of five may be chance, forty of forty are not."""
    counted = pd.DataFrame(
        {
            "lines": [5, 40, 40],
            "cheap_lines": [5, 40, 20],
            "usual_lines": [100, 100, 100],
            "usual_cheap_lines": [40, 40, 40],
        }
    )
    assert cuts.beyond_chance(counted).tolist() == [False, True, False]


def some_lines(seed=0, lines=4000):
    """Lines of 12 products in 30 weeks with few different prices, in no order."""
    chance = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "product_id": chance.choice([f"P{n}" for n in range(12)], lines),
            "week": chance.choice(30, lines).astype(float),
            "price": chance.choice([2.5, 4.0, 9.99, 10.0], lines),
        }
    )


def test_price_of_a_week_is_what_three_of_four_lines_lie_at_or_below():
    frame = some_lines(lines=700)
    found = cuts.Lines.of(frame, 30).by_week()
    groups = frame.groupby(["product_id", "week"])["price"]
    at_or_below = [
        (groups.get_group((row.product_id, row.week)) <= row.price).mean() for row in found.itertuples()
    ]
    below = [(groups.get_group((row.product_id, row.week)) < row.price).mean() for row in found.itertuples()]
    assert (groups.count() >= cuts.MIN_LINES).sum() == len(found) < len(groups)
    assert min(at_or_below) >= 0.75 > max(below)
    assert found["lines"].tolist() == groups.count()[groups.count() >= cuts.MIN_LINES].tolist()


def test_cheap_lines_are_counted_in_the_week_and_in_the_ordinary_weeks_around_it():
    frame = some_lines()
    candidates = pd.DataFrame(
        {
            "product_id": ["P3", "P3", "P3", "P10", "P7"],
            "week": [0, 5, 6, 29, 12],
            "threshold": [4.0, 9.5, 2.0, 9.99, 100.0],
        }
    )
    found = cuts.Lines.of(frame, 30).around(candidates)
    asked = set(zip(candidates["product_id"], candidates["week"], strict=True))
    for row in found.itertuples():
        own = frame[frame["product_id"] == row.product_id]
        inside = own[own["week"] == row.week]["price"]
        is_ordinary = [(row.product_id, week) not in asked for week in own["week"]]
        near = (own["week"] - row.week).abs() <= cuts.WINDOW_WEEKS
        around = own[near & np.array(is_ordinary)]["price"]
        assert (row.lines, row.cheap_lines) == (len(inside), (inside <= row.threshold).sum())
        assert (row.usual_lines, row.usual_cheap_lines) == (len(around), (around <= row.threshold).sum())
    assert found["usual_cheap_lines"].tolist() != found["usual_lines"].tolist()

"""The shop's own past: every forecaster on dates whose outcome is known, without seeing what came after them.

A sample's age is how many days before today its customers are looked at; its outcome is that of the horizon
after. A forecast made at an age may learn from samples that are older by the horizon at least: their outcome
was known then. So was what the forecasts of those ages had been worth, which the choice among forecasters, the
calibration and the intervals are made of. A forecast of today (age 0) and one that is looked back on go the
same way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from segmentation.modelling.forecasters.base import Expectation, Fitted, Sample, Today, TooYoungError
from segmentation.modelling.forecasters.blend import blended, certain
from segmentation.modelling.forecasters.registry import FORECASTERS, LIFETIME, NAIVE
from segmentation.modelling.forecasters.scores import capture
from segmentation.modelling.forecasters.spread import Spread

YEAR = 365
LOOKED_BACK = 4  # of the newest forecasts that are looked back on, and of the samples learned from
NEAR = 31  # days from the same day of the year before
SEASON = 0.75  # of the logarithm of what a year ago came more than was expected
SURE = 0.5  # of what log odds were too sure, or not sure enough: the shop knew less then
BETTER = 0.01  # another forecaster than the most trusted one must have scored more by this, and by chance
LEAST = 30  # customers of a sample

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def _once(
    method: Callable[Concatenate[Past, Arguments], Result],
) -> Callable[Concatenate[Past, Arguments], Result]:
    """Remember what a method has found, by its arguments: looking back asks the same again and again."""

    @wraps(method)
    def remembered(past: Past, /, *arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        key = method.__name__, arguments, tuple(named.items())
        if key not in past._results:
            past._results[key] = method(past, *arguments, **named)
        return past._results[key]

    return remembered


@dataclass(frozen=True)
class Level:
    """Correction of the forecasts of a date.

    Attributes
    ----------
    odds : float
        Added to the log odds of buying.
    slope : float
        What log odds are multiplied by: below 1 where forecasts were too sure.
    spend : float
        What the expected spend is multiplied by.
    is_seasonal : bool
        Whether a year before was seen.
    """

    odds: float = 0.0
    slope: float = 1.0
    spend: float = 1.0
    is_seasonal: bool = False

    def corrected(self, expected: Expectation) -> Expectation:
        """The expectation on the level that is to come."""
        odds = logit(certain(expected.probability))
        middle = odds.mean() if odds.size else 0.0
        return Expectation(
            expit(middle + self.slope * (odds - middle) + self.odds), expected.spend * self.spend
        )


@dataclass
class Past:
    """Samples of a shop by age, and what forecasters made of them.

    Attributes
    ----------
    samples : dict of age in days to Sample
        Outcomes of `days` days each.
    todays : dict of age in days to Today
        The customers of each age; another past of the same customers may share it.
    """

    samples: Mapping[int, Sample]
    days: int
    seed: int
    todays: dict[int, Today] = field(default_factory=dict, repr=False)
    _fits: dict[tuple[str, int], tuple[Fitted, ...]] = field(default_factory=dict, repr=False)
    _results: dict[Any, Any] = field(default_factory=dict, repr=False)

    def older(self, age: int) -> list[int]:
        """Ages of the samples whose outcome was known at an age, the newest first."""
        return sorted(
            a for a, s in self.samples.items() if a >= age + self.days and len(s.customers) >= LEAST
        )

    def fit(self, name: str, age: int, customers: pd.DataFrame) -> tuple[Fitted, ...]:
        """The parts of a forecaster as they had learned at an age; none where the shop was too young for it."""
        entry, key = FORECASTERS[name], (name, age)
        if entry.learn is None:
            parts = [fitted for part in entry.of for fitted in self.fit(part, age, customers)]
            return tuple(parts) if len(parts) > 1 else ()
        if key not in self._fits:
            samples = [self.samples[a] for a in self.older(age)[:LOOKED_BACK]]
            try:
                self._fits[key] = (entry.learn(samples, self.today(age, customers), self.days, self.seed),)
            except TooYoungError:
                self._fits[key] = ()
        return self._fits[key]

    def today(self, age: int, customers: pd.DataFrame) -> Today:
        """The customers of an age, with the model of their orders."""
        if age not in self.todays:
            self.todays[age] = Today.of(customers, self.seed)
        return self.todays[age]

    def expect(self, name: str, age: int, customers: pd.DataFrame) -> Expectation | None:
        """The expectation of a forecaster at an age of the customers known then; None where it was too young."""
        entry, fitted = FORECASTERS[name], self.fit(name, age, customers)
        if not fitted:
            return None
        if entry.learn is not None:
            return fitted[0].expect(customers)
        parts = {part: self.expect(part, age, customers) for part in (*entry.of, *entry.of_spend)}
        return blended(
            *([part for one in names if (part := parts[one])] for names in (entry.of, entry.of_spend))
        )

    @_once
    def raw(self, name: str, age: int) -> Expectation | None:
        """The same of a sample."""
        return self.expect(name, age, self.samples[age].customers)

    def known_raw(self, name: str, age: int) -> Expectation:
        """The same of a forecaster that was old enough.

        Raises
        ------
        TooYoungError
            It was not.
        """
        return _learned(self.raw(name, age), name, age)

    def expectation(self, name: str, age: int, customers: pd.DataFrame) -> Expectation:
        """The expectation of customers of an age, by a forecaster that was old enough.

        Raises
        ------
        TooYoungError
            It was not.
        """
        return _learned(self.expect(name, age, customers), name, age)

    @_once
    def score(self, name: str, age: int) -> float | None:
        """The worth of the expectation of a sample; None where the forecaster was too young."""
        expected = self.raw(name, age)
        return None if expected is None else _score(expected, self.samples[age])

    @_once
    def choice(self, age: int) -> tuple[str, dict[str, float]]:
        """The forecaster to use at an age, and the mean score of each on what was known to have come by then.

        The score is the share of the variance of buying that is explained (1 - Brier / base rate's) and how
        well the money was ranked (`scores.capture`), together. The most trusted is taken unless another is
        better by more than chance; without a past, the first for which the shop is old enough.
        """
        scores: dict[str, list[float]] = {}
        customers = 0
        for looked_at in self.older(age)[:LOOKED_BACK]:
            if not self.older(looked_at):
                continue  # nothing could be learned then
            customers += len(self.samples[looked_at].customers)
            for name in FORECASTERS:
                score = self.score(name, looked_at)
                if score is not None:
                    scores.setdefault(name, []).append(score)
        longest = max(map(len, scores.values()), default=0)
        means = {name: float(np.mean(of)) for name, of in scores.items() if len(of) == longest}
        if not means:
            return "", {}
        best = max(means, key=lambda name: means[name])
        trusted = next(name for name in FORECASTERS if name in means)
        by_chance = 1 / np.sqrt(customers)
        return (best if means[best] > means[trusted] + BETTER + by_chance else trusted), means

    def usable(self, age: int, customers: pd.DataFrame) -> str:
        """The chosen forecaster; for a shop without a past the most trusted for which it is old enough."""
        name, _ = self.choice(age)
        if name and self.fit(name, age, customers):
            return name
        names = FORECASTERS if self.older(age) else (LIFETIME, NAIVE)
        return next(name for name in names if self.fit(name, age, customers))

    @_once
    def level(self, name: str, age: int) -> Level:
        """The correction at an age: how sure forecasts were, and how those of a year before were off."""
        looked_at = [a for a in self.older(age) if self.older(a) and self.raw(name, a) is not None]
        if not looked_at:
            return Level()
        slope = self._slope(name, looked_at[:LOOKED_BACK])
        before = min(looked_at, key=lambda a: abs(a - age - YEAR))
        if abs(before - age - YEAR) > NEAR:
            return Level(slope=slope)  # what the newest forecasts were off by was another season's
        odds, spend = (SEASON * value for value in self._off(name, before))
        return Level(float(odds), slope, float(np.exp(spend)), is_seasonal=True)

    def _off(self, name: str, age: int) -> tuple[float, float]:
        """Amounts by which log odds, and the logarithm of spend, were too low at an age."""
        expected, came = self.known_raw(name, age), self.samples[age]
        odds = logit(certain(expected.probability))
        share = np.clip(came.bought.mean(), 1e-3, 1 - 1e-3)
        shift = brentq(lambda by: expit(odds + by).mean() - share, -20, 20)
        total, came_total = expected.spend.sum(), came.spend.sum()
        ratio = np.log(came_total / total) if total > 0 and came_total > 0 else 0.0
        return float(shift), float(np.clip(ratio, -1.5, 1.5))

    def _slope(self, name: str, ages: list[int]) -> float:
        """The factor that log odds must be multiplied by to fit what came, the level of each age left out."""
        columns, bought = [], []
        for place, age in enumerate(ages):
            expected = self.known_raw(name, age)
            odds = logit(certain(expected.probability))
            dates = np.zeros((len(odds), len(ages)))
            dates[:, place] = 1
            columns.append(np.column_stack([odds - odds.mean(), dates]))
            bought.append(self.samples[age].bought)
        outcome = np.concatenate(bought)
        if min(outcome.sum(), (~outcome).sum()) < LEAST:
            return 1.0
        fitted = LogisticRegression(C=100.0, fit_intercept=False, max_iter=300)
        slope = fitted.fit(np.concatenate(columns), outcome).coef_[0, 0]
        return float(np.clip(1 + SURE * (slope - 1), 0.7, 1.3))

    @_once
    def looked_back(self, age: int) -> tuple[str, Expectation]:
        """The forecaster and the corrected forecast that would have been published at an age."""
        customers = self.samples[age].customers
        name = self.usable(age, customers)
        return name, self.level(name, age).corrected(self.known_raw(name, age))

    @_once
    def spread(self, age: int) -> Spread:
        """The intervals at an age: how far off the forecasts were that could be looked back on then."""
        ages = self.older(age)[:LOOKED_BACK]
        looked = [(self.looked_back(each)[1], self.samples[each]) for each in ages]
        return Spread.of(looked, self.seasonal(age))

    def seasonal(self, age: int) -> bool:
        """True where forecasts of the same season, a year before, can be looked back on."""
        return any(abs(each - age - YEAR) <= NEAR and self.older(each) for each in self.older(age))


def _learned(expected: Expectation | None, name: str, age: int) -> Expectation:
    if expected is None:
        raise TooYoungError(f"{name} had too little to learn from {age} days ago")
    return expected


def _score(expected: Expectation, came: Sample) -> float:
    base = came.bought.mean() * (1 - came.bought.mean())
    explained = 1 - np.square(expected.probability - came.bought).mean() / base if base > 0 else 0.0
    return float(max(explained, -1.0) + capture(expected.spend, came.spend))

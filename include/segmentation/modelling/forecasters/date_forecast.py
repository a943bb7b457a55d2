"""The forecast of a date: of every customer, for the horizon and for a year."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from segmentation.modelling.forecasters.base import Array, Expectation, history
from segmentation.modelling.forecasters.past import YEAR, Level, Past
from segmentation.modelling.forecasters.registry import NAIVE
from segmentation.modelling.forecasters.spread import Spread
from segmentation.modelling.threads import one_thread

NEVER = 1e-6
BLOCK = 32_768  # customers that are looked at together
THREADS = 2
YOUNG = 0.3  # the least common spread of a year, in a shop that has not seen one


@dataclass(frozen=True)
class DateForecast:
    """The forecast of a date.

    Attributes
    ----------
    forecaster : str
        The one chosen; `scores` has the mean score of each on the shop's own past.
    horizon, year : Expectation
    spread, year_spread : Spread
    next_days : ndarray
        Days until it is as likely as not that there was an order; NaN where that is not within a year.
    """

    forecaster: str
    scores: Mapping[str, float]
    level: Level
    horizon: Expectation
    year: Expectation
    spread: Spread
    year_spread: Spread
    next_days: Array


def forecast_date(past: Past, years: Past, customers: pd.DataFrame) -> DateForecast:
    """The forecast of the customers known today.

    Parameters
    ----------
    past, years
        The shop's past with outcomes of the horizon, and with those of a year (no samples: too young).
    """
    _, scores = past.choice(0)
    name = _fitted(past, years, customers)
    level = past.level(name, 0)
    expected, expected_year = _expected(past, years, name, customers)
    if name == NAIVE and not past.older(0):  # nobody has ever come again: an order, as likely as that was
        order_value = customers["spend"].to_numpy() / customers["order_days"].to_numpy()
        expected = Expectation(expected.probability, expected.probability * order_value)
    horizon = level.corrected(expected)
    spread = past.spread(0)
    if expected_year is None:
        year = _extended(past, customers, horizon)
    else:
        year = years.level(name, 0).corrected(expected_year)
    year = _at_least(year, horizon)
    year_spread = years.spread(0) if years.older(0) else Spread(spread.own, max(2 * spread.common, YOUNG))
    return DateForecast(
        name, scores, level, horizon, year, spread, year_spread, next_order(horizon, year, past.days)
    )


def _fitted(past: Past, years: Past, customers: pd.DataFrame) -> str:
    """The forecaster to use, once it has learned from outcomes of the horizon and, meanwhile, from those of a year."""
    past.today(0, customers)  # the same for both
    chosen, _ = past.choice(0)
    with one_thread(), ThreadPoolExecutor(1) as pool:  # one a fit, until both are done
        beside = pool.submit(years.fit, chosen, 0, customers) if chosen and years.older(0) else None
        name = past.usable(0, customers)
        if beside:
            beside.result()
    return name


def _expected(
    past: Past, years: Past, name: str, customers: pd.DataFrame
) -> tuple[Expectation, Expectation | None]:
    """Expectations of the horizon and, where that has been seen, of a year.

    Of some customers at a time: what both look at is made once, and stays near the processor meanwhile.
    """
    learned = [past, years] if years.older(0) and years.fit(name, 0, customers) else [past]

    def of_block(row: int) -> list[Expectation]:
        block = customers.iloc[row : row + BLOCK]
        return [each.expectation(name, 0, block) for each in learned]

    with ThreadPoolExecutor(THREADS) as pool:
        by_block = list(pool.map(of_block, range(0, len(customers), BLOCK)))
    together = [Expectation.together(of_blocks) for of_blocks in zip(*by_block, strict=True)]
    return together[0], together[1] if len(together) > 1 else None


def _extended(past: Past, customers: pd.DataFrame, horizon: Expectation) -> Expectation:
    """A year as BG/NBD sees it against the horizon, of a shop that has not seen one."""
    today = past.today(0, customers)
    if today.bgnbd is None:
        times = YEAR / past.days
        return Expectation(1 - (1 - horizon.probability) ** times, horizon.spend * times)
    histories = history(customers)
    near, far = (np.maximum(today.bgnbd.orders(histories, days), NEVER) for days in (past.days, YEAR))
    silent_near, silent_far = (
        -np.log1p(-np.clip(today.bgnbd.probability(histories, days), NEVER, 1 - NEVER))
        for days in (past.days, YEAR)
    )
    silence = -np.log1p(-np.clip(horizon.probability, 0, 1 - NEVER)) * silent_far / silent_near
    return Expectation(1 - np.exp(-silence), horizon.spend * far / near)


def _at_least(year: Expectation, horizon: Expectation) -> Expectation:
    """A year holds the horizon."""
    return Expectation(
        np.maximum(year.probability, horizon.probability), np.maximum(year.spend, horizon.spend)
    )


def next_order(horizon: Expectation, year: Expectation, days: int) -> Array:
    """Days until an order is as likely as not; NaN where that is not so within a year.

    The hazard is taken as even within the horizon, and as even from there to the end of the year.
    """
    near, far = (-np.log1p(-np.clip(each.probability, NEVER, 1 - NEVER)) for each in (horizon, year))
    even = np.log(2)
    within = days * even / near
    later = days + (YEAR - days) * (even - near) / np.maximum(far - near, NEVER)
    first_day = np.where(near >= even, within, later)
    return np.where(far >= even, np.ceil(np.clip(first_day, 1, YEAR)), np.nan)


def deciles(expected: Array) -> np.ndarray:
    """1..10, the tenth of whom most is expected is 10; of equals, the order of the customers."""
    places = np.empty(len(expected), dtype=np.int64)
    places[np.argsort(expected, kind="stable")] = np.arange(len(expected))
    return places * 10 // max(len(expected), 1) + 1

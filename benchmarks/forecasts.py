"""Forecasts of a synthetic shop: seconds and memory of what is learned, and of everybody's rows, without a server.

    make bench NAME=forecasts CUSTOMERS=1000000

Customers come at a rate of their own and stay for a time of their own. The past is that of a night: samples of
5,000 customers on nine earlier dates, and everybody as of today. What the server does beside it, which is reading
the roll-up and writing the rows, `make bench NAME=night-applications` has.
"""

from __future__ import annotations

import argparse
import io
import resource
import time
from datetime import date
from typing import Any, cast

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv

from segmentation.applications.forecasts import backtests, samples, staging
from segmentation.features.history import SAMPLED
from segmentation.modelling.forecasters.base import Sample
from segmentation.modelling.forecasters.date_forecast import forecast_date
from segmentation.modelling.forecasters.past import YEAR, Past
from segmentation.modelling.threads import one_thread
from segmentation.runs.night import Night
from segmentation.settings import Settings

DAY = date(2024, 1, 1)
WANTED = 15.0  # seconds of a night at a million


def customers_of(count: int, rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Customers in the columns of history.sql, and the orders a day to expect of each."""
    first = rng.integers(2, 731, count).astype(float)
    rate = rng.gamma(0.8, 0.01, count)  # orders a day
    stayed = np.minimum(first, rng.exponential(500.0, count))
    repeats = np.minimum(rng.poisson(rate * stayed), stayed // 2)
    last = np.where(repeats > 0, first - stayed * rng.beta(repeats + 1, 1.0), first).clip(1, first).round()
    value = rng.lognormal(3.5, 0.6, count)
    table = {"first_days": first, "last_days": last, "order_days": repeats + 1}
    for days in (30, 90, 180, 365):
        inside = rng.binomial(table["order_days"].astype(int), np.clip((days - last) / first, 0, 1))
        table[f"order_days_{days}d"] = np.maximum(inside, last <= days).astype(float)
    table["order_days_season"] = rng.binomial(table["order_days"].astype(int), np.clip(90 / first, 0, 1))
    table["spend"] = value * table["order_days"]
    for days in ("30d", "90d", "180d", "365d", "season"):
        table[f"spend_{days}"] = value * table[f"order_days_{days}"]
    table["largest_day"] = value * rng.uniform(1, 1.5, count)
    table["discount_share"], table["return_share"] = rng.beta(1, 20, count), rng.beta(1, 40, count)
    table["lines_per_day"] = 1 + rng.exponential(1.5, count)
    table["sessions"] = rng.poisson(3 * rate * stayed).astype(float)
    table["visit_days"] = np.minimum(last, rng.integers(1, 731, count))
    for name, days in (("sessions", 30), ("sessions", 90), ("carts", 30), ("carts", 90), ("views", 90)):
        table[f"{name}_{days}d"] = rng.poisson(3 * rate * np.clip(days - last, 0, days)).astype(float)
    table["reviews"] = rng.poisson(0.05 * table["order_days"]).astype(float)
    index = pd.Index([f"c{number}" for number in range(count)], name="customer_id")
    return pd.DataFrame(table, index=index).astype(float), np.where(stayed >= first, rate, 0.0)


def sample(seed: int, days: int) -> Sample:
    """Customers of an earlier date, and what they did in the days after it."""
    rng = np.random.default_rng(seed)
    table, rate = customers_of(SAMPLED, rng)
    came = rng.poisson(rate * days).astype(float)
    return Sample(table, came, came * table["spend"].to_numpy() / table["order_days"].to_numpy(), days)


def history(count: int, horizon: int, seed: int) -> samples.History:
    """The past of a shop of two years, and the customers of today."""
    past = {age: sample(age, horizon) for age in samples.ages(horizon) if age < 2 * YEAR}
    years = {age: sample(age, YEAR) for age in past if age >= YEAR}
    everybody, _ = customers_of(count, np.random.default_rng(seed))
    todays: dict[int, Any] = {}
    return samples.History(Past(past, horizon, seed, todays), Past(years, YEAR, seed, todays), everybody)


def main(arguments: list[str] | None = None) -> None:
    """Print a line of name=value pairs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=1_000_000)
    args = parser.parse_args(arguments)
    settings = Settings()
    night = Night("bench", DAY, settings, cast(Any, None), cast(Any, None), cast(Any, None))
    known = history(args.customers, settings.model.horizon_days, settings.model.seed)
    marks, worked = [time.perf_counter()], [time.process_time()]

    def mark() -> None:
        marks.append(time.perf_counter())
        worked.append(time.process_time())

    with one_thread():
        forecast = forecast_date(known.past, known.years, known.customers)
        mark()
        looked_back = list(backtests.looked_back(night, known.past))
        mark()
    frame = staging.customers(night, known.customers, forecast)
    csv.write_csv(pa.Table.from_pandas(frame, preserve_index=False), io.BytesIO())  # as `db.copy_frame`
    mark()
    steps = [
        f"{name}_s={seconds:.1f}"
        for name, seconds in zip(("forecast", "looked_back", "rows"), np.diff(worked), strict=True)
    ]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"customers={len(frame)} forecaster={forecast.forecaster} looked_back={len(looked_back)} {' '.join(steps)} "
        f"processor_s={worked[-1] - worked[0]:.1f} seconds={marks[-1] - marks[0]:.1f} wanted={WANTED:.0f} "
        f"peak_mb={peak:.0f}"
    )


if __name__ == "__main__":
    main()

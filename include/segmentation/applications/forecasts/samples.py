"""The past of a shop, read from the roll-up: what was known of customers at earlier dates, and what then came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from segmentation.applications.forecasts.sampled_days import WINDOWS, SampledDays
from segmentation.features import history
from segmentation.modelling.forecasters.base import Array, Sample, Today
from segmentation.modelling.forecasters.past import LEAST, YEAR, Past
from segmentation.runs.night import Night
from segmentation.warehouse import beside, db

SEASONS = 2  # years that are looked back: the season of a year ago, and how well it was foretold
WHOLE = history.EVERYBODY
BEHIND = 0.5  # of the days of an outcome: what a sample's date must have behind it, or its customers are not today's
FIGURES = {  # figures of each customer, by the column of history.sql that they are made of
    **{name: name for name in ("first_days", "last_days", "order_days")},
    **{f"order_days_{days}": f"order_days_{days}" for days in WINDOWS},
    "gross_cents": "spend",
    **{f"spend_cents_{days}": f"spend_{days}" for days in WINDOWS},
    **{"largest_cents": "largest_day", "discount_cents": "discount_share", "returned_cents": "return_share"},
    "lines": "lines_per_day",
    **{name: name for name in ("sessions", "sessions_30d", "sessions_90d", "visit_days")},
    **{name: name for name in ("carts_30d", "carts_90d", "views_90d", "reviews")},
}
FOLDER = "applications/forecasts"
ELIGIBLE = "select count(*) from features.customer_features where as_of_date = %(as_of_date)s"


@dataclass(frozen=True)
class History:
    """The shop's past with outcomes of the horizon and of a year, and the customers of today."""

    past: Past
    years: Past
    customers: pd.DataFrame


def ages(horizon: int) -> list[int]:
    """Days before today at which the past is looked at: by the horizon, and the same a year before."""
    steps = [age for age in range(horizon, YEAR, horizon) if age <= YEAR - horizon / 2]
    return [
        *steps,
        *(year * YEAR + step for year in range(1, SEASONS) for step in (0, *steps)),
        SEASONS * YEAR,
    ]


def read(night: Night) -> History:
    """Read it as of the night's date: nothing on or after it.

    Everybody is read beside the past, and while a forecaster is chosen on it, which the past remembers.
    """
    everybody: list[pd.DataFrame] = []

    def hand_out(conn: db.Connection) -> None:
        everybody.append(read_everybody(conn, night.as_of_date, night.warehouse))

    past = None
    with beside.held(night.warehouse, hand_out):
        with night.warehouse.connect(readonly=True) as conn:
            customers = db.scalar(conn, ELIGIBLE, night.params)
        if customers:
            past = _looked_back(night, customers)
    past = past or _looked_back(night, len(everybody[0]))  # of a date without features
    return History(*past, everybody[0])


def _looked_back(night: Night, customers: int) -> tuple[Past, Past]:
    """The past of a shop of so many customers, for the horizon and for a year, and what follows from it alone."""
    horizon, seed = night.settings.model.horizon_days, night.settings.model.seed
    samples, long = _read_samples(night, history.share_sampled(customers))
    todays: dict[int, Today] = {}
    past, years = Past(samples, horizon, seed, todays), Past(long, YEAR, seed, todays)
    past.choice(0)
    past.spread(0)
    if years.older(0):
        years.spread(0)
    return past, years


def _read_samples(night: Night, every: int) -> tuple[dict[int, Sample], dict[int, Sample]]:
    """Samples of one customer in `every` by their age, with the outcome of a horizon, and with that of a year."""
    horizon = night.settings.model.horizon_days
    with night.warehouse.connect(readonly=True) as conn:
        sampled = SampledDays.read(conn, night.as_of_date, every)
    oldest = sampled.oldest
    customers = {
        age: figures(*sampled.sums(age)) for age in ages(horizon) if age + BEHIND * horizon <= oldest
    }

    def sample(age: int, days: int) -> Sample:
        return Sample(customers[age], *sampled.outcome(customers[age].index, age, days), days)

    samples = {age: sample(age, horizon) for age in customers}
    long = {age: sample(age, YEAR) for age in customers if age >= YEAR and age + BEHIND * YEAR <= oldest}
    enough, enough_long = (
        {age: each for age, each in of_days.items() if len(each.customers) >= LEAST}
        for of_days in (samples, long)
    )
    return enough, enough_long


def read_everybody(conn: db.Connection, origin: date, database: db.Database | None = None) -> pd.DataFrame:
    """The same as `read_known`, of all customers: carried from night to night, or counted from all days."""
    # sums by customer are not shared among workers: each would have its own of everybody
    db.execute(conn, "set local max_parallel_workers_per_gather = 0")
    return _read(conn, origin, history.at(conn, origin, database))


def read_known(conn: db.Connection, origin: date, **relations: str) -> pd.DataFrame:
    """The figures known of customers at a date, by customer in the order of their ids."""
    return _read(conn, origin, history.counted(**relations))


def _read(conn: db.Connection, origin: date, sums: str) -> pd.DataFrame:
    query = db.statement("applications/forecasts/history.sql", sums=sums)
    kinds = {"customer_id": "text", **dict.fromkeys(FIGURES, "number")}
    table = db.read_table(conn, query, {"as_of_date": origin}, kinds)
    values = np.empty((len(FIGURES), len(table)))
    for row, name in zip(values, FIGURES, strict=True):
        row[:] = table[name].fill_null(0).to_numpy()
    customers = pd.Index(table["customer_id"].to_pandas(), name="customer_id")
    del table
    pa.default_memory_pool().release_unused()  # as much as the figures
    return figures(customers, values)


def figures(customers: pd.Index, sums: Array) -> pd.DataFrame:
    """The figures known of customers, money in currency units: a frame of `sums`, which it changes.

    `sums` are the columns of history.sql, of shape (columns, n): forecasters look at one after the other.
    """
    of = dict(zip(FIGURES, sums, strict=True))
    gross, discount, returned = (of[name] for name in ("gross_cents", "discount_cents", "returned_cents"))
    spend = np.maximum(gross - discount - returned, 0) / 100
    for part in (discount, returned):
        np.divide(part, gross, out=part, where=gross != 0)
        part[gross == 0] = 0
    np.minimum(returned, 1, out=returned)
    gross[:] = spend
    for name in ("largest_cents", *(f"spend_cents_{days}" for days in WINDOWS)):
        np.maximum(of[name], 0, out=of[name])
        of[name] /= 100
    of["lines"] /= of["order_days"]
    return pd.DataFrame(sums.T, index=customers, columns=list(FIGURES.values()), copy=False)


def read_outcome(
    conn: db.Connection, customers: pd.DataFrame, origin: date, days: int, known_at: date
) -> Sample:
    """The outcome of customers in the days after a date, as it was known at another."""
    query = db.statement(f"{FOLDER}/outcomes.sql", **WHOLE)
    params: dict[str, Any] = {"origin": origin, "until": origin + timedelta(days=days), "known_at": known_at}
    kinds = {"customer_id": "text", "order_days": "number", "spend": "number"}
    # any order: that of `customers`
    came = db.read_frame(conn, query, params, kinds).set_index("customer_id")
    came = came.reindex(customers.index).fillna(0.0)
    return Sample(customers, came["order_days"].to_numpy(), came["spend"].to_numpy(), days)

"""The past of a shop, read from the roll-up: what was known of customers at earlier dates, and what then came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from segmentation.features import history
from segmentation.modelling.forecasters.base import Sample, Today
from segmentation.modelling.forecasters.past import LEAST, YEAR, Past
from segmentation.runs.night import Night
from segmentation.warehouse import beside, db

SAMPLED = 10_000  # customers, of whom the past is looked at; up to twice as many
SEASONS = 2  # years that are looked back: the season of a year ago, and how well it was foretold
WHOLE = history.EVERYBODY
OF_SAMPLE = {"roll_up": "sampled_day", "cancelled": "sampled_cancelled"}
BEHIND = 0.5  # of the days of an outcome: what a sample's date must have behind it, or its customers are not today's
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
    samples, long = _read_samples(night, share_sampled(customers))
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
    with night.warehouse.connect() as conn:
        whom = history.of_sample(conn, night.as_of_date, every)
        db.run_file(conn, f"{FOLDER}/sample.sql", night.params, whom=whom)
        first = db.scalar(conn, "select min(day) from sampled_day where orders > 0")
        oldest = (night.as_of_date - first).days if first is not None else 0
        there = [age for age in ages(horizon) if age + BEHIND * horizon <= oldest]
        samples = {age: _sample(conn, night.as_of_date, age, horizon) for age in there}
        long = {
            age: _with_outcome(conn, night.as_of_date, age, YEAR, samples[age].customers)
            for age in there if age >= YEAR and age + BEHIND * YEAR <= oldest
        }  # fmt: skip
    enough, enough_long = (
        {age: each for age, each in of_days.items() if len(each.customers) >= LEAST}
        for of_days in (samples, long)
    )
    return enough, enough_long


def share_sampled(customers: int) -> int:
    """One customer in so many is in the sample."""
    return max(1, customers // SAMPLED)


def read_everybody(conn: db.Connection, origin: date, database: db.Database | None = None) -> pd.DataFrame:
    """The same as `read_known`, of all customers: carried from night to night, or counted from all days."""
    # sums by customer are not shared among workers: each would have its own of everybody
    db.execute(conn, "set local max_parallel_workers_per_gather = 0")
    relation = history.at(conn, origin, database)
    if relation == history.TABLE:
        query = db.statement(f"{FOLDER}/history.sql", sums=relation)
        return _frame(conn, query, {"as_of_date": origin})
    return _counted(conn, origin, relation)


def read_known(conn: db.Connection, origin: date, **relations: str) -> pd.DataFrame:
    """The figures known of customers at a date, by customer in the order of their ids."""
    return _counted(conn, origin, history.counted(**relations))


def _counted(conn: db.Connection, origin: date, sums: str) -> pd.DataFrame:
    query = db.statement(f"{FOLDER}/history.sql", sums=sums)
    # any order: what is made of it is read in order
    db.execute(conn, f"create temp table known on commit drop as {query}", {"as_of_date": origin})
    frame = _frame(conn, "select * from known order by customer_id", {})
    db.execute(conn, "drop table known")
    return frame


def _frame(conn: db.Connection, query: str, params: dict[str, Any]) -> pd.DataFrame:
    """Customers in the order of the query, which is that of their ids: these as text, numbers by binary COPY."""
    names = [name for name in db.column_kinds(conn, query, params) if name != "customer_id"]
    ids = db.read_frame(conn, f"select customer_id from ({query}) as q order by customer_id", params, TEXT)
    # any order: that of the query
    values = db.read_numbers(conn, query, names, params) if len(ids) else np.empty((0, len(names)))
    return pd.DataFrame(values, index=pd.Index(ids["customer_id"], name="customer_id"), columns=names)


TEXT = {"customer_id": "text"}


def read_outcome(
    conn: db.Connection, customers: pd.DataFrame, origin: date, days: int, known_at: date, **relations: str
) -> Sample:
    """The outcome of customers in the days after a date, as it was known at another."""
    query = db.statement(f"{FOLDER}/outcomes.sql", **(relations or WHOLE))
    params: dict[str, Any] = {"origin": origin, "until": origin + timedelta(days=days), "known_at": known_at}
    kinds = {"customer_id": "text", "order_days": "number", "spend": "number"}
    # any order: that of `customers`
    came = db.read_frame(conn, query, params, kinds).set_index("customer_id")
    came = came.reindex(customers.index).fillna(0.0)
    return Sample(customers, came["order_days"].to_numpy(), came["spend"].to_numpy(), days)


def _sample(conn: db.Connection, today: date, age: int, days: int) -> Sample:
    customers = read_known(conn, today - timedelta(days=age), **OF_SAMPLE)
    return _with_outcome(conn, today, age, days, customers)


def _with_outcome(conn: db.Connection, today: date, age: int, days: int, customers: pd.DataFrame) -> Sample:
    return read_outcome(conn, customers, today - timedelta(days=age), days, today, **OF_SAMPLE)

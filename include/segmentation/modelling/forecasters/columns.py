"""Columns that the learning forecasters look at: percentile ranks, and the logarithm of money."""

from __future__ import annotations

import numpy as np
import pandas as pd

from segmentation.modelling.forecasters.base import Array, Today, history
from segmentation.modelling.forecasters.bgnbd import BetaGeometric
from segmentation.modelling.representations.transformers import PercentileRanks

MONEY = (
    *("spend_30d", "spend_90d", "spend_180d", "spend_365d", "spend_season", "largest_day"),
    *("order_value", "spend_rate"),
)
WINDOWS = (90, 180, 365)  # days, of the usual spend; what lies in a shorter one lies in the longer ones, too
UNSEEN = 365.0  # days without an order, that are added to those seen of everybody


def described(customers: pd.DataFrame, bgnbd: BetaGeometric | None) -> pd.DataFrame:
    """Columns of what is known, with a few ratios, and where there is a BG/NBD, whether they are still there."""
    columns = {name: customers[name].to_numpy(dtype=np.float64) for name in customers}
    first, last, count = (columns[name] for name in ("first_days", "last_days", "order_days"))
    columns["overdue"] = last * count / np.maximum(first, 1.0)
    columns["order_value"] = columns["spend"] / count
    columns["rate"] = count / (first + 30.0)
    columns["spend_rate"] = columns["spend"] / (first + 30.0)
    if bgnbd is not None:
        columns["bgnbd_alive"] = bgnbd.alive(history(customers))
    return pd.DataFrame(columns, index=customers.index)


def foreseen(customers: pd.DataFrame, today: Today, days: int) -> pd.DataFrame:
    """Columns of what BG/NBD expects of the customers within so many days."""
    probability, orders = today.foreseen(customers, days)
    columns = {
        "bgnbd_probability": probability,
        "bgnbd_spend": orders * (customers["spend"] / customers["order_days"]).to_numpy(),
    }
    return pd.DataFrame(columns, index=customers.index)


def ranked(table: pd.DataFrame, among: PercentileRanks) -> Array:
    """Percentile ranks among the customers that `among` was fitted on, from -1 to 1: a row of each column."""
    return 2 * np.stack(among.by_column(table.to_numpy())) - 1


def money(table: pd.DataFrame, unit: float) -> Array:
    """Logarithms of money, in units of the shop's middle order: a row of each column."""
    return np.log1p(np.stack([table[name].to_numpy() for name in MONEY]) / unit)


def unit_of(today: pd.DataFrame) -> float:
    """The median value of an order day of today's customers."""
    value = today["spend"].to_numpy() / today["order_days"].to_numpy()
    positive = value[value > 0]
    return float(np.median(positive)) if positive.size else 1.0


def daily(customers: pd.DataFrame) -> Array:
    """The spend of a day at the customer's own rate, the mean of several windows."""
    days_as_customer = customers["first_days"].to_numpy(dtype=np.float64)
    rates = [
        customers[f"spend_{window}d"].to_numpy(dtype=np.float64)
        / (np.minimum(days_as_customer, window) + UNSEEN)
        for window in WINDOWS
    ]
    return np.asarray(np.mean(rates, axis=0))

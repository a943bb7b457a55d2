"""Evidence of the method on this shop: campaigns without an effect, made of its own past.

Customers are split at random again and again, and what they did in the last weeks is compared as if one half had
been sent something. An interval of 95 % has to hold nothing, the truth, 95 times in 100.
"""

from datetime import timedelta
from typing import Any

import numpy as np

from segmentation.applications.campaigns import effect
from segmentation.applications.campaigns.groups import KNOWN_DAYS
from segmentation.runs import register
from segmentation.runs.night import Night
from segmentation.warehouse import db

DAYS, MOST, SPLITS, HELD_OUT = 30, 5_000, 200, 0.2


def run(conn: db.Connection, night: Night) -> list[dict[str, Any]]:
    """Row of `campaign_backtests` of a night's date; none where the past is too short or too small."""
    parent = register.parent(conn, night.as_of_date)
    if parent is None:
        return []
    then = night.as_of_date - timedelta(days=DAYS)
    params: dict[str, Any] = {
        "then": then,
        "as_of_date": night.as_of_date,
        "held_from": then - timedelta(days=KNOWN_DAYS),
    }
    params |= {"parent_as_of_date": parent.as_of_date, "most": MOST}
    query = db.statement("applications/campaigns/trials.sql")
    numbers = db.read_numbers(conn, query, ["covariate", "revenue"], params)
    if len(numbers) * HELD_OUT < 2 * effect.FEWEST or numbers[:, 1].std() == 0:
        return []
    tried = split(numbers[:, 1], numbers[:, :1], night.settings.model.seed)
    stamp = {
        "as_of_date": night.as_of_date,
        "run_id": night.run_id,
        "customers": len(numbers),
        "splits": SPLITS,
    }
    return [{**stamp, "days": DAYS, "held_out": HELD_OUT, **tried}]


def split(revenue: np.ndarray, covariates: np.ndarray, seed: int) -> dict[str, float]:
    """Coverage, false alarms, and mean widths with the covariate and of the plain difference of means."""
    chance = np.random.default_rng(seed)
    nothing = np.zeros((len(revenue), 1))
    held, widths, plain = [], [], []
    for _ in range(SPLITS):
        is_control = chance.random(len(revenue)) < HELD_OUT
        adjusted = effect.estimate(revenue, is_control, covariates)
        naive = effect.estimate(revenue, is_control, nothing)
        if adjusted and naive:
            held.append(adjusted.low <= 0 <= adjusted.high)
            widths.append(adjusted.high - adjusted.low)
            plain.append(naive.high - naive.low)
    covered = float(np.mean(held))
    return {
        "coverage": round(covered, 4),
        "false_alarms": round(1 - covered, 4),
        "width": round(float(np.mean(widths)), 4),
        "width_naive": round(float(np.mean(plain)), 4),
    }

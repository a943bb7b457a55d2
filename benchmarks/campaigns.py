"""Campaigns with planted effects: how often an interval of 95 % holds the truth, and how often nothing is found.

    make bench NAME=campaigns     # customers made here, ordinary and heavy-tailed; or those of a shop:
    make bench NAME=campaigns SOURCE=demo AS_OF=2026-06-01
    make bench NAME=campaigns SOURCE=online_retail DATA=online_retail.csv.gz AS_OF=2011-06-01,2011-09-01

A replication draws customers at random, holds a share of them out, and has the others spend more by the planted
effect; the truth is the planted effect a customer. Of a shop, spend of the 90 days before a date is
what is known, and spend of the 30 days from it what came. The last line has the means as name=value pairs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from benchmarks import predictive
from segmentation.applications.campaigns import effect, results
from segmentation.applications.campaigns.results import Outcomes
from segmentation.features import table as features
from segmentation.local import commands

DAYS, REPLICATIONS = 30, 2_000
# customers of a campaign, share held out, planted effect
CAMPAIGNS = ((200, 0.2, 0.0), (1_000, 0.2, 0.0), (1_000, 0.1, 0.1), (2_000, 0.2, 0.2), (5_000, 0.5, 0.1))


@dataclass(frozen=True)
class Customers:
    """Spend that was known of customers, and what they spent then; each of shape (n,), in currency units."""

    known: np.ndarray
    spent: np.ndarray


@dataclass(frozen=True)
class Trial:
    """Shares of replications, and the mean width of the intervals against that of the difference of means."""

    coverage: float
    found: float
    width: float


def made(count: int, spread: float, seed: int) -> Customers:
    """Customers who order at random, at rates and prices of their own; `spread` of prices is on the log scale."""
    chance = np.random.default_rng(seed)
    rate, price = chance.gamma(0.6, 1.5, count), np.exp(chance.normal(3.5, spread, count))
    return Customers(_spent(rate * 3, price, chance), _spent(rate, price, chance))


def _spent(rate: np.ndarray, price: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    orders = chance.poisson(rate)
    paid = np.repeat(price, orders) * np.exp(chance.normal(0, 0.6, orders.sum()))
    return np.bincount(np.repeat(np.arange(len(rate)), orders), weights=paid, minlength=len(rate))


def replications(
    customers: Customers, count: int, held_out: float, lift: float, times: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Outcome, control group, and what was known, of each replication."""
    chance = np.random.default_rng(seed)
    for _ in range(times):
        drawn = chance.integers(len(customers.known), size=count)
        is_control = chance.random(count) < held_out
        spent = customers.spent[drawn]
        outcome = np.where(is_control, spent, spent * (1 + lift))
        yield outcome, is_control, customers.known[drawn][:, None]


def coverage(
    customers: Customers, count: int, held_out: float, lift: float, times: int = REPLICATIONS, seed: int = 0
) -> Trial:
    """Count how often the interval of a campaign holds the truth, and how often it finds an effect."""
    estimated, held, found, widths, plain = 0, 0, 0, 0.0, 0.0
    truth = lift * float(customers.spent.mean())
    for outcome, is_control, known in replications(customers, count, held_out, lift, times, seed):
        told = effect.estimate(outcome, is_control, known)
        if told is None:
            continue  # too few are held out, now and then
        estimated += 1
        held += told.low <= truth <= told.high
        found += told.p_value < results.MATTERS
        widths += told.high - told.low
        groups = [outcome[group] for group in (~is_control, is_control)]
        plain += 2 * 1.96 * float(np.sqrt(sum(group.var() / len(group) for group in groups)))
    return Trial(held / estimated, found / estimated, widths / plain)


def looked_at(
    customers: Customers, count: int, times: int = REPLICATIONS, seed: int = 1, held_out: float = 0.2
) -> tuple[float, float]:
    """Campaigns without an effect, looked at every night: how many are said to have one.

    Returns the share by what is published, and by who computes the same test every night.
    """
    chance = np.random.default_rng(seed)
    published = naive = 0
    for _ in range(times):
        drawn = chance.integers(len(customers.known), size=count)
        is_control = chance.random(count) < held_out
        known = customers.known[drawn]
        day_of = chance.integers(DAYS, size=(count, 3))  # spend comes in three parts on days of their own
        is_found = is_said = False
        for night in range(2, DAYS + 1, 2):
            spent = customers.spent[drawn] * (day_of < night).mean(axis=1)
            outcomes = Outcomes(np.ones(count, int), is_control, known, spent, (spent > 0).astype(float))
            has_ended = night == DAYS
            rows = results.rows(outcomes, 10, has_ended=has_ended, is_spoilt=False)
            is_said |= any(
                row["conclusion"] in ("more", "less") for row in rows if row["metric"] == "revenue"
            )
            told = effect.estimate(spent, is_control, known[:, None])
            is_found |= told is not None and told.p_value < results.MATTERS
        published += is_said
        naive += is_found
    return published / times, naive / times


def of_shop(args: argparse.Namespace, days: list[date]) -> Iterator[tuple[str, Customers]]:
    """The customers of a shop at each date: spend of 90 days before, and of 30 days after."""
    for night_of in predictive.shop(args, max(days) + timedelta(days=DAYS)):
        for day in days:
            features.build(night_of(day), predictive.silent)
            frame, later = features.read_earlier(night_of(day + timedelta(days=DAYS)), DAYS)
            yield f"{args.source} {day}", Customers(frame["spend_90d"].fillna(0).to_numpy(), later.to_numpy())


def main(arguments: list[str] | None = None) -> None:
    """Print a line a campaign, and the means as one line of name=value pairs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source")
    parser.add_argument("--data")
    parser.add_argument("--as-of", default="", help="dates, separated by commas")
    parser.add_argument("--times", type=int, default=REPLICATIONS)
    for name in ("customers", *commands.FILE):
        parser.add_argument(f"--{name}")
    args = parser.parse_args(arguments)
    days = [date.fromisoformat(day.strip()) for day in args.as_of.split(",") if day.strip()]
    shops = (
        of_shop(args, days)
        if args.source and days
        else ((f"made here, spread {spread}", made(20_000, spread, 7)) for spread in (0.5, 1.0))
    )
    found: list[Trial] = []
    alarms: list[tuple[float, float]] = []
    for name, customers in shops:
        for count, held_out, lift in CAMPAIGNS:
            trial = coverage(customers, count, held_out, lift, args.times)
            found.append(trial)
            print(
                f"{name}: {count:,} customers, {held_out:.0%} held out, effect {lift:.0%}: interval holds the truth in "
                f"{trial.coverage:.1%}, an effect is found in {trial.found:.1%}, {trial.width:.2f} as wide as without "
                "what was known"
            )
        alarms.append(looked_at(customers, 500, args.times))
        said, peeked = alarms[-1]
        print(
            f"{name}: no effect, looked at nightly: {said:.1%} false alarms; by the plain test {peeked:.1%}"
        )
    told = np.mean([[one.coverage, one.width] for one in found], axis=0)
    said, peeked = np.mean(alarms, axis=0)
    print(
        f"\ncoverage={told[0]:.3f} false_alarms={said:.3f} false_alarms_peeking={peeked:.3f} width={told[1]:.3f}"
    )


if __name__ == "__main__":
    sys.exit(main())

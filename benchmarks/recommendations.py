"""Recommendations for a synthetic shop: seconds and memory of the choice, the fits and everybody's lists.

    make bench NAME=recommendations CUSTOMERS=1000000 PRODUCTS=10000

Customers have one of 50 tastes, each a popularity of its own among the products, and have bought 20 products
on the average, a few of them hundreds. The trial is that of a night (`MOST_TRIED` customers); then the chosen way is
fitted on everybody, and the lists of everybody are made and worded as they are copied to the warehouse. BY= names
others than the chosen one. `run` is the part of the benchmark `applications`: how the chosen recommender does on what
customers bought after a date, beside popularity.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import numpy as np
import pandas as pd
import scipy.sparse as sp

from segmentation.applications.recommendations import choice, lists, prepare, recommenders
from segmentation.applications.recommendations.lists import Shelf
from segmentation.applications.recommendations.purchases import Purchases
from segmentation.features import table as features
from segmentation.runs.night import Night

TASTES, MEAN_PRODUCTS = 50, 20
DAY, HORIZON = date(2024, 1, 1), timedelta(days=90)


def run(night_of: Callable[[date], Night], day: date) -> tuple[pd.DataFrame, dict[str, float]]:
    """Judge the recommender that a night of the date chooses in the horizon after it, beside popularity.

    The warehouse must hold the horizon after the date. Returns the table, and the pairs of products that are
    new to the customer.
    """
    night = night_of(day)
    features.build(night, lambda _: None)
    seed = night.settings.model.seed
    with night.warehouse.connect() as conn:
        customers, products, _ = prepare.number(conn, night)
        families = prepare.families_of(prepare.catalogue_of(conn, products))
        name = choice.chosen(
            [
                choice.tried(one, trial, families)
                for trial in prepare.trials(conn, night, products)
                for one in recommenders.candidates(seed)
            ]
        )
        later = next(prepare.trials_of(conn, night, customers, products, [day]))
        found = [choice.tried(one, later, families) for one in recommenders.candidates(seed)]
        conn.rollback()
    table = pd.DataFrame(
        [
            {
                "as of": day,
                "recommender": one.recommender,
                "chosen": one.recommender == name,
                "customers": one.customers,
                "hit20": one.hit,
                "recall20": one.recall,
            }
            for one in found
        ]
    )
    hit = table.set_index("recommender")["hit20"]
    return table, {"hit20": hit[name], "hit20_popular": hit[recommenders.POPULARITY]}


def shop(customers: int, products: int, seed: int = 0, at_once: int = 50_000) -> Purchases:
    """Purchases of a synthetic shop, made of some customers at once: making them takes no memory that is told."""
    parts = [_part(min(at_once, customers - n), products, seed + n) for n in range(0, customers, at_once)]
    counts, product, age, orders = (np.concatenate(one) for one in zip(*parts, strict=True))
    return Purchases((customers, products), np.concatenate([[0], np.cumsum(counts)]), product, age, orders)


def _part(customers: int, products: int, seed: int) -> tuple[np.ndarray, ...]:
    """Products of each customer, how many, and age and orders of each."""
    rng = np.random.default_rng(seed)
    size = np.minimum(
        1 + rng.lognormal(np.log(MEAN_PRODUCTS * 0.65), 1.0, customers).astype(int), products // 4
    )
    owner = np.repeat(np.arange(customers), size)
    taste = np.repeat(rng.integers(0, TASTES, customers), size)
    place = np.minimum(rng.pareto(0.8, len(owner)) * 20, products - 1).astype(np.int64)
    own = rng.random(len(owner)) < 0.7
    keys = np.unique(owner * products + np.where(own, (place * TASTES + taste * 211) % products, place))
    age = rng.integers(1, 730, len(keys)).astype(np.float32)
    orders = (1 + rng.geometric(0.7, len(keys))).astype(np.float32)
    return (
        np.bincount(keys // products, minlength=customers),
        (keys % products).astype(np.int32),
        age,
        orders,
    )


def split(known: Purchases, customers: int) -> choice.Trial:
    """Purchases of the first customers, those of the newest 90 days apart."""
    stop = known.starts[customers]
    rows = np.repeat(np.arange(customers), np.diff(known.starts[: customers + 1]))
    part = np.column_stack([rows, known.product[:stop], known.age_days[:stop], known.orders[:stop]])
    is_before = part[:, 2] > HORIZON.days
    shape = (customers, known.shape[1])
    late = part[~is_before]
    after = sp.csr_matrix(
        (np.ones(len(late), np.float32), (late[:, 0].astype(int), late[:, 1].astype(int))), shape
    )
    return choice.Trial(DAY - HORIZON, DAY, Purchases.of_rows(shape, part[is_before]), after)


@contextmanager
def timed(what: str, into: list[dict]) -> Iterator[None]:
    """A row with the seconds, by the clock and of the processor, and the most memory until then."""
    start, worked = time.monotonic(), time.process_time()
    yield
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds, processor = time.monotonic() - start, time.process_time() - worked
    into.append({"what": what, "seconds": seconds, "processor": processor, "peak MB": peak})
    print(
        f"  {what}: {seconds:.1f} s, {processor:.1f} of it worked, {peak:.0f} MB", file=sys.stderr, flush=True
    )


def main(arguments: list[str] | None = None) -> None:
    """Print a row a step, and the total as one line of name=value pairs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--products", type=int, default=10_000)
    parser.add_argument("--by", help="recommenders to time in the place of the chosen one, by commas")
    args = parser.parse_args(arguments)
    found: list[dict] = []
    known = shop(args.customers, args.products)
    shelf = Shelf(np.ones(args.products, bool), np.arange(args.products))
    results = []
    trial = split(known, min(args.customers, prepare.MOST_TRIED))
    for one in recommenders.candidates(0):
        with timed(f"trial of {one.name}", found):
            results.append(choice.tried(one, trial, shelf.families))
    del trial
    name = choice.chosen(results)
    listed = 0
    for wanted in args.by.split(",") if args.by else (name,):
        one = next(one for one in recommenders.candidates(0) if one.name == wanted)
        with timed(f"fit of {wanted}", found):
            one.fit(known)
        with timed("neighbours, for the reasons", found):
            similar = prepare.reasons(one, known, 0)
        with timed(f"lists by {wanted}", found):
            listed = sum(
                prepare.as_text(block).count("\n") for block in lists.lists(one, known, shelf, similar, 10, 3)
            )
    table = pd.DataFrame(found)
    print(table.round(1).to_string(index=False))
    print(
        f"customers={args.customers} products={args.products} purchases={len(known.product)} lists={listed} "
        f"chosen={name} seconds={table['seconds'].sum():.0f} processor={table['processor'].sum():.0f} "
        f"peak_mb={table['peak MB'].max():.0f}"
    )


if __name__ == "__main__":
    main()

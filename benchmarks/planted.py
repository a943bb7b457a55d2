"""Agreement of the segments of the demo shop with the planted ones, from easy to hard.

    make bench NAME=planted CUSTOMERS=5000 AS_OF=2026-06-01

The same shop is made with customers who differ less and more from the averages of their planted segment
(the setting `shop.demo_spread`; 1 is usual), and one night's stages run on each. Beside what is chosen
stand the best candidate of all, the best of those with the true k, and of each algorithm the best with
the true k: what somebody could have who knew k, the algorithm or both. ARI against the planted segments
of the customers who have one; the rivals are silhouette's choice and the naive baseline.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from datetime import date

import numpy as np
import pandas as pd
import predictive
from sklearn.metrics import adjusted_rand_score

from segmentation.features import dictionary
from segmentation.features import table as features
from segmentation.modelling.assign import assign
from segmentation.runs.night import Night
from segmentation.selection import candidates
from segmentation.warehouse import db

SPREADS = (0.3, 1.0, 1.5, 2.0)
PLANTED = "select customer_id, label from staging.labels where label is not null"


def planted(night: Night, customers: pd.Index) -> np.ndarray:
    """The planted segment of each customer as a number, -1 where there is none."""
    with night.warehouse.connect(readonly=True) as conn:
        labels = db.read_frame(conn, PLANTED).drop_duplicates("customer_id").set_index("customer_id")["label"]
    return pd.factorize(labels.reindex(customers))[0]


def row(night: Night) -> Iterator[tuple[str, float]]:
    """The figures of one shop by name."""
    features.build(night, predictive.silent)
    with night.warehouse.connect(readonly=True) as conn:
        frame = features.read(conn, night.as_of_date, dictionary.of(night))
    truth = planted(night, frame.index)
    has_truth = truth >= 0

    def ari(labels: np.ndarray) -> float:
        return float(adjusted_rand_score(truth[has_truth], labels[has_truth]))

    names = {}
    for name, (labels, _) in predictive.choose(night).items():
        names[name] = ari(labels)
        yield f"{name}_k", len(set(labels))
    k = len(set(truth[has_truth]))
    fitted = candidates.load(night, list(night.settings.model.algorithms))
    board = pd.DataFrame(
        [
            (c.algorithm, c.k, ari(assign(c, candidates.matrix(night, c.representation))["label"].to_numpy()))
            for c in fitted
            if not c.error
        ],
        columns=["algorithm", "k", "ari"],
    )
    yield from names.items()
    yield "kmeans3", ari(predictive.naive_baseline(frame))
    yield "oracle", board["ari"].max()
    yield "true_k", k
    right = board[board["k"] == k]
    yield "oracle_true_k", right["ari"].max()
    for algorithm in night.settings.model.algorithms:
        yield algorithm, right.loc[right["algorithm"] == algorithm, "ari"].max()


def main(arguments: list[str] | None = None) -> None:
    """Print a column a spread, and the means as one line of name=value pairs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--as-of", type=date.fromisoformat, default=date(2026, 6, 1))
    parser.add_argument("--customers", default="5000")
    args = parser.parse_args(arguments)
    told = dict.fromkeys(predictive.commands.FILE)
    table = pd.DataFrame()
    for spread in SPREADS:
        os.environ["SEGMENTATION__SHOP__DEMO_SPREAD"] = str(spread)
        shop = argparse.Namespace(source="demo", data=None, customers=args.customers, **told)
        name = f"bench-planted-{args.customers}-{str(spread).replace('.', '-')}"
        for night_of in predictive.shop(shop, args.as_of, name):
            table[f"spread {spread}"] = pd.Series(dict(row(night_of(args.as_of))))
            print(table.iloc[:, -1].round(2).to_dict(), file=sys.stderr, flush=True)
    print(table.round(2).to_string())
    means = table.mean(axis=1)
    shown = ("chosen", "silhouette", "kmeans3", "oracle", "oracle_true_k")
    print("\n" + " ".join(f"{name}={means[name]:.3f}" for name in shown) + f" shops={len(SPREADS)}")


if __name__ == "__main__":
    main()

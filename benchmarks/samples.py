"""Cost of fitting a sample: each algorithm on a sample that labels everybody, beside a fit of everybody.

    python benchmarks/samples.py [CUSTOMERS]

Customers are those of `benchmarks/search.py`: eight overlapping kinds, prepared as a night prepares them. The
sample is a quarter of them (500 for affinity propagation). Each algorithm fits a few trials of its grid; the
figure is the mean adjusted Rand index of everybody's labels by the sample's fit with those of the full one,
noise settled as it is published. Beside it stand a uniform sample, and what a full fit has with a full fit
that starts from another seed: more than that no sample can reach. The second table is about a rare kind: how
many of it are in a sample, and whether k-means finds it there.
"""

from __future__ import annotations

import sys
import time
import warnings

import numpy as np
import pandas as pd
from search import customers
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from segmentation.modelling.algorithms import registry
from segmentation.modelling.algorithms.base import Algorithm, Params
from segmentation.modelling.labellers import published
from segmentation.modelling.prepare import prepare
from segmentation.modelling.sampling import rare_keeping_sample
from segmentation.modelling.settings import ALGORITHMS, ModelSettings, PreparationSettings
from segmentation.modelling.trials import thin

SETTINGS = ModelSettings(k_min=4, k_max=8)
TRIALS, MOST = 6, {"affinity_propagation": 2_000}  # customers of a full fit
RARE, EVERYBODY, SAMPLED = 0.002, 100_000, 5_000
RARE_ARI = "found by k-means, k=3 (mean ARI)"
SEED = SETTINGS.seed  # not that of the customers: who is drawn must not hang together with who they are


def labels_of(
    algorithm: Algorithm, rows: np.ndarray, X: np.ndarray, trials: list[Params], seed: int
) -> dict[str, np.ndarray]:
    """Everybody's labels by each trial fitted on `rows`; without those that fail."""
    found = {}
    shared = algorithm.shared(X[rows], SETTINGS)
    for params in trials:
        try:
            labeller = algorithm.fit(X[rows], shared, params, seed).labeller
        except ValueError:  # a failed trial, which a search records
            continue
        found[str(params)] = published(labeller, X)[0]
    return found


def agreement(ones: dict[str, np.ndarray], others: dict[str, np.ndarray]) -> float:
    """Mean adjusted Rand index of the trials that both have."""
    both = [adjusted_rand_score(ones[name], others[name]) for name in ones.keys() & others.keys()]
    return float(np.mean(both)) if both else float("nan")


def by_algorithm(X: np.ndarray) -> pd.DataFrame:
    """The first table."""
    rows = []
    for name in ALGORITHMS:
        algorithm, everybody = registry()[name], X[: MOST.get(name, len(X))]
        size = len(everybody) // 4
        trials = thin(algorithm.trials(everybody, SETTINGS), TRIALS)
        started = time.process_time()
        full = labels_of(algorithm, np.arange(len(everybody)), everybody, trials, 0)
        seconds = time.process_time() - started
        samples = {
            "sample": rare_keeping_sample(everybody, size, SEED),
            "uniform": np.sort(np.random.default_rng(SEED).permutation(len(everybody))[:size]),
            "full, other seed": np.arange(len(everybody)),
        }
        found = {
            kind: agreement(full, labels_of(algorithm, drawn, everybody, trials, 1))
            for kind, drawn in samples.items()
        }
        rows.append({"algorithm": name, "customers": len(everybody), "sampled": size, "trials": len(full)})
        rows[-1] |= found | {"cpu_s of the full fits": seconds}
        print(f"  {name}", file=sys.stderr, flush=True)
    return pd.DataFrame(rows)


def rare_kind(n: int = EVERYBODY, draws: int = 10) -> pd.DataFrame:
    """The second table: one customer in 500 is of a kind of its own, some way off."""
    rng = np.random.default_rng(0)
    rare = rng.random(n) < RARE
    X = rng.normal(size=(n, 10)) + np.where(rng.random(n) < 0.5, 2.0, -2.0)[:, None]
    X[rare] = 9.0 + rng.normal(size=(rare.sum(), 10))
    told = {"rare-keeping": [], "uniform": []}
    for seed in range(SEED, SEED + draws):
        for kind, rows in (
            ("rare-keeping", rare_keeping_sample(X, SAMPLED, seed)),
            ("uniform", np.random.default_rng(seed).permutation(n)[:SAMPLED]),
        ):
            labels = KMeans(3, n_init=10, random_state=seed).fit(X[rows]).predict(X)
            told[kind].append((rare[rows].sum(), adjusted_rand_score(rare, labels == labels[rare][0])))
    rows = [
        {
            "sample": kind,
            "customers": n,
            "of the kind": int(rare.sum()),
            "sampled": SAMPLED,
            "of it in a sample, mean": np.mean([count for count, _ in found]),
            "fewest": min(count for count, _ in found),
            RARE_ARI: np.mean([ari for _, ari in found]),
        }
        for kind, found in told.items()
    ]
    return pd.DataFrame(rows)


def main(n: int) -> None:
    """Print both tables, and how well a rare kind is found."""
    warnings.simplefilter("ignore")  # a trial that does not converge is counted all the same
    frame, features = customers(n)
    X = prepare(frame, features, PreparationSettings())[1].to_numpy()
    with threadpool_limits(1):
        print(by_algorithm(X).round(2).to_string(index=False), "\n")
        rare = rare_kind()
        print(rare.round(2).to_string(index=False))
    ari_by_sample = dict(zip(rare["sample"].str.replace("-", "_"), rare[RARE_ARI], strict=True))
    print(" ".join([f"customers={n}", *(f"{sample}_ari={ari:.3f}" for sample, ari in ari_by_sample.items())]))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4_000)

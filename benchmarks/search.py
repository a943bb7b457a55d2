"""What the choice of a model costs: 1 M customers x 40 features, two workers, every algorithm.

    make bench-search CUSTOMERS=1000000

Four tables: the search (every trial of every algorithm in two processes, as the pool of the DAG runs them,
then all scores and the choice), the labelling of everybody by the best candidate of each algorithm, a night
that keeps the model, and all silhouettes in one pass against scikit-learn's one by one. Seconds are wall
and, beside them, of the processor: on a machine that others use as well, the latter say more. Memory is the
sum of the peaks of the processes, which may have been at different times.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import silhouette_score

from segmentation.modelling import drift
from segmentation.modelling.assign import assign
from segmentation.modelling.choose import choose
from segmentation.modelling.prepare import prepare
from segmentation.modelling.sampling import judged_rows
from segmentation.modelling.scores import score, silhouettes
from segmentation.modelling.search import Candidate, fit_algorithm
from segmentation.modelling.settings import ALGORITHMS, ModelSettings, PreparationSettings

SETTINGS = ModelSettings()
FEATURES, GROUPS, WORKERS = 40, 8, 2
PARTITIONS, PARTITION_ROWS = 121, 4_000
GIB = 2**20  # kilobytes, as ru_maxrss counts them


@dataclass(frozen=True)
class Feature:
    """What preparation reads of a feature."""

    name: str
    group: str
    transform: str


def customers(n: int, seed: int = 0) -> tuple[pd.DataFrame, list[Feature]]:
    """Eight overlapping kinds of customers, the rarest one in 200, with heavy tails and unknown values."""
    rng = np.random.default_rng(seed)
    shares = np.array([0.3, 0.2, 0.15, 0.12, 0.1, 0.08, 0.045, 0.005])
    kind = rng.choice(GROUPS, n, p=shares)
    centres = rng.normal(scale=1.2, size=(GROUPS, FEATURES))
    values = np.exp(centres[kind] + rng.normal(size=(n, FEATURES)))
    values[:, ::10][rng.random((n, len(range(0, FEATURES, 10)))) < 0.2] = np.nan
    names = [f"feature_{i:02d}" for i in range(FEATURES)]
    index = pd.Index([f"{i:08d}" for i in range(n)], name="customer_id")
    groups = ("rfm", "trend", "basket", "browsing", "reviews")
    return pd.DataFrame(values, index, names), [
        Feature(name, groups[i % len(groups)], "log") for i, name in enumerate(names)
    ]


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """What `work` returns, wall seconds, and processor seconds of this process."""
    wall, processor = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - processor


def fit(name: str, file: str) -> tuple[list[Candidate], float, float, int]:
    """One mapped task: candidates, wall and processor seconds, and the peak of this process so far."""
    candidates, wall, processor = timed(lambda: fit_algorithm(name, pd.read_parquet(file), SETTINGS))
    return candidates, wall, processor, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def search(matrix: pd.DataFrame, folder: Path) -> tuple[list[Candidate], Candidate]:
    """Fit, score and choose; prints the table."""
    file = str(folder / "matrix.parquet")
    matrix.to_parquet(file)
    started = time.perf_counter()
    rows, found, peaks = [], [], {}
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        tasks = {name: pool.submit(fit, name, file) for name in ALGORITHMS}
        for name, task in tasks.items():
            candidates, wall, processor, peak = task.result()
            found += candidates
            peaks[name] = peak
            failed = sum(bool(c.error) for c in candidates)
            rows.append((name, len(candidates), failed, candidates[0].fitted_rows, wall, processor))
            print(f"  {name}: {processor:.1f} s cpu", file=sys.stderr)
    judged = matrix.iloc[judged_rows(matrix, SETTINGS)]
    fits = sum(row[5] for row in rows)
    scored, wall, processor = timed(lambda: score(found, judged, SETTINGS))
    rows.append(("all scores", len(scored), 0, len(judged), wall, processor))
    chosen = choose(found, scored, SETTINGS, n_customers=len(matrix))
    columns = ["algorithm", "candidates", "failed", "rows", "wall_s", "cpu_s"]
    print(pd.DataFrame(rows, columns=columns).round(1).to_string(index=False))
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    worker = max(peaks.values())
    print(
        f"search: {time.perf_counter() - started:.0f} s wall, {fits + processor:.0f} s cpu "
        f"(fits {fits:.0f} s in {WORKERS} processes); peak at most {(WORKERS * worker + own) / GIB:.1f} GiB "
        f"({worker / GIB:.1f} a worker, {own / GIB:.1f} here); {chosen.verdict}\n"
    )
    best = {}
    order = chosen.leaderboard.sort_values("rank", na_position="last")
    by_name = {c.name: c for c in found}
    for name in order["candidate"]:
        if not by_name[name].error:
            best.setdefault(by_name[name].algorithm, by_name[name])
    return list(best.values()), chosen.winner


def labelling(best: list[Candidate], matrix: pd.DataFrame) -> None:
    """Everybody's label by the best of each algorithm."""
    rows = []
    for candidate in best:
        _, wall, processor = timed(lambda candidate=candidate: assign(candidate, matrix))
        rows.append((candidate.algorithm, candidate.name, wall, processor))
    print(
        pd.DataFrame(rows, columns=["algorithm", "candidate", "wall_s", "cpu_s"])
        .round(1)
        .to_string(index=False)
    )
    print(f"labelling: at most {max(r[2] for r in rows):.1f} s wall, {max(r[3] for r in rows):.1f} s cpu\n")


def keeping(frame: pd.DataFrame, pipeline: Any, winner: Candidate) -> None:
    """A night that keeps: drift, preparation, labels. Features are in memory; reading them is apart."""
    histogram, wall, processor = timed(lambda: drift.histogram(frame))
    rows = [("histogram, with a search", wall, processor)]
    _, wall, processor = timed(lambda: drift.psi(histogram, frame))
    rows.append(("drift", wall, processor))
    matrix, wall, processor = timed(lambda: pipeline.transform(frame))
    rows.append(("preparation", wall, processor))
    _, wall, processor = timed(lambda: assign(winner, matrix))
    rows.append((f"labels by {winner.name}", wall, processor))
    print(pd.DataFrame(rows, columns=["step", "wall_s", "cpu_s"]).round(1).to_string(index=False))
    # decide and choose are two tasks, and both prepare
    nightly = [*rows[1:], rows[2]]
    print(f"keep: {sum(r[1] for r in nightly):.1f} s wall, {sum(r[2] for r in nightly):.1f} s cpu\n")


def one_pass() -> None:
    """All silhouettes at once against scikit-learn's one by one."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(PARTITION_ROWS, 20))
    partitions = [rng.integers(0, 2 + i % 11, PARTITION_ROWS) for i in range(PARTITIONS)]
    once, _, ours = timed(lambda: silhouettes(X, partitions))
    each, _, theirs = timed(lambda: [silhouette_score(X, labels) for labels in partitions])
    error = np.abs(np.array(once) - np.array(each)).max()
    print(
        f"silhouettes of {PARTITIONS} partitions of {PARTITION_ROWS:,} customers: {ours:.2f} s cpu in one "
        f"pass, {theirs:.1f} s one by one: {theirs / ours:.0f} times; largest difference {error:.1e}"
    )


def main(n: int) -> None:
    """All four tables."""
    one_pass()
    frame, features = customers(n)
    (pipeline, matrix), wall, processor = timed(lambda: prepare(frame, features, PreparationSettings()))
    print(f"{n:,} customers x {matrix.shape[1]} columns prepared in {wall:.1f} s ({processor:.1f} s cpu)\n")
    with tempfile.TemporaryDirectory() as folder:
        best, winner = search(matrix, Path(folder))
    labelling(best, matrix)
    keeping(frame, pipeline, winner or best[0])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)

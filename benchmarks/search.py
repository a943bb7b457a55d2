"""Cost of the choice of a model: 1 M customers x 40 features, two workers, every algorithm.

    make bench NAME=search CUSTOMERS=1000000

Four tables: the search (all representations, every trial of every algorithm in two processes, as the pool
of the DAG runs them, then all scores and the choice), the labelling of everybody by the best candidate of
each algorithm, a night that keeps the model, and all silhouettes in one pass against scikit-learn's one by
one. Seconds are wall
and, beside them, of the processor: on a machine that others use as well, the latter say more. The stages of a
night are tasks one after the other, each a process of its own (of the fits, two at once): its peak of memory
is that of the stage that takes most.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import silhouette_score
from threadpoolctl import threadpool_limits

from segmentation.modelling import drift
from segmentation.modelling.algorithms import registry
from segmentation.modelling.choose import choose
from segmentation.modelling.representations.registry import ALL, TrainingSnapshot, cross_fitted, represented
from segmentation.modelling.sampling import SearchSample, evaluation_rows
from segmentation.modelling.scores.geometry import silhouettes
from segmentation.modelling.scores.prediction import Snapshot
from segmentation.modelling.scores.table import score
from segmentation.modelling.search import Candidate, fit_algorithm
from segmentation.modelling.settings import ALGORITHMS, REPRESENTATIONS, ModelSettings, PreparationSettings
from segmentation.selection import matrices

SETTINGS = ModelSettings()
FEATURES, GROUPS, WORKERS = 40, 8, 2
PARTITIONS, PARTITION_ROWS = 121, (4_000, 20_000)
GIB = 2**20  # kilobytes, as ru_maxrss counts them


@dataclass(frozen=True)
class Feature:
    """The part of a feature that preparation reads."""

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
    """Return the result of `work`, wall seconds, and processor seconds of this process."""
    wall, processor = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - processor


def snapshot_of(frame: pd.DataFrame, seed: int = 1) -> TrainingSnapshot:
    """Customers of a horizon ago, as a night keeps them: a sample, and what some features explain."""
    rng = np.random.default_rng(seed)
    rows = frame.iloc[evaluation_rows(frame, SETTINGS)]
    drive = np.log1p(rows.iloc[:, 1:6].to_numpy()).sum(axis=1)
    bought = rng.random(len(rows)) < 1 / (1 + np.exp(np.median(drive) - drive))
    return TrainingSnapshot(rows, np.where(bought, np.exp(drive / 3 + rng.normal(size=len(rows))), 0.0))


def fit(name: str, folder: str, representations: list[str]) -> tuple[list[Candidate], float, float, int]:
    """One mapped task: candidates, wall and processor seconds, and the peak of this process so far."""
    fewer = SETTINGS.model_copy(update={"trials": max(1, SETTINGS.trials // 4)})
    others = representations[1:] if registry()[name].everywhere else []

    def work() -> list[Candidate]:
        found = []
        for representation, settings in [(representations[0], SETTINGS), *((r, fewer) for r in others)]:
            with (Path(folder) / f"{representation}.npz").open("rb") as file:
                made = fit_algorithm(name, SearchSample.read(file), settings)
            found += [
                replace(c, name=f"{c.name} on {representation}", representation=representation) for c in made
            ]
        return found

    candidates, wall, processor = timed(work)
    return candidates, wall, processor, peak_kb()


def peak_kb() -> int:
    """Peak memory of this process; `ru_maxrss` would be what the one before it had, that started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def reset_peak() -> None:
    """Count the peak anew: see proc(5), clear_refs."""
    Path("/proc/self/clear_refs").write_text("5")


def search(
    frame: pd.DataFrame, features: list[Feature], folder: Path
) -> tuple[list[Candidate], dict[str, Any], Candidate | None]:
    """Prepare, fit, score and choose; prints the table."""
    started = time.perf_counter()
    training = snapshot_of(frame)
    n = len(frame)
    made, wall, processor = timed(lambda: prepared(frame, features, training, folder))
    rows = [("prepare, and what fits see", len(made), 0, n, wall, processor)]
    found, peaks = [], {}
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        tasks = {name: pool.submit(fit, name, str(folder), list(made)) for name in ALGORITHMS}
        for name, task in tasks.items():
            candidates, wall, processor, peak = task.result()
            found += candidates
            peaks[name] = peak
            failed = sum(bool(c.error) for c in candidates)
            rows.append((name, len(candidates), failed, candidates[0].fitted_rows, wall, processor))
            print(f"  {name}: {processor:.1f} s cpu", file=sys.stderr)
    snapshots, wall, processor = timed(
        lambda: {
            name: Snapshot(cross_fitted(pipeline, training, SETTINGS.seed), training.spend)
            for name, pipeline in made.items()
        }
    )
    rows.append(
        ("the training snapshot, cross-fitted", len(snapshots), 0, len(training.spend), wall, processor)
    )
    everybody = matrices.Stored(folder / ALL)
    evaluated = matrices.rows(everybody, matrices.evaluated(everybody, SETTINGS))
    scored, wall, processor = timed(lambda: score(found, evaluated, SETTINGS, snapshots=snapshots))
    rows.append(("all scores", len(scored), 0, len(evaluated), wall, processor))
    chosen, wall, processor = timed(lambda: choose(found, scored, SETTINGS, n_customers=n))
    rows.append(("choose", len(scored), 0, len(evaluated), wall, processor))
    columns = ["step", "of", "failed", "rows", "wall_s", "cpu_s"]
    print(pd.DataFrame(rows, columns=columns).round(1).to_string(index=False))
    own = peak_kb()
    worker = max(peaks.values())
    print(
        f"search: {time.perf_counter() - started:.0f} s wall, {sum(row[5] for row in rows):.0f} s cpu "
        f"(fits in {WORKERS} processes); peak {max(WORKERS * worker, own) / GIB:.1f} GiB "
        f"({WORKERS} fits {worker / GIB:.1f} each, before and after them {own / GIB:.1f}); {chosen.verdict}\n"
    )
    best = {}
    order = chosen.leaderboard.sort_values("rank", na_position="last")
    by_name = {c.name: c for c in found}
    for name in order["candidate"]:
        if not by_name[name].error:
            best.setdefault(by_name[name].algorithm, by_name[name])
    return list(best.values()), made, chosen.winner


def prepared(
    frame: pd.DataFrame, features: list[Feature], training: TrainingSnapshot, folder: Path
) -> dict[str, Any]:
    """The pipelines; the matrices and the files that the mapped tasks read are kept, as a night keeps them."""
    pipelines = {}
    made = represented(frame, features, PreparationSettings(), REPRESENTATIONS, training)
    for name, pipeline, matrix in made:
        pipelines[name] = pipeline
        matrices.write(folder / name, matrix)
        with (folder / f"{name}.npz").open("wb") as file:
            SearchSample.of(matrix, SETTINGS).write(file)
        del matrix
    return pipelines


def labelling(best: list[Candidate], folder: Path) -> None:
    """Everybody's label by the best of each algorithm."""
    rows = []
    for candidate in best:
        matrix = matrices.Stored(folder / candidate.representation)
        _, wall, processor = timed(
            lambda candidate=candidate, matrix=matrix: matrices.labelled(candidate, matrix)
        )
        rows.append((candidate.algorithm, candidate.name, wall, processor))
    print(
        pd.DataFrame(rows, columns=["algorithm", "candidate", "wall_s", "cpu_s"])
        .round(1)
        .to_string(index=False)
    )
    print(f"labelling: at most {max(r[2] for r in rows):.1f} s wall, {max(r[3] for r in rows):.1f} s cpu\n")


def keeping(frame: pd.DataFrame, pipeline: Any, winner: Candidate) -> tuple[float, float]:
    """Print what a night that keeps takes: drift, preparation, labels; returns its wall and processor seconds.

    Features are in memory; reading them is apart.
    """
    histogram, wall, processor = timed(lambda: drift.histogram(frame))
    rows = [("histogram, with a search", wall, processor)]
    _, wall, processor = timed(lambda: drift.psi(histogram, frame))
    rows.append(("drift", wall, processor))
    matrix = matrices.Prepared(pipeline, frame)
    _, wall, processor = timed(lambda: matrices.rows(matrix, matrices.evaluated(matrix, SETTINGS)))
    rows.append(("preparation of a sample", wall, processor))
    _, wall, processor = timed(lambda: matrices.labelled(winner, matrix))
    rows.append((f"preparation and labels by {winner.name}", wall, processor))
    print(pd.DataFrame(rows, columns=["step", "wall_s", "cpu_s"]).round(1).to_string(index=False))
    # decide and choose are two tasks, and both look at a sample
    nightly = [*rows[1:], rows[2]]
    wall, processor = (sum(row[column] for row in nightly) for column in (1, 2))
    print(f"keep: {wall:.1f} s wall, {processor:.1f} s cpu\n")
    return wall, processor


def one_pass() -> None:
    """All silhouettes at once against scikit-learn's one by one, a few of which stand for all."""
    rng = np.random.default_rng(0)
    for n in PARTITION_ROWS:
        X = rng.normal(size=(n, 20))
        partitions = [rng.integers(0, 2 + i % 11, n) for i in range(PARTITIONS)]
        some = range(0, PARTITIONS, 1 if n <= 5_000 else 40)
        with threadpool_limits(1):
            once, _, ours = timed(lambda X=X, partitions=partitions: silhouettes(X, partitions))
            each, _, theirs = timed(
                lambda X=X, partitions=partitions, some=some: [
                    silhouette_score(X, partitions[i]) for i in some
                ]
            )
        theirs *= PARTITIONS / len(some)
        error = np.abs(np.array(once)[list(some)] - np.array(each)).max()
        print(
            f"silhouettes of {PARTITIONS} partitions of {n:,} customers: {ours:.2f} s cpu in one pass, "
            f"{theirs:.0f} s one by one ({len(some)} measured): {theirs / ours:.0f} times; "
            f"largest difference {error:.1e}"
        )


def main(n: int) -> None:
    """Print all four tables, and the figures of the search and of a night that keeps the model by name."""
    one_pass()
    frame, features = customers(n)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        reset_peak()
        (best, made, winner), wall, _ = timed(lambda: search(frame, features, folder))
        labelling(best, folder)
    kept = winner or best[0]
    keep_wall, keep_cpu = keeping(frame, made[kept.representation], kept)
    print(f"customers={n} search_wall_s={wall:.1f} keep_wall_s={keep_wall:.1f} keep_cpu_s={keep_cpu:.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
